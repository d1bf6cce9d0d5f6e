//! Continuations by the real [`Analyst`](crate::analyst::Analyst): behind the cached trace of the prompt.

use crate::{
    analyst::{Ask, Continuing, Job},
    engine_analyst::EngineAnalyst,
    error_codes::from_engine,
};
use limpid_analysis::views::{
    continuation::{piece, stopped_by},
    glance::token_text,
};
use limpid_engine::{
    continuation::{Continuation, Wanted},
    error::EngineError,
    model_pool::Loaded,
    sampling::Sampling,
};
use limpid_protocol::{
    inspection::TokenRow,
    view_error::ViewError,
    views::continuation::{ContinuationPiece, ContinueParams, StoppedBy},
};
use std::sync::Arc;

/// Tokens, unless said otherwise.
const MAX_TOKENS: usize = 32;

struct UnderWay {
    loaded: Arc<Loaded>,
    prompt: Vec<TokenRow>,
    continuation: Continuation,
}

impl Continuing for UnderWay {
    fn model(&self) -> &str {
        &self.loaded.name
    }

    fn prompt(&self) -> &[TokenRow] {
        &self.prompt
    }

    fn step(&mut self, job: &Job) -> Result<(ContinuationPiece, Option<StoppedBy>), ViewError> {
        let step = self.continuation.step(&self.loaded, &job.cancel);
        let step = step.map_err(|e| from_engine(&e))?;
        let ended = self.continuation.stopped_by().map(stopped_by);
        Ok((piece(&self.loaded, step), ended))
    }
}

impl EngineAnalyst {
    pub(crate) fn start_continuation(
        &self,
        ask: &Ask,
        params: &ContinueParams,
        job: &Job,
    ) -> Result<Box<dyn Continuing>, ViewError> {
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        let start = || -> Result<UnderWay, EngineError> {
            let wanted = wanted(params);
            wanted.check(loaded.model.spec.n_ctx)?;
            let (tokens, trace) = self.traced(&loaded, ask, job)?;
            let continuation =
                Continuation::start(&loaded, &trace, &wanted, self.available_bytes())?;
            let row = |(index, token): (usize, limpid_engine::tokenizer::Token)| TokenRow {
                index,
                id: token.id,
                text: token_text(&loaded, token.id),
                start: token.span.as_ref().map(|span| span.start),
                end: token.span.map(|span| span.end),
                logprob: None,
                rank: None,
            };
            let prompt = tokens.into_iter().enumerate().map(row).collect();
            Ok(UnderWay { loaded: Arc::clone(&loaded), prompt, continuation })
        };
        Ok(Box::new(start().map_err(|e| from_engine(&e))?))
    }
}

fn wanted(params: &ContinueParams) -> Wanted {
    Wanted {
        max_tokens: params.max_tokens.unwrap_or(MAX_TOKENS),
        sampling: Sampling {
            temperature: params.temperature.unwrap_or(0.0),
            top_k: params.top_k,
            top_p: params.top_p,
            seed: params.seed.unwrap_or(0),
        },
        stop: params.stop.clone().unwrap_or_default(),
    }
}
