//! Answers of several tokens, and other answers that they are measured against.

use crate::{
    attribution::Attributions,
    findings::logits_at,
    objective::{Objective, ObjectiveKind, of_answer, sum_and_seeds},
    views::{explained::Explained, inspection::Inspector},
};
use limpid_engine::{error::EngineError, forward::Watch, trace::Trace};
use limpid_protocol::{inspection as wire, token_value::VocabularyToken};
use std::{ops::Range, sync::Arc};

/// An answer that might have been given to the same prompt.
pub(super) struct FoilAnswer {
    pub(super) trace: Arc<Trace>,
    pub(super) objectives: Vec<Objective>,
    pub(super) logits: Vec<Vec<f32>>,
    answer: Range<usize>,
}

impl FoilAnswer {
    /// Attributions toward it.
    pub(super) fn attributions(
        &self,
        own: &Explained,
        watch: Watch<'_>,
    ) -> Result<Attributions, EngineError> {
        let model = &own.loaded.model;
        Attributions::of_sum(model, &self.trace, &self.objectives, &self.logits, watch)
    }

    /// Tokens that come before it: the prompt.
    pub(super) fn n_prompt(&self) -> usize {
        self.answer.start
    }
}

impl Inspector {
    /// As [`Explained::against`].
    ///
    /// # Errors
    /// As [`Explained::against`].
    pub fn against(self, foil: Arc<Trace>) -> Result<Self, EngineError> {
        let explained = Arc::new(self.explained.against(foil)?);
        Ok(Self { explained, ..self })
    }

    /// What is explained.
    pub fn target(&self) -> wire::Target {
        self.explained.target()
    }
}

impl Explained {
    /// Measures the answer against another one: `foil` is a trace of the same prompt with that one behind it.
    ///
    /// # Errors
    /// No answer is explained; the prompts differ; the other answer is empty or the same; the device refused.
    pub fn against(&self, foil: Arc<Trace>) -> Result<Self, EngineError> {
        let wrong = |problem: &str| Err(EngineError::BadRequest(problem.to_owned()));
        let Some(answer) = self.answer.clone() else {
            return wrong("a foil answer needs an answer; give --answer or --answer-range");
        };
        let (own, other) = (self.trace.token_ids(), foil.token_ids());
        let n_prompt = answer.start;
        if other.len() <= n_prompt {
            return wrong("the foil answer has no token; write at least one character");
        }
        if own[..n_prompt] != other[..n_prompt] {
            return wrong("the foil answer stands behind another prompt; give it the same one");
        }
        if own[n_prompt..answer.end] == other[n_prompt..] {
            return wrong("answer and foil answer are the same tokens; choose another foil answer");
        }
        let answer = n_prompt..other.len();
        let objectives = of_answer(other, &answer, self.objective.kind);
        let positions: Vec<usize> = objectives.iter().map(|of| of.position).collect();
        let logits = logits_at(&self.loaded.model, &foil, &positions)?;
        Ok(self.with_foil(FoilAnswer { trace: foil, objectives, logits, answer }))
    }

    /// What is explained.
    pub fn target(&self) -> wire::Target {
        let objective = self.objective;
        let foil = objective.foil.map(|id| VocabularyToken { id, text: self.text(id) });
        let answer = self.answer.as_ref().map(|answer| wire::AnswerSpan {
            start: answer.start,
            end: answer.end,
            logprob: logprob(&self.objectives, &self.logits),
        });
        let foil_answer = self.foil_answer.as_ref().map(|foil| {
            let ids = &foil.trace.token_ids()[foil.answer.clone()];
            wire::FoilAnswer {
                tokens: ids.iter().map(|&id| VocabularyToken { id, text: self.text(id) }).collect(),
                logprob: logprob(&foil.objectives, &foil.logits),
            }
        });
        wire::Target {
            position: objective.position,
            id: objective.target,
            text: self.text(objective.target),
            foil,
            answer,
            foil_answer,
        }
    }
}

/// The sum of the log-probabilities of an answer's tokens.
fn logprob(objectives: &[Objective], logits: &[Vec<f32>]) -> f32 {
    let as_logprob = |of: &Objective| Objective { kind: ObjectiveKind::LogProb, ..*of };
    let objectives: Vec<Objective> = objectives.iter().map(as_logprob).collect();
    sum_and_seeds(&objectives, logits).0 as f32
}
