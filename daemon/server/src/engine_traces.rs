//! Runs of prompts by the real [`Analyst`](crate::analyst::Analyst): kept ones, or those that go on from a kept prefix.

use crate::{
    analyst::{Ask, Job},
    engine_analyst::EngineAnalyst,
    prompt_tokens::encode,
};
use limpid_analysis::vocabulary::{Predicted, predicted_tokens};
use limpid_engine::{
    cancel::CancelToken,
    error::EngineError,
    forward::Watch,
    model_pool::Loaded,
    tokenizer::Token,
    trace::{CapturePlan, Trace},
};
use std::sync::Arc;

impl EngineAnalyst {
    /// Tokens and trace; runs what no kept trace holds.
    pub(crate) fn traced(
        &self,
        loaded: &Loaded,
        ask: &Ask,
        job: &Job,
    ) -> Result<(Vec<Token>, Arc<Trace>), EngineError> {
        let tokens = encode(loaded, ask)?;
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "reading the prompt");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let trace = self.trace_of_ids(loaded, &ids, watch)?;
        Ok((tokens, trace))
    }

    /// The run of some tokens: a kept one, or one that goes on from the longest common prefix of those.
    pub(crate) fn trace_of_ids(
        &self,
        loaded: &Loaded,
        ids: &[u32],
        watch: Watch<'_>,
    ) -> Result<Arc<Trace>, EngineError> {
        let (model, fingerprint) = (&loaded.model, loaded.fingerprint);
        let plan = CapturePlan::choose(&model.spec, ids.len(), self.available_bytes())?;
        if let Some(trace) = self.traces.get(fingerprint, plan, ids) {
            return Ok(trace);
        }
        let prefix = self.traces.longest_prefix(fingerprint, plan, ids);
        let trace = Arc::new(model.forward(ids, prefix.as_deref(), plan, watch)?);
        self.traces.insert(fingerprint, Arc::clone(&trace));
        Ok(trace)
    }

    /// How each token was predicted; of a prompt that begins like an earlier one, only the rest is computed.
    pub(crate) fn predicted(
        &self,
        loaded: &Loaded,
        trace: &Trace,
        cancel: &CancelToken,
    ) -> Result<Arc<[Predicted]>, EngineError> {
        let known = self.predicted.prefix(loaded.fingerprint, trace.token_ids());
        if known.len() + 1 == trace.n_tokens() {
            return Ok(known.into());
        }
        let rows: Arc<[Predicted]> = predicted_tokens(&loaded.model, trace, &known, cancel)?.into();
        self.predicted.keep(loaded.fingerprint, trace.token_ids(), &rows);
        Ok(rows)
    }

    /// Bytes that a trace, or the keys and values of a continuation, may take now.
    pub(crate) fn available_bytes(&self) -> u64 {
        self.models.bytes_beside().min(self.models.compute.free_bytes())
    }
}
