//! `limpid effect`: what really changes, measured, beside the cheap scores.

use crate::{
    answer::Answer,
    args::{EffectArgs, Format, PromptArgs},
    effect_flags, effect_page,
    inspect::{Checked, Traces, place_in_source},
    page::{Page, print},
    prompt::Prepared,
};
use anyhow::{Context, Result, bail};
use limpid_analysis::{
    attribution::Attributions,
    effect_job::{Budget, PART_RUNS},
    views::{
        effects::{Asked, Effects, Subsets, SweepGrid},
        glance::{model_info, token_rows},
        inspection::Inspector,
    },
};
use limpid_engine::{cancel::CancelToken, forward::Watch};
use limpid_protocol::{
    effect::{EffectReport, EffectTimingsMs, Sweep},
    inspection::Inspection,
    intervention::PatchSource,
    part_row::PartBy,
};
use limpid_server::effect_parts::PartedText;
use std::{path::Path, sync::Arc, time::Instant};

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt, an intervention or the model, in one sentence.
pub(crate) fn run(args: &EffectArgs) -> Result<()> {
    let inspect = &args.inspect;
    let has_no_part = [
        ("--lens", inspect.lens),
        ("--set", inspect.set.is_some()),
        ("--out", inspect.out.is_some()),
        ("--effects", inspect.effects.is_some()),
        ("--format dot", inspect.format == Format::Dot),
        ("--format jsonl", inspect.format == Format::Jsonl),
    ];
    if let Some((flag, _)) = has_no_part.iter().find(|(_, given)| *given) {
        bail!("{flag} has no part in `limpid effect`; leave it out, or use `limpid inspect`");
    }
    if !args.floor.is_finite() || args.floor < 0.0 {
        bail!("--floor: {} is no number of nats from 0 on", args.floor);
    }
    let budget =
        args.budget.as_deref().map(|text| effect_flags::budget("--budget", text)).transpose()?;
    let checked = Checked::new(inspect)?;
    let started = Instant::now();
    let mut prepared = Prepared::new(&inspect.prompt)?;
    let answer = Answer::of(&mut prepared, inspect)?;
    let mut report = Measurement { args, prepared: &prepared, budget }.run(&checked, &answer)?;
    report.timings_ms.total = ms(started);
    match inspect.format {
        Format::Text => {
            let mut page = Page::stdout();
            let top = inspect.top.as_deref().map(|top| top.parse().unwrap_or(usize::MAX));
            effect_page::report(&report, top, &mut page);
            page.finish()
        }
        _ => print(&format!("{}\n", serde_json::to_string(&report)?)),
    }
}

fn ms(since: Instant) -> f32 {
    since.elapsed().as_secs_f32() * 1e3
}

struct Measurement<'a> {
    args: &'a EffectArgs,
    prepared: &'a Prepared,
    budget: Option<Budget>,
}

/// What the runs are made for.
enum Purpose {
    Rows,
    Tree,
    Subsets(Subsets),
    Sweep(SweepGrid, Box<Sweep>),
}

