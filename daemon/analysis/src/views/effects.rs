//! Measured effects on the wire: runs asked for with their cheap scores, measured a batch at a time, and what was not.

use crate::{
    attribution::{Attributions, Method},
    components::strongest,
    effect_job::{Budget, EffectJob, Measured, Measuring, Side},
    effect_scores::score_of,
    effects::{CleanRun, Outcome},
    objective::{Objective, ObjectiveKind},
    subset_fit::{Mask, fit, random_masks},
    views::{
        explained::Explained,
        interventions::{TraceOf, at_place, hook_of, resolve},
        known_effects::mark_rows,
    },
};
use limpid_engine::{
    error::EngineError, forward::Watch, hook_name::Hook, intervention::Intervention, trace::Trace,
};
use limpid_protocol::{
    effect::{self as wire, EffectPart, EffectRow},
    inspection as wire_inspection,
    intervention::{
        Intervention as WireIntervention, InterventionKind, InterventionSet, PatchSource,
    },
};
use std::sync::Arc;

const FEWEST_SUBSETS: usize = 10;
const MOST_SUBSETS: usize = 4096;

/// A run that is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is changed.
    pub set: InterventionSet,
    /// The part of the prompt that it is about.
    pub part: Option<EffectPart>,
    /// Index of the run of the part around it, asked for before.
    pub parent: Option<usize>,
}

impl From<InterventionSet> for Asked {
    fn from(set: InterventionSet) -> Self {
        Self { set, part: None, parent: None }
    }
}

impl Asked {
    /// A part of the prompt hidden from what is behind it.
    pub fn hiding(part: EffectPart, parent: Option<usize>) -> Self {
        let (start, end) = (part.tokens.start, part.tokens.end);
        let hidden = match part.kind {
            None => WireIntervention::knockout(start),
            Some(_) => WireIntervention::span_knockout(start, end),
        };
        Self { set: hidden.into(), part: Some(part), parent }
    }

    /// The neurons of the strongest attribution, each switched off.
    pub fn top_neurons(scores: &Attributions, n: usize) -> Vec<Self> {
        let off = |(layer, neuron)| {
            InterventionSet::from(WireIntervention::neuron_set(layer, neuron, 0.0)).into()
        };
        strongest(&scores.true_pass.neurons, n).into_iter().map(off).collect()
    }
}

/// Runs asked for, some of them measured.
pub struct Effects {
    job: EffectJob,
    asked: Vec<Asked>,
    rows: Vec<Option<EffectRow>>,
    floor: f32,
    clean: Measured,
}

impl Explained {
    /// What is measured: the clean runs that the question is about.
    pub fn measuring(&self) -> Measuring {
        let clean = CleanRun::new(&self.objectives, &self.logits);
        let own = Side { trace: Arc::clone(&self.trace), clean };
        let foil = self.foil_answer.as_ref().map(|foil| Side {
            trace: Arc::clone(&foil.trace),
            clean: CleanRun::new(&foil.objectives, &foil.logits),
        });
        Measuring { loaded: Arc::clone(&self.loaded), own, foil, kind: self.objective.kind }
    }
}

/// An outcome on the wire.
pub fn outcome(outcome: &Outcome) -> wire::Outcome {
    wire::Outcome {
        logit: outcome.logit as f32,
        logprob: outcome.logprob as f32,
        log_odds: outcome.log_odds as f32,
        logit_diff: outcome.logit_diff.map(|difference| difference as f32),
    }
}

/// What is explained, on the wire.
pub fn objective(kind: ObjectiveKind) -> wire_inspection::Objective {
    match kind {
        ObjectiveKind::LogOdds => wire_inspection::Objective::LogOdds,
        ObjectiveKind::LogitDiff => wire_inspection::Objective::LogitDiff,
        ObjectiveKind::LogProb => wire_inspection::Objective::Logprob,
    }
}

impl Effects {
    /// Checks and plans every run that is asked for; `scores` are those of the same question.
    ///
    /// *Cost*: no forward pass but those of prompts to patch from.
    ///
    /// # Errors
    /// An intervention that cannot be carried out, by its number.
    pub fn new(
        explained: &Explained,
        scores: Option<&Attributions>,
        asked: Vec<Asked>,
        (budget, floor): (Budget, f32),
        trace_of: TraceOf<'_>,
    ) -> Result<Self, EngineError> {
        let measuring = explained.measuring();
        let target = explained.objective.position;
        let clean = measuring.clean();
        let mut job = EffectJob::new(measuring, budget, floor);
        let scores = scores.map(|scores| (scores, scores.tokens(Method::Atp, &[])));
        for (at, asked) in asked.iter().enumerate() {
            let place = |e| at_place(&format!("intervention {at} ({})", asked.set), e);
            let found = resolve(&asked.set, &explained.loaded, trace_of).map_err(place)?;
            explained.stays_before_answer(&found).map_err(place)?;
            let score = scores.as_ref();
            let score = score.and_then(|(all, tokens)| score_of(&found, (all, tokens), target));
            job.add(&found, score, asked.parent).map_err(place)?;
        }
        let rows = vec![None; asked.len()];
        Ok(Self { job, asked, rows, floor, clean })
    }

