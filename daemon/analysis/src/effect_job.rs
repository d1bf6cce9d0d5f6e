//! Which changed runs are made, in what order, and where they end: the strongest cheap score first, what is inside a part only
//! when the part itself turned out to matter, until everything is measured or the budget is spent. A step is one batch, so that
//! others can be served between two. What must not live here: wire types, parts of text.

use crate::{
    effects::{CleanRun, Outcome},
    objective::ObjectiveKind,
};
use limpid_engine::{
    changed_run::ChangedRun, error::EngineError, forward::Watch, intervention::Intervention,
    model_pool::Loaded, trace::Trace,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A clean run that is changed.
#[derive(Debug)]
pub struct Side {
    /// The run.
    pub trace: Arc<Trace>,
    /// What it predicts.
    pub clean: CleanRun,
}

/// What is measured: the scalar, and the clean runs that make it up.
#[derive(Debug)]
pub struct Measuring {
    /// The model.
    pub loaded: Arc<Loaded>,
    /// The prompt, with its answer where one is explained.
    pub own: Side,
    /// The prompt with the answer that it is measured against.
    pub foil: Option<Side>,
    /// What kind of scalar.
    pub kind: ObjectiveKind,
}

/// A planned run of the prompt, and of the prompt with the other answer.
#[derive(Clone, Debug)]
pub struct Planned {
    own: ChangedRun,
    foil: Option<ChangedRun>,
}

/// A changed run measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What it predicts.
    pub outcome: Outcome,
    /// The objective; of an answer against another, their difference.
    pub objective: f64,
}

impl Measuring {
    /// The clean run.
    pub fn clean(&self) -> Measured {
        let foil = self.foil.as_ref().map(|foil| foil.clean.outcome());
        self.combine(self.own.clean.outcome(), foil)
    }

    fn combine(&self, own: Outcome, foil: Option<Outcome>) -> Measured {
        let foil = foil.map_or(0.0, |foil| foil.objective(self.kind));
        Measured { outcome: own, objective: own.objective(self.kind) - foil }
    }

    /// Plans a run of interventions that act together.
    ///
    /// # Errors
    /// As [`ChangedRun::new`].
    pub fn plan(&self, interventions: &[Intervention]) -> Result<Planned, EngineError> {
        let plan = |side: &Side| {
            let targets = side.clean.positions();
            ChangedRun::new(&self.loaded.model, &side.trace, interventions, &targets)
        };
        Ok(Planned { own: plan(&self.own)?, foil: self.foil.as_ref().map(plan).transpose()? })
    }

    /// Measures runs side by side: one result each, in their order.
    ///
    /// *Cost*: as `Model::run_changed`.
    ///
    /// # Errors
    /// As `Model::run_changed`.
    fn measure(
        &self,
        runs: Vec<Planned>,
        watch: Watch<'_>,
    ) -> Result<Vec<Result<Measured, EngineError>>, EngineError> {
        let (own, foils): (Vec<_>, Vec<_>) =
            runs.into_iter().map(|run| (run.own, run.foil)).unzip();
        let own = self.measure_side(&self.own, own, watch)?;
        let Some(foil) = &self.foil else {
            return Ok(own.into_iter().map(|own| Ok(self.combine(own?, None))).collect());
        };
        let foils = foils.into_iter().flatten().collect();
        let foil = self.measure_side(foil, foils, watch)?;
        let both = own.into_iter().zip(foil);
        Ok(both.map(|(own, foil)| Ok(self.combine(own?, Some(foil?)))).collect())
    }

    fn measure_side(
        &self,
        side: &Side,
        runs: Vec<ChangedRun>,
        watch: Watch<'_>,
    ) -> Result<Vec<Result<Outcome, EngineError>>, EngineError> {
        let mut found: Vec<Result<Outcome, EngineError>> =
            runs.iter().map(|_| Err(EngineError::Cancelled)).collect();
        side.clean.measure_runs(
            &self.loaded.model,
            &side.trace,
            &runs,
            watch,
            &mut |run, outcome| {
                found[run] = outcome;
                Ok(())
            },
        )?;
        Ok(found)
    }
}

/// Runs for a prompt's parts, unless said otherwise.
pub const PART_RUNS: usize = 128;

/// What may be spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Runs.
    pub runs: Option<usize>,
    /// Time, looked at between batches.
    pub time: Option<Duration>,
}

/// One run to be made.
#[derive(Debug)]
struct Item {
    /// None when it was made.
    run: Option<Planned>,
    score: Option<f32>,
    parent: Option<usize>,
    effect: Option<f64>,
}