impl Measurement<'_> {
    fn run(&self, checked: &Checked, answer: &Answer) -> Result<EffectReport> {
        let (args, prepared) = (self.args, self.prepared);
        let cancel = CancelToken::default();
        let watch = Watch { cancel: &cancel, progress: &|_, _| {} };
        let started = Instant::now();
        let traces = Traces::run(prepared, answer, &cancel)?;
        let forward = ms(started);
        let started = Instant::now();
        let bar = prepared.progress("walking back", 1);
        let inspector = traces.inspector(prepared, &args.inspect, checked, answer, watch)?;
        let mut first = inspector.first_step(&prepared.tokens, watch)?;
        place_in_source(prepared, &mut first, &mut []);
        let scores = inspector.attributions(watch)?;
        bar.finish();
        let scored = ms(started);

        let started = Instant::now();
        let (purpose, asked) = self.asked(&inspector, scores, &first)?;
        let trace_of = |from: &PatchSource| prepared.trace_of(from, &cancel);
        let usual = match purpose {
            Purpose::Tree => Budget { runs: Some(PART_RUNS), time: None },
            _ => Budget::default(),
        };
        let budget = (self.budget.unwrap_or(usual), args.floor);
        let mut effects =
            Effects::new(inspector.explained(), Some(scores), asked, budget, &trace_of)?;
        let bar = prepared.progress("measuring", effects.len() as u64);
        while !effects.step(watch)?.is_empty() {
            bar.set(effects.n_made() as u64);
        }
        bar.finish();
        let measure = ms(started);
        let (mut subsets, mut sweep) = (None, None);
        match purpose {
            Purpose::Rows | Purpose::Tree => {}
            Purpose::Subsets(drawn) => subsets = drawn.fit(&effects),
            Purpose::Sweep(grid, found) => {
                sweep = Some(Sweep { restored: grid.restored(&effects), ..*found });
            }
        }
        Ok(EffectReport {
            model: model_info(&prepared.loaded),
            tokens: first.tokens,
            target: first.target,
            objective: limpid_analysis::views::effects::objective(inspector.objective.kind),
            floor: args.floor,
            clean: effects.clean(),
            effects: effects.rows(),
            unmeasured: effects.unmeasured(),
            subsets,
            sweep,
            timings_ms: EffectTimingsMs {
                load: prepared.load_time.as_secs_f32() * 1e3,
                tokenize: prepared.tokenize_time.as_secs_f32() * 1e3,
                forward,
                scores: scored,
                measure,
                total: 0.0,
            },
        })
    }

    /// The runs that the flags ask for.
    fn asked(
        &self,
        inspector: &Inspector,
        scores: &Attributions,
        first: &Inspection,
    ) -> Result<(Purpose, Vec<Asked>)> {
        let (args, prepared) = (self.args, self.prepared);
        let spec = &prepared.model().spec;
        let target = first.target.answer.as_ref().map_or(first.target.position, |a| a.start - 1);
        let named = effect_flags::interventions(args, spec, target)?;
        let parted = PartedText {
            text: &prepared.prompt.text,
            outline: &prepared.outline,
            tokens: &first.tokens,
            target,
        };
        let mut asked: Vec<Asked> = named.into_iter().map(Into::into).collect();
        for asked in &mut asked {
            if let [one] = asked.set.interventions.as_slice()
                && let Some(token) = one.token
            {
                asked.part = parted.token(token);
            }
        }
        if let Some(n) = args.top_neurons {
            asked.extend(Asked::top_neurons(scores, n));
        }
        let others = usize::from(args.sweep.is_some()) + usize::from(args.subsets.is_some());
        let by = args.inspect.by.map(PartBy::from);
        if others > 1 || (others == 1 && !asked.is_empty()) {
            bail!("--sweep and --subsets each make their own runs; give one of them, alone");
        }
        if let Some(hook) = &args.sweep {
            return self.sweep(inspector, hook);
        }
        if let Some(n) = args.subsets {
            let parts = match by {
                Some(by) => parted.parts(by),
                None => match parted.parts(PartBy::Line) {
                    lines if lines.len() > 2 => lines,
                    _ => (0..target).filter_map(|at| parted.token(at)).collect(),
                },
            };
            let subsets = Subsets::new(parts, n, args.seed)?;
            let asked = subsets.asked();
            return Ok((Purpose::Subsets(subsets), asked));
        }
        let mut purpose = Purpose::Rows;
        if let Some(by) = by {
            asked.extend(parted.parts(by).into_iter().map(|part| Asked::hiding(part, None)));
        } else if asked.is_empty() {
            let nodes = parted.tree().into_iter();
            asked.extend(nodes.map(|node| Asked::hiding(node.part, node.parent)));
            purpose = Purpose::Tree;
        }
        if asked.is_empty() {
            bail!(
                "there is no token before the target to hide; name what to change, like --head 3.2"
            );
        }
        Ok((purpose, asked))
    }

    fn sweep(&self, inspector: &Inspector, hook: &str) -> Result<(Purpose, Vec<Asked>)> {
        let Some(file) = &self.args.from else { bail!("--sweep needs --from") };
        let other = self.other_prompt(file).with_context(|| "--from")?;
        let ids: Vec<u32> = other.token_ids();
        let cancel = CancelToken::default();
        let from = PatchSource { text: None, token_ids: Some(ids) };
        let trace = self.prepared.trace_of(&from, &cancel)?;
        let (outcome, objective) = inspector.explained().outcome_of(&trace)?;
        let (grid, asked) =
            SweepGrid::asked(inspector.explained(), hook, &from, objective).context("--sweep")?;
        let sweep = Sweep {
            hook: hook.to_owned(),
            from_tokens: token_rows(&self.prepared.loaded, &other.tokens, &[]),
            from: outcome,
            restored: Vec::new(),
        };
        Ok((Purpose::Sweep(grid, Box::new(sweep)), asked))
    }

    /// The prompt of another file, tokenised for the same model.
    fn other_prompt(&self, file: &Path) -> Result<Prepared> {
        let own = &self.args.inspect.prompt;
        let args = PromptArgs {
            file: Some(file.to_owned()),
            text: None,
            token_ids: None,
            range: None,
            prompt: None,
            ..own.clone()
        };
        let given = crate::prompt::read_prompt(&args)?;
        let is_chat = own.chat || self.prepared.settings.chat == Some(true);
        Prepared::of(Arc::clone(&self.prepared.loaded), self.prepared.budget, given, is_chat)
    }
}