    /// What the clean run predicts.
    pub fn clean(&self) -> wire::Outcome {
        outcome(&self.clean.outcome)
    }

    /// Takes a row as measured before.
    pub fn know(&mut self, index: usize, row: EffectRow) {
        if let Some(effect) = row.effect {
            self.job.know(index, f64::from(effect));
            self.rows[index] = Some(EffectRow { part: self.asked[index].part.clone(), ..row });
        }
    }

    /// Runs asked for, measured or not.
    pub fn len(&self) -> usize {
        self.asked.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Runs that were made.
    pub fn n_made(&self) -> usize {
        self.job.n_made()
    }

    /// Measures the next batch: its rows, the strongest cheap score first. Empty when nothing is left, or the budget is spent.
    ///
    /// *Cost*: one batch of runs.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn step(&mut self, watch: Watch<'_>) -> Result<Vec<EffectRow>, EngineError> {
        let mut rows = Vec::new();
        for (index, result) in self.job.step(watch)? {
            let row = self.row(index, result);
            rows.push(row.clone());
            self.rows[index] = Some(row);
        }
        // Ranks are known when all are measured; opposite signs at once.
        mark_rows(&mut rows, self.floor);
        rows.iter_mut()
            .filter(|row| row.disagreement == Some(wire::Disagreement::Rank))
            .for_each(|row| row.disagreement = None);
        Ok(rows)
    }

    fn row(&self, index: usize, result: Result<Measured, EngineError>) -> EffectRow {
        let asked = &self.asked[index];
        let mut row = EffectRow {
            intervention: asked.set.clone(),
            part: asked.part.clone(),
            logit: None,
            logprob: None,
            log_odds: None,
            logit_diff: None,
            kl: None,
            effect: None,
            score: self.job.score(index),
            disagreement: None,
            error: None,
        };
        match result {
            Err(problem) => row.error = Some(problem.to_string()),
            Ok(Measured { outcome, objective }) => {
                row.logit = Some(outcome.logit as f32);
                row.logprob = Some(outcome.logprob as f32);
                row.log_odds = Some(outcome.log_odds as f32);
                row.logit_diff = outcome.logit_diff.map(|difference| difference as f32);
                row.kl = Some(outcome.kl as f32);
                row.effect = Some((self.clean.objective - objective) as f32);
            }
        }
        row
    }

    /// Rows of all that was measured, in the order asked for, with their disagreements.
    pub fn rows(&self) -> Vec<EffectRow> {
        let mut rows: Vec<EffectRow> = self.rows.iter().flatten().cloned().collect();
        mark_rows(&mut rows, self.floor);
        rows
    }

    /// What was not measured, in the order asked for; parts inside others without effect among them.
    pub fn unmeasured(&self) -> Vec<InterventionSet> {
        let left = self.rows.iter().zip(&self.asked).filter(|(row, _)| row.is_none());
        left.map(|(_, asked)| asked.set.clone()).collect()
    }

    /// Whether something that is worth measuring is left.
    pub fn is_cut_short(&self) -> bool {
        !self.job.waiting().is_empty()
    }
}

impl Explained {
    /// Beside an answer's tokens nothing of them may be changed: both answers are measured with the same change.
    fn stays_before_answer(&self, interventions: &[Intervention]) -> Result<(), EngineError> {
        let Some(answer) = &self.answer else { return Ok(()) };
        let touched = interventions.iter().filter_map(|one| match one {
            Intervention::Delete { tokens }
            | Intervention::Replace { tokens, .. }
            | Intervention::Knockout { tokens } => Some(tokens.end),
            _ => None,
        });
        match touched.max() {
            Some(end) if end > answer.start => Err(EngineError::BadRequest(format!(
                "tokens {} to {} are the answer that is explained; change only tokens before it",
                answer.start,
                answer.end - 1
            ))),
            _ => Ok(()),
        }
    }

    /// What another prompt predicts of this one's target at the same position.
    ///
    /// # Errors
    /// The prompt has another number of tokens; the device refused.
    pub fn outcome_of(&self, other: &Trace) -> Result<(wire::Outcome, f64), EngineError> {
        let n_tokens = self.trace.n_tokens();
        if other.n_tokens() != n_tokens {
            return Err(EngineError::BadRequest(format!(
                "the prompt to patch from has {} tokens and this one {n_tokens}; make them as many",
                other.n_tokens()
            )));
        }
        let positions: Vec<usize> =
            self.objectives.iter().map(|of: &Objective| of.position).collect();
        let logits = crate::findings::logits_at(&self.loaded.model, other, &positions)?;
        let found = CleanRun::new(&self.objectives, &logits).outcome();
        Ok((outcome(&found), found.objective(self.objective.kind)))
    }
}

