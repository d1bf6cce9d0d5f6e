//! Effects by the real [`Analyst`](crate::analyst::Analyst): parts of the prompt, standard sets and what a client names, measured on
//! the cached trace.

use crate::{
    analyst::{Ask, Job, Measures},
    effect_parts::{PartNode, PartedText},
    engine_analyst::EngineAnalyst,
    engine_inspections::Explaining,
    error_codes::from_engine,
    parts::Outline,
};
use limpid_analysis::{
    attribution::Attributions,
    effect_job::{Budget, PART_RUNS},
    views::{
        effects::{Asked, Effects, Subsets, SweepGrid, objective},
        explained::Explained,
        glance::token_rows,
        interventions::tokens_of,
    },
};
use limpid_engine::{
    error::EngineError, forward::Watch, model_pool::Loaded, tokenizer::Token, trace::Trace,
};
use limpid_protocol::{
    effect::{EffectPart, EffectRow, FLOOR, Sweep},
    inspection::{Objective, Target, TokenRow},
    intervention::{Intervention, InterventionSet, PatchSource},
    part_row::PartBy,
    view_error::ViewError,
    views::effect::{EffectParams, EffectSet, EffectView},
};
use std::{ops::Range, sync::Arc, time::Duration};

/// Neurons, unless said otherwise.
const NEURONS: usize = 20;
/// More runs are not taken at once.
const MOST_RUNS: usize = 1 << 16;

/// What runs are made for.
enum Purpose {
    Rows,
    Fit(Subsets),
    Grid(SweepGrid, Box<Sweep>),
}

struct UnderWay {
    loaded: Arc<Loaded>,
    prompt: Vec<TokenRow>,
    effects: Effects,
    known: Vec<EffectRow>,
    purpose: Purpose,
    target: Target,
    objective: Objective,
    floor: f32,
}

impl Measures for UnderWay {
    fn model(&self) -> &str {
        &self.loaded.name
    }

    fn prompt(&self) -> &[TokenRow] {
        &self.prompt
    }

    fn step(&mut self, job: &Job) -> Result<Vec<EffectRow>, ViewError> {
        if !self.known.is_empty() {
            return Ok(std::mem::take(&mut self.known));
        }
        let watch = Watch { cancel: &job.cancel, progress: &|_, _| {} };
        self.effects.step(watch).map_err(|e| from_engine(&e))
    }

    fn progress(&self) -> (usize, usize) {
        (self.effects.n_made(), self.effects.len())
    }

    fn view(&self) -> EffectView {
        let (mut fit, mut sweep) = (None, None);
        match &self.purpose {
            Purpose::Rows => {}
            Purpose::Fit(subsets) => fit = subsets.fit(&self.effects),
            Purpose::Grid(grid, found) => {
                let restored = grid.restored(&self.effects);
                sweep = Some(Sweep { restored, ..Sweep::clone(found) });
            }
        }
        EffectView {
            target: self.target.clone(),
            objective: self.objective,
            floor: self.floor,
            clean: self.effects.clean(),
            effects: self.effects.rows(),
            unmeasured: self.effects.unmeasured(),
            is_cut_short: self.effects.is_cut_short(),
            fit,
            sweep,
        }
    }
}

fn wrong<T>(problem: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::BadRequest(problem.into()))
}

impl EngineAnalyst {
    /// Gets ready to measure; what `known` says of interventions by their key is not measured again.
    pub(crate) fn start_effects(
        &self,
        ask: &Ask,
        params: &EffectParams,
        within: Option<Range<usize>>,
        known: &dyn Fn(&str) -> Option<EffectRow>,
        job: &Job,
    ) -> Result<Box<dyn Measures>, ViewError> {
        let explaining = self.explaining(ask, job)?;
        let start = || -> Result<UnderWay, EngineError> {
            let Explaining { explained, tokens, .. } = &*explaining;
            let loaded = Arc::clone(explained.loaded());
            let floor = floor(params.floor)?;
            let watch = Watch { cancel: &job.cancel, progress: &|_, _| {} };
            let scores = explained.attributions(watch)?;
            let prompt = token_rows(&loaded, tokens, &[]);
            let asking = Asking { explained, scores, ask, params, within, prompt: &prompt };
            let trace_of = |from: &PatchSource| self.patch_trace(&loaded, from, job);
            let (purpose, asked, usual) = asking.runs(&trace_of)?;
            if asked.len() > MOST_RUNS {
                return wrong(format!("{} runs are asked for; at most {MOST_RUNS}", asked.len()));
            }
            let budget = budget(params)?.unwrap_or(usual);
            let keys: Vec<_> = asked.iter().map(|asked| asked.set.key()).collect();
            let budget = (budget, floor);
            let mut effects = Effects::new(explained, Some(scores), asked, budget, &trace_of)?;
            if matches!(purpose, Purpose::Rows) {
                for (index, key) in keys.iter().enumerate() {
                    let row = key.as_deref().and_then(known);
                    row.into_iter().for_each(|row| effects.know(index, row));
                }
            }
            Ok(UnderWay {
                known: effects.rows(),
                target: explained.target(),
                objective: objective(explained.objective().kind),
                loaded,
                prompt,
                effects,
                purpose,
                floor,
            })
        };
        Ok(Box::new(start().map_err(|e| from_engine(&e))?))
    }

