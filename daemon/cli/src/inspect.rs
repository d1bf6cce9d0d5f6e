//! `limpid inspect`.

use crate::{
    answer::Answer,
    args::{Format, InspectArgs, RankBy},
    dot, effect_flags, folder, html,
    page::{Page, print},
    prompt::{self, Prepared},
    render, set_run,
};
use anyhow::{Result, anyhow};
use limpid_analysis::{
    attribution::{Attributions, Method},
    effect_job::Budget,
    objective::ObjectiveKind,
    route_prune::Prune,
    views::{
        effects::{Asked, Effects},
        inspection::{Inspector, Question, RankBy as Rank, Top},
        known_effects::KnownEffects,
    },
};
use limpid_engine::{cancel::CancelToken, forward::Watch, trace::Trace};
use limpid_protocol::{
    effect::FLOOR,
    inspection::{Inspection, TimingsMs},
    intervention::{Intervention, InterventionSet},
    part_row::{PartBy, PartKind, PartRow},
};
use limpid_server::parts::{TokenScores, roll_up, segments};
use std::{sync::Arc, time::Instant};

/// Rows of heads and of neurons, unless said otherwise.
const ROWS: usize = 10;

/// Flags that are checked before the model is loaded.
pub(crate) struct Checked {
    prune: Prune,
    methods: Vec<Method>,
    objective: Option<ObjectiveKind>,
    top: Top,
    pub(crate) effects: Option<Budget>,
}

impl Checked {
    /// Reads them.
    ///
    /// # Errors
    /// One is no such thing.
    pub(crate) fn new(args: &InspectArgs) -> Result<Self> {
        let flag = |flag: &'static str| move |e: String| anyhow!("{flag}: {e}");
        let methods = args
            .attribution
            .split(',')
            .map(|name| name.trim().parse().map_err(flag("--attribution")))
            .collect::<Result<Vec<Method>>>()?;
        let top = match args.top.as_deref() {
            None => Top::Strongest(ROWS),
            Some("all") => Top::All,
            Some(n) => Top::Strongest(
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
            effects: args
                .effects
                .as_deref()
                .map(|text| effect_flags::budget("--effects", text))
                .transpose()?,
        })
    }
}

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt or the model, in one sentence.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let checked = Checked::new(args)?;
    if let Some(set) = &args.set {
        let prompt = folder::with_settings(&args.prompt, set);
        return set_run::run(&InspectArgs { prompt, ..args.clone() }, &checked, set);
    }
    if args.format == Format::Html {
        return html::run(args, &checked);
    }
    let started = Instant::now();
    let mut prepared = Prepared::new(&args.prompt)?;
    let answer = Answer::of(&mut prepared, args)?;
    let mut done = inspect(&prepared, args, &checked, &answer)?;
    if let Some(timings) = &mut done.inspection.timings_ms {
        timings.total = ms(started);
    }
    match args.format {
        Format::Text => {
            let mut page = Page::stdout();
            done.page(&mut page);
            page.finish()?;
        }
        Format::Dot => print(&dot::render(&done.inspection))?,
        Format::Json | Format::Jsonl | Format::Html => {
            print(&format!("{}\n", serde_json::to_string(&done.inspection)?))?;
        }
    }
    Ok(())
}

/// An inspection, and what its page shows beside it.
pub(crate) struct Done {
    /// The inspection.
    pub(crate) inspection: Inspection,
    /// Roll-ups that the page shows: the one asked for, else messages and lines where there are several.
    rolled_up: Vec<(PartBy, Vec<PartRow>)>,
}

impl Done {
    /// All of it, for people.
    pub(crate) fn page(&self, page: &mut Page) {
        render::inspection(&self.inspection, &self.rolled_up, page);
    }
}

fn ms(since: Instant) -> f32 {
    since.elapsed().as_secs_f32() * 1e3
}

/// Inspects a prepared prompt by the flags of `inspect`, for other commands.
///
/// # Errors
/// As [`run`].
pub(crate) fn inspect_prepared(prepared: &Prepared, args: &InspectArgs) -> Result<Inspection> {
    Ok(inspect(prepared, args, &Checked::new(args)?, &Answer::default())?.inspection)
}

