//! `limpid inspect`.

use crate::{
    args::{Format, InspectArgs, RankBy},
    dot,
    page::{Page, print},
    progress::Progress,
    prompt::{self, Prepared},
    render,
};
use anyhow::{Result, anyhow};
use limpid_analysis::{
    attribution::Method,
    objective::ObjectiveKind,
    route_prune::Prune,
    views::inspection::{Inspector, Question, RankBy as Rank, Top},
};
use limpid_engine::{cancel::CancelToken, forward::Watch};
use limpid_protocol::inspection::{Inspection, TimingsMs};
use std::{sync::Arc, time::Instant};

/// Flags that are checked before the model is loaded.
struct Checked {
    prune: Prune,
    methods: Vec<Method>,
    objective: Option<ObjectiveKind>,
    top: Top,
}

impl Checked {
    fn new(args: &InspectArgs) -> Result<Self> {
        let flag = |flag: &'static str| move |e: String| anyhow!("{flag}: {e}");
        let methods = args
            .attribution
            .split(',')
            .map(|name| name.trim().parse().map_err(flag("--attribution")))
            .collect::<Result<Vec<Method>>>()?;
        let top = match args.top.as_str() {
            "all" => Top::All,
            n => Top::Strongest(
                n.parse()
                    .map_err(|_| anyhow!("--top: `{n}` is neither a number of rows nor `all`"))?,
            ),
        };
        Ok(Self {
            prune: args.prune.parse().map_err(flag("--prune"))?,
            methods,
            objective: args
                .objective
                .as_deref()
                .map(|text| text.parse().map_err(flag("--objective")))
                .transpose()?,
            top,
        })
    }
}

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt or the model, in one sentence.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let checked = Checked::new(args)?;
    let started = Instant::now();
    let prepared = Prepared::new(&args.prompt)?;
    let mut inspection = inspect(&prepared, args, &checked)?;
    if let Some(timings) = &mut inspection.timings_ms {
        timings.total = ms(started);
    }
    match args.format {
        Format::Text => {
            let mut page = Page::stdout();
            render::inspection(&inspection, &mut page);
            page.finish()?;
        }
        Format::Dot => print(&dot::render(&inspection))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string(&inspection)?))?,
    }
    Ok(())
}

fn ms(since: Instant) -> f32 {
    since.elapsed().as_secs_f32() * 1e3
}

/// Inspects a prepared prompt by the flags of `inspect`, for other commands.
///
/// # Errors
/// As [`run`].
pub(crate) fn inspect_prepared(prepared: &Prepared, args: &InspectArgs) -> Result<Inspection> {
    inspect(prepared, args, &Checked::new(args)?)
}

fn inspect(prepared: &Prepared, args: &InspectArgs, checked: &Checked) -> Result<Inspection> {
    let cancel = CancelToken::default();
    let loaded = &prepared.loaded;
    let token = |text: Option<&str>| text.map(|text| prompt::token(loaded, text)).transpose();
    let question = Question {
        position: prepared.target(&args.prompt)?,
        target: token(prepared.token_text(&args.prompt))?,
        foil: token(prepared.foil_text(&args.prompt))?,
        objective: checked.objective,
        prune: checked.prune,
        top: checked.top,
    };
    let started = Instant::now();
    let trace = Arc::new(prepared.forward(&cancel)?);
    let forward = ms(started);

    let started = Instant::now();
    let bar = Progress::steps("following the flow", loaded.model.spec.n_layers as u64 + 1);
    let progress = |done: usize, _: usize| bar.set(done as u64);
    let watch = Watch { cancel: &cancel, progress: &progress };
    let inspector = Inspector::new(Arc::clone(loaded), trace, &question, [], watch)?;
    let mut inspection = inspector.first_step(&prepared.tokens, watch)?;
    if args.lens {
        let positions: Vec<usize> = (0..prepared.tokens.len()).collect();
        inspection.lens = Some(inspector.lens(&positions, watch)?);
    }
    let analysis = ms(started);

    let started = Instant::now();
    bar.say("walking back");
    let attributions = inspector.attributions(watch)?;
    inspection.attribution = Some(inspector.attribution(attributions, &checked.methods));
    let rank_by = match args.rank_by {
        RankBy::Attribution => Rank::Attribution,
        RankBy::Flow => Rank::Flow,
    };
    inspection.heads = inspector.heads(Some(attributions), rank_by, checked.top)?;
    inspection.neurons = inspector.neurons(Some(attributions), rank_by, checked.top)?;
    bar.finish();
    inspection.timings_ms = args.timings.then(|| TimingsMs {
        load: prepared.load_time.as_secs_f32() * 1e3,
        tokenize: prepared.tokenize_time.as_secs_f32() * 1e3,
        forward,
        analysis,
        backward: ms(started),
        total: 0.0,
    });
    Ok(inspection)
}