    /// Runs a prompt to patch from, or finds its run.
    pub(crate) fn patch_trace(
        &self,
        loaded: &Loaded,
        from: &PatchSource,
        job: &Job,
    ) -> Result<Arc<Trace>, EngineError> {
        let ids = tokens_of(from, loaded)?;
        loaded.model.check_tokens(&ids)?;
        let watch = Watch { cancel: &job.cancel, progress: &|_, _| {} };
        self.trace_of_ids(loaded, &ids, watch)
    }
}

/// # Errors
/// Not a number of nats.
fn floor(floor: Option<f32>) -> Result<f32, EngineError> {
    match floor.unwrap_or(FLOOR) {
        floor if floor.is_finite() && floor >= 0.0 => Ok(floor),
        floor => wrong(format!("`floor` is {floor}; it is a number of nats from 0 on")),
    }
}

fn budget(params: &EffectParams) -> Result<Option<Budget>, EngineError> {
    let Some(budget) = &params.budget else { return Ok(None) };
    let time = match budget.seconds {
        None => None,
        Some(seconds) => match Duration::try_from_secs_f64(seconds) {
            Ok(time) => Some(time),
            Err(_) => {
                return wrong(format!("`budget.seconds` is {seconds}; it is a number from 0 on"));
            }
        },
    };
    Ok(Some(Budget { runs: budget.runs, time }))
}

/// Which runs are asked for.
struct Asking<'a> {
    explained: &'a Explained,
    scores: &'a Attributions,
    ask: &'a Ask,
    params: &'a EffectParams,
    within: Option<Range<usize>>,
    prompt: &'a [TokenRow],
}

