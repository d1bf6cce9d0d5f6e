//! What the real [`Analyst`](crate::analyst::Analyst) compares a target with: a token, or another answer to the same prompt.

use crate::{analyst::Ask, engine_analyst::EngineAnalyst};
use limpid_engine::{
    error::EngineError,
    forward::Watch,
    model_pool::Loaded,
    trace::{CapturePlan, Trace},
};
use limpid_protocol::request::{AnswerRange, TokenChoice};

impl EngineAnalyst {
    /// The token that the target is compared with; an answer is compared with another answer, not with a token.
    pub(crate) fn foil(loaded: &Loaded, ask: &Ask) -> Result<Option<u32>, EngineError> {
        let foil = ask.foil.as_ref().filter(|_| ask.answer.is_none());
        foil.map(|choice| Self::token(loaded, choice)).transpose()
    }

    /// A run of the prompt with another answer in the place of `answer`, which lies within it.
    pub(crate) fn foil_trace(
        &self,
        loaded: &Loaded,
        trace: &Trace,
        answer: AnswerRange,
        foil: &TokenChoice,
        watch: Watch<'_>,
    ) -> Result<Trace, EngineError> {
        let mut ids = trace.token_ids()[..answer.start].to_vec();
        match foil {
            TokenChoice::Id(id) => ids.push(*id),
            TokenChoice::Text(text) if text.is_empty() => {
                let problem = "`foil` is empty; write at least one character";
                return Err(EngineError::BadRequest(problem.to_owned()));
            }
            TokenChoice::Text(text) => {
                let behind = loaded.tokenizer()?.encode_behind(&ids, text)?;
                ids.extend(behind);
            }
        }
        let model = &loaded.model;
        model.check_tokens(&ids)?;
        let plan = CapturePlan::choose(&model.spec, ids.len(), self.available_bytes())?;
        model.forward(&ids, Some(trace), plan, watch)
    }
}