/// Random halves of some parts, to be hidden together.
pub struct Subsets {
    parts: Vec<EffectPart>,
    masks: Vec<Mask>,
}

impl Subsets {
    /// Draws them; the runs to be made come in the same order.
    ///
    /// # Errors
    /// Fewer than two parts; too many or too few subsets.
    pub fn new(parts: Vec<EffectPart>, n: usize, seed: u64) -> Result<Self, EngineError> {
        let wrong = |problem: String| Err(EngineError::BadRequest(problem));
        if parts.len() < 2 {
            return wrong("a fit needs two parts or more to hide; cut the prompt finer".to_owned());
        }
        if !(FEWEST_SUBSETS..=MOST_SUBSETS).contains(&n) {
            return wrong(format!(
                "{n} subsets cannot be fitted; take from {FEWEST_SUBSETS} to {MOST_SUBSETS}"
            ));
        }
        Ok(Self { masks: random_masks(parts.len(), n, seed), parts })
    }

    /// What each subset's run hides.
    pub fn asked(&self) -> Vec<Asked> {
        let set = |mask: &Mask| {
            let hidden = self.parts.iter().zip(mask).filter(|(_, there)| !**there);
            let hide = hidden.map(|(part, _)| {
                WireIntervention::span_knockout(part.tokens.start, part.tokens.end)
            });
            Asked::from(InterventionSet::together(hide.collect()))
        };
        self.masks.iter().map(set).collect()
    }

    /// Fits the objective to which parts are there, from the subsets that were measured; none where they are too few.
    pub fn fit(&self, measured: &Effects) -> Option<wire::SubsetFit> {
        let effect = |row: &Option<EffectRow>| row.as_ref().and_then(|row| row.effect);
        let runs = self.masks.iter().zip(&measured.rows);
        let (masks, values): (Vec<Mask>, Vec<f64>) = runs
            .filter_map(|(mask, row)| {
                Some((mask.clone(), measured.clean.objective - f64::from(effect(row)?)))
            })
            .unzip();
        if masks.len() < FEWEST_SUBSETS.min(self.masks.len()) {
            return None;
        }
        let found = fit(&masks, &values);
        let parts = self.parts.iter().zip(&found.weights);
        Some(wire::SubsetFit {
            parts: parts
                .map(|(part, weight)| wire::FittedPart {
                    part: part.clone(),
                    weight: *weight as f32,
                })
                .collect(),
            intercept: found.intercept as f32,
            n_fitted: found.n_fitted,
            n_held_out: found.n_held_out,
            r2: found.r2.map(|r2| r2 as f32),
            spearman: found.spearman.map(|rank| rank as f32),
        })
    }
}

/// A sweep's cells: activations of another prompt, layer by position up to the target, and how far each takes the prediction there.
pub struct SweepGrid {
    n_layers: usize,
    n_positions: usize,
    from: f64,
}

impl SweepGrid {
    /// The runs to be made: `from` is the other prompt.
    ///
    /// # Errors
    /// The hook is none that is swept.
    pub fn asked(
        explained: &Explained,
        hook: &str,
        from: &PatchSource,
        from_objective: f64,
    ) -> Result<(Self, Vec<Asked>), EngineError> {
        if !matches!(hook_of(hook)?, Hook::ResidPost | Hook::AttnOut | Hook::MlpOut) {
            return Err(EngineError::BadRequest(format!(
                "`{hook}` is not swept; take resid_post, attn_out or mlp_out"
            )));
        }
        let n_layers = explained.loaded.model.spec.n_layers;
        let n_positions = explained.objective.position + 1;
        let cell = |(layer, position)| {
            Asked::from(InterventionSet::from(WireIntervention {
                layer: Some(layer),
                position: Some(position),
                hook: Some(hook.to_owned()),
                from: Some(from.clone()),
                ..WireIntervention::of(InterventionKind::Patch)
            }))
        };
        let cells = (0..n_layers).flat_map(|layer| (0..n_positions).map(move |at| (layer, at)));
        Ok((Self { n_layers, n_positions, from: from_objective }, cells.map(cell).collect()))
    }

    /// `[layer][position]`: 0 where nothing changed, 1 where the prediction is the other prompt's.
    pub fn restored(&self, measured: &Effects) -> Vec<Vec<Option<f32>>> {
        let way = measured.clean.objective - self.from;
        let cell = |layer: usize, at: usize| {
            let row = measured.rows.get(layer * self.n_positions + at)?.as_ref()?;
            (way.abs() > 1e-6).then_some((f64::from(row.effect?) / way) as f32)
        };
        (0..self.n_layers)
            .map(|layer| (0..self.n_positions).map(|at| cell(layer, at)).collect())
            .collect()
    }
}