/// The runs that are explained: the prompt, and the prompt with another answer behind it.
pub(crate) struct Traces {
    own: Arc<Trace>,
    foil: Option<Trace>,
}

impl Traces {
    /// Runs them.
    ///
    /// # Errors
    /// As the engine's forward.
    pub(crate) fn run(prepared: &Prepared, answer: &Answer, cancel: &CancelToken) -> Result<Self> {
        let own = Arc::new(prepared.forward(cancel)?);
        let foil = answer.foil.as_ref().map(|ids| prepared.forward_behind(ids, &own, cancel));
        Ok(Self { foil: foil.transpose()?, own })
    }

    /// Everything about them without a backward pass.
    ///
    /// # Errors
    /// What was wrong with the flags.
    pub(crate) fn inspector(
        self,
        prepared: &Prepared,
        args: &InspectArgs,
        checked: &Checked,
        answer: &Answer,
        watch: Watch<'_>,
    ) -> Result<Inspector> {
        let loaded = &prepared.loaded;
        let token = |text: Option<&str>| text.map(|text| prompt::token(loaded, text)).transpose();
        let question = Question {
            position: prepared.target(&args.prompt)?,
            target: token(prepared.token_text(&args.prompt))?,
            foil: token(prepared.foil_text(&args.prompt))?,
            answer: answer.range.clone(),
            objective: checked.objective,
            prune: checked.prune,
            top: checked.top,
        };
        let inspector = Inspector::new(Arc::clone(loaded), self.own, &question, [], watch)?;
        Ok(match self.foil {
            Some(foil) => inspector.against(Arc::new(foil))?,
            None => inspector,
        })
    }
}

/// Inspects a prepared prompt, and an answer to it where there is one.
///
/// # Errors
/// As [`run`].
pub(crate) fn inspect(
    prepared: &Prepared,
    args: &InspectArgs,
    checked: &Checked,
    answer: &Answer,
) -> Result<Done> {
    let cancel = CancelToken::default();
    let loaded = &prepared.loaded;
    let started = Instant::now();
    let traces = Traces::run(prepared, answer, &cancel)?;
    let forward = ms(started);

    let started = Instant::now();
    let bar = prepared.progress("following the flow", loaded.model.spec.n_layers as u64 + 1);
    let progress = |done: usize, _: usize| bar.set(done as u64);
    let watch = Watch { cancel: &cancel, progress: &progress };
    let inspector = traces.inspector(prepared, args, checked, answer, watch)?;
    let mut inspection = inspector.first_step(&prepared.tokens, watch)?;
    if args.lens {
        let positions: Vec<usize> = (0..prepared.tokens.len()).collect();
        inspection.lens = Some(inspector.lens(&positions, watch)?);
    }
    let analysis = ms(started);

    let started = Instant::now();
    bar.say("walking back");
    let attributions = inspector.attributions(watch)?;
    let attribution = inspector.attribution(attributions, &checked.methods);
    let mut rolled_up =
        rolled_up(prepared, args, &inspection, &inspector.input_flows(), &attribution.scores);
    place_in_source(prepared, &mut inspection, &mut rolled_up);
    inspection.attribution = Some(attribution);
    let rank_by = match args.rank_by {
        RankBy::Attribution => Rank::Attribution,
        RankBy::Flow => Rank::Flow,
    };
    inspection.heads = inspector.heads(Some(attributions), rank_by, checked.top)?;
    inspection.neurons = inspector.neurons(Some(attributions), rank_by, checked.top)?;
    bar.finish();
    if let Some(budget) = checked.effects {
        measure(prepared, &inspector, attributions, budget, (&mut inspection, &mut rolled_up))?;
    }
    inspection.timings_ms = args.timings.then(|| TimingsMs {
        load: prepared.load_time.as_secs_f32() * 1e3,
        tokenize: prepared.tokenize_time.as_secs_f32() * 1e3,
        forward,
        analysis,
        backward: ms(started),
        total: 0.0,
    });
    inspection.parts =
        args.by.map(|_| rolled_up.iter().flat_map(|(_, rows)| rows.clone()).collect());
    Ok(Done { inspection, rolled_up })
}