/// Runs to be made, and those that were.
#[derive(Debug)]
pub struct EffectJob {
    measuring: Measuring,
    items: Vec<Item>,
    budget: Budget,
    floor: f64,
    started: Option<Instant>,
    n_made: usize,
}

impl EffectJob {
    /// Nothing to be made yet. Parts inside others are made only when these have an effect of at least `floor`.
    pub fn new(measuring: Measuring, budget: Budget, floor: f32) -> Self {
        let floor = f64::from(floor);
        Self { measuring, items: Vec::new(), budget, floor, started: None, n_made: 0 }
    }

    /// What is measured.
    pub fn measuring(&self) -> &Measuring {
        &self.measuring
    }

    /// Adds a run; its index. `parent`: the run of the part around it, added before.
    ///
    /// # Errors
    /// As [`ChangedRun::new`].
    pub fn add(
        &mut self,
        interventions: &[Intervention],
        score: Option<f32>,
        parent: Option<usize>,
    ) -> Result<usize, EngineError> {
        let run = Some(self.measuring.plan(interventions)?);
        self.items.push(Item { run, score, parent, effect: None });
        Ok(self.items.len() - 1)
    }

    /// Takes an effect as known: the run is not made.
    pub fn know(&mut self, index: usize, effect: f64) {
        if let Some(item) = self.items.get_mut(index) {
            (item.run, item.effect) = (None, Some(effect));
        }
    }

    /// The cheap score of a run.
    pub fn score(&self, index: usize) -> Option<f32> {
        self.items.get(index).and_then(|item| item.score)
    }

    /// Runs that were made.
    pub fn n_made(&self) -> usize {
        self.n_made
    }

    /// How strongly a run is wanted, by the effect around it and its own score; none for one that was made, or waits for what is
    /// around it, or lies in a part without effect.
    fn wanted(&self, item: &Item) -> Option<(f64, f32)> {
        item.run.as_ref()?;
        let score = item.score.map_or(f32::MAX, f32::abs);
        let Some(parent) = item.parent else { return Some((f64::INFINITY, score)) };
        let around = self.items.get(parent)?.effect?.abs();
        (around >= self.floor).then_some((around, score))
    }

    /// Indices of runs that the budget leaves to be made, the most wanted first.
    pub fn waiting(&self) -> Vec<usize> {
        let mut wanted: Vec<(usize, (f64, f32))> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.wanted(item).map(|wanted| (index, wanted)))
            .collect();
        wanted.sort_by(|(a, own), (b, other)| {
            other.0.total_cmp(&own.0).then(other.1.total_cmp(&own.1)).then(a.cmp(b))
        });
        wanted.into_iter().map(|(index, _)| index).collect()
    }

    /// Whether the budget is spent.
    pub fn is_spent(&self) -> bool {
        let by_runs = self.budget.runs.is_some_and(|runs| self.n_made >= runs);
        let elapsed = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        by_runs || self.budget.time.is_some_and(|time| elapsed >= time)
    }

    /// Makes the next batch of runs: index and result of each. Empty when nothing is left to make, or the budget is spent.
    ///
    /// *Cost*: as `Model::run_changed` for one batch.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn step(
        &mut self,
        watch: Watch<'_>,
    ) -> Result<Vec<(usize, Result<Measured, EngineError>)>, EngineError> {
        self.started.get_or_insert_with(Instant::now);
        if self.is_spent() {
            return Ok(Vec::new());
        }
        let mut chosen = self.waiting();
        let left = self.budget.runs.map_or(usize::MAX, |runs| runs - self.n_made);
        chosen.truncate(left);
        let planned = |index: &usize| self.items.get(*index)?.run.as_ref();
        let own = chosen.iter().filter_map(planned).map(|run| &run.own);
        let n = self.measuring.loaded.model.batch_len(own);
        chosen.truncate(n);
        // Copies: a step that is given up can be made again.
        let runs: Vec<Planned> = chosen.iter().filter_map(planned).cloned().collect();
        let results = self.measuring.measure(runs, watch)?;
        self.n_made += results.len();
        let clean = self.measuring.clean().objective;
        for (&index, result) in chosen.iter().zip(&results) {
            if let (Some(item), Ok(measured)) = (self.items.get_mut(index), result) {
                item.effect = Some(clean - measured.objective);
            }
            if let Some(item) = self.items.get_mut(index) {
                item.run = None;
            }
        }
        Ok(chosen.into_iter().zip(results).collect())
    }
}
