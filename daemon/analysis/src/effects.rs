//! Effects: what a changed run predicts beside what the clean one does. Measured, never estimated; which runs are made is decided by
//! whoever asks.

use crate::objective::{Objective, ObjectiveKind, log_sum_exp, others};
use limpid_engine::{
    changed_batch::Done, changed_run::ChangedRun, error::EngineError, forward::Watch, model::Model,
    trace::Trace,
};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

/// What a run predicts of the target; of an answer, sums over its tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The target's logit.
    pub logit: f64,
    /// `log P` of the target, nats.
    pub logprob: f64,
    /// `log(P / (1 - P))` of the target, nats.
    pub log_odds: f64,
    /// The target's logit minus the foil's, where there is one.
    pub logit_diff: Option<f64>,
    /// KL(clean || this run) over the vocabulary, nats.
    pub kl: f64,
}

impl Outcome {
    /// The scalar that is explained.
    pub fn objective(&self, kind: ObjectiveKind) -> f64 {
        match kind {
            ObjectiveKind::LogOdds => self.log_odds,
            ObjectiveKind::LogProb => self.logprob,
            ObjectiveKind::LogitDiff => self.logit_diff.unwrap_or(self.log_odds),
        }
    }
}

/// One target of the clean run.
#[derive(Debug)]
struct CleanTarget {
    objective: Objective,
    logits: Vec<f32>,
    probs: Vec<f32>,
    log_sum: f64,
}

/// The clean run, against which others are measured.
#[derive(Debug)]
pub struct CleanRun {
    targets: Vec<CleanTarget>,
    outcome: Outcome,
}

impl CleanRun {
    /// What is explained, and the logits of each one's position.
    ///
    /// *Shapes*: logits `[objective][d_vocab]`.
    pub fn new(objectives: &[Objective], logits: &[Vec<f32>]) -> Self {
        let target = |(objective, logits): (&Objective, &Vec<f32>)| {
            let log_sum = log_sum_exp(logits.iter().copied());
            let prob = |logit: &f32| (f64::from(*logit) - log_sum).exp() as f32;
            CleanTarget {
                objective: *objective,
                probs: logits.iter().map(prob).collect(),
                logits: logits.clone(),
                log_sum,
            }
        };
        let targets: Vec<CleanTarget> = objectives.iter().zip(logits).map(target).collect();
        let mut clean = Self {
            outcome: Outcome { logit: 0.0, logprob: 0.0, log_odds: 0.0, logit_diff: None, kl: 0.0 },
            targets,
        };
        clean.outcome = clean.measure(logits);
        // Not even rounding is an effect.
        clean.outcome.kl = 0.0;
        clean
    }

    /// What it predicts itself.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Positions whose predictions are measured, ascending.
    pub fn positions(&self) -> Vec<usize> {
        self.targets.iter().map(|target| target.objective.position).collect()
    }

    /// What another run predicts.
    ///
    /// *Shapes*: logits `[target][d_vocab]`. *Units*: nats. *Cost*: one exponential per logit.
    pub fn measure(&self, logits: &[Vec<f32>]) -> Outcome {
        let mut sum =
            Outcome { logit: 0.0, logprob: 0.0, log_odds: 0.0, logit_diff: None, kl: 0.0 };
        for (clean, logits) in self.targets.iter().zip(logits) {
            let target = clean.objective.target as usize;
            let own = f64::from(logits[target]);
            let log_sum = log_sum_exp(logits.iter().copied());
            sum.logit += own;
            sum.logprob += own - log_sum;
            sum.log_odds += own - log_sum_exp(others(logits, target));
            if let Some(foil) = clean.objective.foil {
                let difference = own - f64::from(logits[foil as usize]);
                *sum.logit_diff.get_or_insert(0.0) += difference;
            }
            let moved = clean.probs.iter().zip(&clean.logits).zip(logits);
            let moved = moved.map(|((p, clean), own)| f64::from(*p) * f64::from(clean - own));
            sum.kl += (moved.sum::<f64>() - clean.log_sum + log_sum).max(0.0);
        }
        sum
    }

    /// Measures changed runs; `each` is told the index and outcome of every run as soon as its batch is done.
    ///
    /// *Cost*: as [`Model::run_changed`].
    ///
    /// # Errors
    /// As [`Model::run_changed`]; what `each` answers.
    pub fn measure_runs(
        &self,
        model: &Model,
        clean: &Trace,
        runs: &[ChangedRun],
        watch: Watch<'_>,
        each: EachOutcome<'_>,
    ) -> Result<(), EngineError> {
        let mut measure = |done: Vec<Done>| {
            let measured: Vec<(usize, Result<Outcome, EngineError>)> = done
                .into_par_iter()
                .map(|(run, logits)| (run, logits.map(|logits| self.measure(&logits))))
                .collect();
            measured.into_iter().try_for_each(|(run, outcome)| each(run, outcome))
        };
        model.run_changed(clean, runs, watch, &mut measure)
    }
}

/// Told a run's index and its outcome, or that its numbers overflowed.
pub type EachOutcome<'a> =
    &'a mut (dyn FnMut(usize, Result<Outcome, EngineError>) -> Result<(), EngineError> + Send);
