//! Continuations by the real [`Analyst`](crate::analyst::Analyst): behind the cached trace of the prompt.

use crate::{
    analyst::{Ask, Continuing, Job},
    engine_analyst::EngineAnalyst,
    error_codes::from_engine,
};
use limpid_analysis::views::{
    continuation::{piece, stopped_by},
    glance::token_text,
    interventions::{at_place, resolve},
};
use limpid_engine::{
    continuation::{Continuation, Wanted},
    error::EngineError,
    forward::Watch,
    model_pool::Loaded,
    sampling::Sampling,
};
use limpid_protocol::{
    inspection::TokenRow,
    intervention::{InterventionSet, PatchSource},
    view_error::ViewError,
    views::continuation::{ContinuationPiece, ContinuationSide, ContinueParams, StoppedBy},
};
use std::sync::Arc;

/// Tokens, unless said otherwise.
const MAX_TOKENS: usize = 32;

struct UnderWay {
    loaded: Arc<Loaded>,
    prompt: Vec<TokenRow>,
    continuation: Continuation,
    /// The same without switches, where there are some.
    unchanged: Option<Continuation>,
}

impl Continuing for UnderWay {
    fn model(&self) -> &str {
        &self.loaded.name
    }

    fn prompt(&self) -> &[TokenRow] {
        &self.prompt
    }

    fn has_sides(&self) -> bool {
        self.unchanged.is_some()
    }

    fn step(&mut self, job: &Job) -> Result<(ContinuationPiece, Option<StoppedBy>), ViewError> {
        let switched = &mut self.continuation;
        // In turn, as long as both go on.
        let (side, continuation) = match &mut self.unchanged {
            None => (None, switched),
            Some(unchanged)
                if unchanged.stopped_by().is_none()
                    && (switched.stopped_by().is_some()
                        || unchanged.n_chosen() < switched.n_chosen()) =>
            {
                (Some(ContinuationSide::Unchanged), unchanged)
            }
            Some(_) => (Some(ContinuationSide::Switched), switched),
        };
        let step = continuation.step(&self.loaded, &job.cancel);
        let step = step.map_err(|e| from_engine(&e))?;
        let ended = continuation.stopped_by().map(stopped_by);
        Ok((ContinuationPiece { side, ..piece(&self.loaded, step) }, ended))
    }
}

impl EngineAnalyst {
    pub(crate) fn start_continuation(
        &self,
        ask: &Ask,
        params: &ContinueParams,
        switches: Option<&InterventionSet>,
        job: &Job,
    ) -> Result<Box<dyn Continuing>, ViewError> {
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        let start = || -> Result<UnderWay, EngineError> {
            let wanted = wanted(params);
            wanted.check(loaded.model.spec.n_ctx)?;
            let (tokens, trace) = self.traced(&loaded, ask, job)?;
            let available = self.available_bytes();
            let plain = Continuation::start(&loaded, &trace, &wanted, available)?;
            let (continuation, unchanged) = match switches {
                None => (plain, None),
                Some(switches) => {
                    let trace_of = |from: &PatchSource| self.patch_trace(&loaded, from, job);
                    let changes = resolve(switches, &loaded, &trace_of)
                        .map_err(|e| at_place(&format!("switches ({switches})"), e))?;
                    let watch = Watch { cancel: &job.cancel, progress: &|_, _| {} };
                    let room = (available, watch);
                    let switched =
                        Continuation::start_changed(&loaded, &trace, &changes, &wanted, room)?;
                    (switched, Some(plain))
                }
            };
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
            Ok(UnderWay { loaded: Arc::clone(&loaded), prompt, continuation, unchanged })
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