/// Measures what an inspection shows within a budget, and puts it beside the scores.
fn measure(
    prepared: &Prepared,
    inspector: &Inspector,
    scores: &Attributions,
    budget: Budget,
    (inspection, rolled_up): (&mut Inspection, &mut Vec<(PartBy, Vec<PartRow>)>),
) -> Result<()> {
    let target = &inspection.target;
    let target = target.answer.as_ref().map_or(target.position, |answer| answer.start - 1);
    let mut shown: Vec<Intervention> = (0..target).map(Intervention::knockout).collect();
    let rows = rolled_up.iter().flat_map(|(_, rows)| rows);
    for row in rows.filter(|row| row.kind != PartKind::Template) {
        let (start, end) = (row.tokens.start, row.tokens.end.min(target));
        if start + 1 < end {
            shown.push(Intervention::span_knockout(start, end));
        }
    }
    let heads = inspection.heads.iter();
    shown.extend(heads.map(|row| Intervention::head_zero(row.layer, row.head, None)));
    let neurons = inspection.neurons.iter();
    shown.extend(neurons.map(|row| Intervention::neuron_set(row.layer, row.neuron, 0.0)));
    let asked = shown.into_iter().map(|one| Asked::from(InterventionSet::from(one))).collect();
    let cancel = CancelToken::default();
    let watch = Watch { cancel: &cancel, progress: &|_, _| {} };
    let trace_of = |from: &_| prepared.trace_of(from, &cancel);
    let budget = (budget, FLOOR);
    let mut effects = Effects::new(inspector.explained(), Some(scores), asked, budget, &trace_of)?;
    let bar = prepared.progress("measuring", effects.len() as u64);
    while !effects.step(watch)?.is_empty() {
        bar.set(effects.n_made() as u64);
    }
    bar.finish();
    let known = KnownEffects::new(&effects.rows(), FLOOR);
    if let Some(attribution) = &mut inspection.attribution {
        known.beside_tokens(attribution, target);
    }
    known.beside_heads(&mut inspection.heads);
    known.beside_neurons(&mut inspection.neurons);
    rolled_up.iter_mut().for_each(|(_, rows)| known.beside_parts(rows, target));
    Ok(())
}

/// Places in the prompt's text become places in its source: the file, with escapes, variables and other messages between.
pub(crate) fn place_in_source(
    prepared: &Prepared,
    inspection: &mut Inspection,
    rolled_up: &mut [(PartBy, Vec<PartRow>)],
) {
    let place = |start: &mut Option<usize>, end: &mut Option<usize>| {
        if let (Some(from), Some(to)) = (*start, *end) {
            let source = prepared.prompt.map.to_source(from..to);
            (*start, *end) = (Some(source.start), Some(source.end));
        }
    };
    for token in &mut inspection.tokens {
        place(&mut token.start, &mut token.end);
    }
    for row in rolled_up.iter_mut().flat_map(|(_, rows)| rows) {
        place(&mut row.start, &mut row.end);
    }
}

/// The roll-up asked for, else messages and lines where there are several.
fn rolled_up(
    prepared: &Prepared,
    args: &InspectArgs,
    inspection: &Inspection,
    flows: &[f32],
    attributions: &[f32],
) -> Vec<(PartBy, Vec<PartRow>)> {
    let scores = TokenScores { flows, attributions };
    let rows = |by: PartBy| {
        let segments = segments(&prepared.prompt.text, &prepared.outline, by);
        (by, roll_up(&prepared.prompt.text, &segments, &inspection.tokens, scores))
    };
    if let Some(by) = args.by {
        return vec![rows(by.into())];
    }
    let mut found = Vec::new();
    if !prepared.outline.messages.is_empty() {
        found.push(rows(PartBy::Message));
    }
    let lines = rows(PartBy::Line);
    if lines.1.iter().filter(|row| row.start.is_some()).count() > 1 {
        found.push(lines);
    }
    found
}
