//! What is asked about a prompt, and whether the prompt and the model can answer it.

use crate::{
    objective::{Objective, ObjectiveKind, of_answer},
    route_prune::Prune,
    vocabulary::top,
};
use limpid_engine::{error::EngineError, model::Model, trace::Trace};
use std::ops::Range;

/// Tokens of an answer that are explained together at most: each needs its logits and their gradients.
const MOST_ANSWER_TOKENS: usize = 512;

/// Which rows of heads and neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// The strongest, over all layers.
    Strongest(usize),
    /// Every head, 100 neurons a layer.
    All,
}

/// What heads and neurons are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankBy {
    /// |attribution|
    Attribution,
    /// Flow.
    Flow,
}

/// What is asked about a prompt; positions and ids are checked where it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Position whose prediction is explained; the last when `None`.
    pub position: Option<usize>,
    /// The token that is explained; the model's top one when `None`.
    pub target: Option<u32>,
    /// The token it is measured against.
    pub foil: Option<u32>,
    /// Tokens of the prompt that are explained together, as an answer to those before them; then position, target and foil
    /// are `None`.
    pub answer: Option<Range<usize>>,
    /// The scalar; by default the log-probability of an answer, with a foil the difference of logits, else the log-odds.
    pub objective: Option<ObjectiveKind>,
    /// How routes are pruned.
    pub prune: Prune,
    /// Which heads and neurons.
    pub top: Top,
}

impl Question {
    /// The token that the model thinks likeliest at the last position, everything else by default.
    pub const DEFAULT: Self = Self {
        position: None,
        target: None,
        foil: None,
        answer: None,
        objective: None,
        prune: Prune::DEFAULT,
        top: Top::Strongest(10),
    };

    /// The positions whose predictions are explained, ascending.
    ///
    /// # Errors
    /// A position, an id or the answer is out of range; an answer beside a target.
    pub(super) fn positions(
        &self,
        model: &Model,
        trace: &Trace,
    ) -> Result<Vec<usize>, EngineError> {
        let wrong = |problem: String| Err(EngineError::BadRequest(problem));
        let n_tokens = trace.n_tokens();
        for (what, id) in [("target", self.target), ("foil", self.foil)] {
            if let Some(id) = id
                && id as usize >= model.spec.d_vocab
            {
                return wrong(format!(
                    "{what} token id {id} is out of range; the model has ids 0 to {}",
                    model.spec.d_vocab - 1
                ));
            }
        }
        let Some(answer) = &self.answer else {
            let position = self.position.unwrap_or(n_tokens - 1);
            if position >= n_tokens {
                return wrong(format!(
                    "target position {position} is out of range; the prompt has positions 0 to {}",
                    n_tokens - 1
                ));
            }
            return Ok(vec![position]);
        };
        let Range { start, end } = *answer;
        if self.position.is_some() || self.target.is_some() || self.foil.is_some() {
            return wrong(
                "an answer is explained without target position, token or foil; leave these out"
                    .to_owned(),
            );
        }
        if start == 0 || start >= end || end > n_tokens {
            return wrong(format!(
                "answer {start}:{end} is out of range; it starts at token 1 or later, ends behind its start and at most at {n_tokens}, the end of the prompt"
            ));
        }
        if end - start > MOST_ANSWER_TOKENS {
            return wrong(format!(
                "answer {start}:{end} is {} tokens; at most {MOST_ANSWER_TOKENS} are explained together",
                end - start
            ));
        }
        Ok((start - 1..end - 1).collect())
    }

    /// The kind of scalar.
    ///
    /// # Errors
    /// A difference of logits without its foil.
    pub(super) fn kind(&self) -> Result<ObjectiveKind, EngineError> {
        match (self.objective, self.foil) {
            (Some(ObjectiveKind::LogitDiff), None) => Err(EngineError::BadRequest(
                "objective logit_diff needs a foil; give --foil".to_owned(),
            )),
            (Some(kind), _) => Ok(kind),
            (None, Some(_)) => Ok(ObjectiveKind::LogitDiff),
            (None, None) if self.answer.is_some() => Ok(ObjectiveKind::LogProb),
            (None, None) => Ok(ObjectiveKind::LogOdds),
        }
    }

    /// The scalars, one for each of [`Self::positions`]; `logits` are the last one's.
    ///
    /// # Errors
    /// Target and foil are the same token.
    pub(super) fn objectives(
        &self,
        kind: ObjectiveKind,
        position: usize,
        token_ids: &[u32],
        logits: &[f32],
    ) -> Result<Vec<Objective>, EngineError> {
        if let Some(answer) = &self.answer {
            return Ok(of_answer(token_ids, answer, kind));
        }
        let best = top(logits, 1).first().map_or(0, |(id, _)| *id);
        let target = self.target.unwrap_or(best);
        if self.foil == Some(target) {
            return Err(EngineError::BadRequest(format!(
                "target and foil are the same token, {target}; choose another foil"
            )));
        }
        Ok(vec![Objective { position, target, foil: self.foil, kind }])
    }
}