impl Asking<'_> {
    fn runs(
        &self,
        trace_of: &dyn Fn(&PatchSource) -> Result<Arc<Trace>, EngineError>,
    ) -> Result<(Purpose, Vec<Asked>, Budget), EngineError> {
        let params = self.params;
        let n_ways = [params.interventions.is_some(), params.sweep.is_some()];
        let by_set = params.set.is_some() || params.subsets.is_some();
        if n_ways.into_iter().chain([by_set]).filter(|given| *given).count() > 1 {
            return wrong(
                "give one of `interventions`, `set` (with or without `subsets`) and `sweep`",
            );
        }
        let all = Budget::default();
        if let Some(sets) = &params.interventions {
            if sets.is_empty() {
                return wrong("`interventions` is empty; name at least one");
            }
            let asked = sets.iter().cloned().map(Asked::from).collect();
            return Ok((Purpose::Rows, asked, all));
        }
        let target = match &self.explained.target().answer {
            Some(answer) => answer.start - 1,
            None => self.explained.objective().position,
        };
        let outline = Outline::of_ask(self.ask);
        let parted =
            PartedText { text: &self.ask.text, outline: &outline, tokens: self.prompt, target };
        if let Some(sweep) = &params.sweep {
            let trace = trace_of(&sweep.from)?;
            let (from, objective) = self.explained.outcome_of(&trace)?;
            let (hook, source) = (&sweep.hook, &sweep.from);
            let (grid, asked) = SweepGrid::asked(self.explained, hook, source, objective)?;
            let tokens: Vec<Token> =
                trace.token_ids().iter().map(|&id| Token { id, span: None }).collect();
            let found = Sweep {
                hook: hook.clone(),
                from_tokens: token_rows(self.explained.loaded(), &tokens, &[]),
                from,
                restored: Vec::new(),
            };
            return Ok((Purpose::Grid(grid, Box::new(found)), asked, all));
        }
        if let Some(n) = params.subsets {
            let parts = match params.set {
                Some(EffectSet::Token) => (0..target).filter_map(|at| parted.token(at)).collect(),
                Some(set) => match part_by(set) {
                    Some(by) => parted.parts(by),
                    None => return wrong("`subsets` are of parts of the prompt; `set` names them"),
                },
                None => parted.parts(PartBy::Line),
            };
            let parts = parts.into_iter().filter(|part| self.is_within(part)).collect();
            let subsets = Subsets::new(parts, n, params.seed.unwrap_or(0))?;
            let asked = subsets.asked();
            return Ok((Purpose::Fit(subsets), asked, all));
        }
        let set = params.set.unwrap_or(EffectSet::Parts);
        let asked = self.of_set(set, &parted, target)?;
        if asked.is_empty() {
            return wrong(
                "there is nothing before the target to hide here; choose another range or set",
            );
        }
        let runs = (set == EffectSet::Parts).then_some(PART_RUNS);
        Ok((Purpose::Rows, asked, Budget { runs, time: None }))
    }

    fn of_set(
        &self,
        set: EffectSet,
        parted: &PartedText<'_>,
        target: usize,
    ) -> Result<Vec<Asked>, EngineError> {
        let spec = &self.explained.loaded().model.spec;
        let one = |of: Intervention| Asked::from(InterventionSet::from(of));
        let layers = 0..spec.n_layers;
        let heads = |at: Option<usize>| {
            let heads = layers.clone().flat_map(|layer| (0..spec.n_heads).map(move |h| (layer, h)));
            heads.map(|(layer, head)| one(Intervention::head_zero(layer, head, at))).collect()
        };
        Ok(match set {
            EffectSet::Parts => self.tree(parted.tree()),
            EffectSet::Token => {
                let parts = (0..target).filter_map(|at| parted.token(at));
                let parts = parts.filter(|part| self.is_within(part));
                parts.map(|part| Asked::hiding(part, None)).collect()
            }
            EffectSet::Head => heads(None),
            EffectSet::HeadAtTarget => heads(Some(self.explained.objective().position)),
            EffectSet::Mlp => layers.map(|layer| one(Intervention::mlp_zero(layer))).collect(),
            EffectSet::Neuron => {
                Asked::top_neurons(self.scores, self.params.top.unwrap_or(NEURONS))
            }
            EffectSet::EdgeHead => {
                let Some(edge) = self.params.edge else {
                    return wrong(
                        "the set `edge_head` needs `edge`; give its layer, query and key",
                    );
                };
                let mask =
                    |head| one(Intervention::edge_knockout(edge.layer, head, edge.query, edge.key));
                (0..spec.n_heads).map(mask).collect()
            }
            by => {
                let parts = part_by(by).map_or_else(Vec::new, |by| parted.parts(by)).into_iter();
                let parts = parts.filter(|part| self.is_within(part));
                parts.map(|part| Asked::hiding(part, None)).collect()
            }
        })
    }

    /// The parts of a tree that begin in the range asked for, their places in the list moved along.
    fn tree(&self, nodes: Vec<PartNode>) -> Vec<Asked> {
        let mut places = vec![None; nodes.len()];
        let mut asked = Vec::new();
        for (at, node) in nodes.into_iter().enumerate() {
            if !self.is_within(&node.part) {
                continue;
            }
            let parent = node.parent.and_then(|parent| places[parent]);
            places[at] = Some(asked.len());
            asked.push(Asked::hiding(node.part, parent));
        }
        asked
    }

    fn is_within(&self, part: &EffectPart) -> bool {
        let Some(within) = &self.within else { return true };
        let start = self.prompt.get(part.tokens.start).and_then(|token| token.start);
        // A token's leading space may stand before the range that its word is in.
        let end = self.prompt.get(part.tokens.start).and_then(|token| token.end);
        let last = part.tokens.end.checked_sub(1).and_then(|at| self.prompt.get(at)?.end);
        let begins = start.is_some_and(|start| within.contains(&start))
            || end.is_some_and(|end| end > within.start && end <= within.end);
        begins && last.is_some_and(|last| last <= within.end)
    }
}

fn part_by(set: EffectSet) -> Option<PartBy> {
    match set {
        EffectSet::Word => Some(PartBy::Word),
        EffectSet::Line => Some(PartBy::Line),
        EffectSet::Sentence => Some(PartBy::Sentence),
        EffectSet::Paragraph => Some(PartBy::Paragraph),
        EffectSet::Example => Some(PartBy::Example),
        EffectSet::Message => Some(PartBy::Message),
        _ => None,
    }
}
