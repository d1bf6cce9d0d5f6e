//! A glance by the real [`Analyst`](crate::analyst::Analyst): what an edit changed is run, what comes next is read, no routes.

use crate::{
    analyst::{Ask, Job},
    engine_analyst::EngineAnalyst,
};
use limpid_analysis::{
    views::glance::{model_info, next_logits, predictions, token_rows, token_text},
    vocabulary::{Predicted, top},
};
use limpid_engine::{error::EngineError, model_pool::Loaded};
use limpid_protocol::{
    inspection::{AnswerSpan, Target},
    request::{AnswerRange, TokenChoice},
    token_value::VocabularyToken,
    views::tokens::TokensView,
};

/// Likely next tokens.
const ROWS: usize = 10;

impl EngineAnalyst {
    pub(crate) fn glance_at(
        &self,
        loaded: &Loaded,
        ask: &Ask,
        job: &Job,
    ) -> Result<TokensView, EngineError> {
        let (tokens, trace) = self.traced(loaded, ask, job)?;
        let position = ask.position.unwrap_or(tokens.len().saturating_sub(1));
        let logits = next_logits(loaded, &trace, position)?;
        let token = |choice: &TokenChoice| Self::token(loaded, choice);
        let wanted = ask.token.as_ref().map(token).transpose()?;
        let foil = Self::foil(loaded, ask)?;
        let best = top(&logits, 1).first().map_or(0, |(id, _)| *id);
        let named = |id| VocabularyToken { id, text: token_text(loaded, id) };
        let target = named(wanted.unwrap_or(best));
        let rows = self.predicted(loaded, &trace, &job.cancel)?;
        Ok(TokensView {
            model: model_info(loaded),
            tokens: token_rows(loaded, &tokens, &rows),
            target: Target {
                position,
                id: target.id,
                text: target.text,
                foil: foil.map(named),
                answer: ask.answer.map(|answer| answer_span(answer, &rows)),
                foil_answer: None,
            },
            predictions: predictions(loaded, &logits, ROWS),
        })
    }
}

/// An answer with how likely it was.
fn answer_span(answer: AnswerRange, predicted: &[Predicted]) -> AnswerSpan {
    let rows = predicted.get(answer.start.saturating_sub(1)..answer.end.saturating_sub(1));
    let logprob = rows.unwrap_or_default().iter().map(|row| row.logprob).sum();
    AnswerSpan { start: answer.start, end: answer.end, logprob }
}
