//! Which changed runs are made, in what order, and where they end: the strongest cheap score first, what is inside a part only
//! when the part itself turned out to matter, until everything is measured or the budget is spent. A step is one batch, so that
//! others can be served between two. What must not live here: wire types, parts of text.

use crate::effects::{CleanRun, Outcome};
use crate::objective::ObjectiveKind;
use limpid_engine::{
    changed_run::ChangedRun, error::EngineError, forward::Watch, intervention::Intervention,
    model_pool::Loaded, trace::Trace,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A clean run that is changed, with the sign that its objective counts with.
#[derive(Debug)]
pub struct Side {
    /// The run.
    pub trace: Arc<Trace>,
    /// What it predicts.
    pub clean: CleanRun,
    /// 1, or -1 for the answer that another one is measured against.
    pub sign: f64,
}

/// What is measured: the scalar, and the clean runs that make it up.
#[derive(Debug)]
pub struct Measuring {
    /// The model.
    pub loaded: Arc<Loaded>,
    /// The prompt with its answer; then, where there is one, with the answer it is measured against.
    pub sides: Vec<Side>,
    /// What kind of scalar.
    pub kind: ObjectiveKind,
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
    pub fn clean(&self) -> Option<Measured> {
        self.combine(self.sides.iter().map(|side| side.clean.outcome()))
    }

    fn combine(&self, outcomes: impl Iterator<Item = Outcome>) -> Option<Measured> {
        let outcomes: Vec<Outcome> = outcomes.collect();
        let objective = self.sides.iter().zip(&outcomes);
        let objective =
            objective.map(|(side, outcome)| side.sign * outcome.objective(self.kind)).sum();
        outcomes.first().map(|&outcome| Measured { outcome, objective })
    }

    /// Plans a run of every side.
    ///
    /// # Errors
    /// As [`ChangedRun::new`].
    pub fn plan(&self, interventions: &[Intervention]) -> Result<Vec<ChangedRun>, EngineError> {
        let plan = |side: &Side| {
            let targets = side.clean.positions();
            ChangedRun::new(&self.loaded.model, &side.trace, interventions, &targets)
        };
        self.sides.iter().map(plan).collect()
    }

    /// Measures runs side by side: `[run][side]` planned, one result each, in their order.
    ///
    /// *Cost*: as `Model::run_changed`.
    ///
    /// # Errors
    /// As `Model::run_changed`.
    pub fn measure(
        &self,
        runs: Vec<Vec<ChangedRun>>,
        watch: Watch<'_>,
    ) -> Result<Vec<Result<Measured, EngineError>>, EngineError> {
        let n = runs.len();
        let mut by_side: Vec<Vec<ChangedRun>> = self.sides.iter().map(|_| Vec::new()).collect();
        for run in runs {
            by_side.iter_mut().zip(run).for_each(|(side, run)| side.push(run));
        }
        let mut found: Vec<Result<Vec<Outcome>, EngineError>> =
            (0..n).map(|_| Ok(Vec::new())).collect();
        for (side, runs) in self.sides.iter().zip(&by_side) {
            let model = &self.loaded.model;
            side.clean.measure_runs(model, &side.trace, runs, watch, &mut |run, outcome| {
                match (&mut found[run], outcome) {
                    (Ok(outcomes), Ok(outcome)) => outcomes.push(outcome),
                    (slot @ Ok(_), Err(problem)) => *slot = Err(problem),
                    (Err(_), _) => {}
                }
                Ok(())
            })?;
        }
        let empty = || EngineError::BadRequest("there is nothing to measure".to_owned());
        let combined = |outcomes: Result<Vec<Outcome>, EngineError>| {
            self.combine(outcomes?.into_iter()).ok_or_else(empty)
        };
        Ok(found.into_iter().map(combined).collect())
    }
}

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
    /// One for each side; none when they were made.
    runs: Option<Vec<ChangedRun>>,
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
        let runs = Some(self.measuring.plan(interventions)?);
        self.items.push(Item { runs, score, parent, effect: None });
        Ok(self.items.len() - 1)
    }

    /// Takes an effect as known: the run is not made.
    pub fn know(&mut self, index: usize, effect: f64) {
        if let Some(item) = self.items.get_mut(index) {
            (item.runs, item.effect) = (None, Some(effect));
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
        item.runs.as_ref()?;
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
        // What lies inside different parts is made part by part.
        let model = &self.measuring.loaded.model;
        let first_sides: Vec<ChangedRun> = chosen
            .iter()
            .take(model.most_runs())
            .filter_map(|&index| self.items.get(index)?.runs.as_ref()?.first().cloned())
            .collect();
        chosen.truncate(model.batch_len(&first_sides));
        let runs: Vec<Vec<ChangedRun>> = chosen
            .iter()
            .filter_map(|&index| self.items.get_mut(index).and_then(|item| item.runs.take()))
            .collect();
        let clean = self.measuring.clean().map_or(0.0, |clean| clean.objective);
        let results = match self.measuring.measure(runs.clone(), watch) {
            Ok(results) => results,
            Err(problem) => {
                // A step that was given up can be made again.
                for (&index, runs) in chosen.iter().zip(runs) {
                    if let Some(item) = self.items.get_mut(index) {
                        item.runs = Some(runs);
                    }
                }
                return Err(problem);
            }
        };
        self.n_made += results.len();
        for (&index, result) in chosen.iter().zip(&results) {
            if let (Some(item), Ok(measured)) = (self.items.get_mut(index), result) {
                item.effect = Some(clean - measured.objective);
            }
        }
        Ok(chosen.into_iter().zip(results).collect())
    }
}
