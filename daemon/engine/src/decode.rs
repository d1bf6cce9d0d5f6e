//! One token after another behind a traced prompt: keys and values alone are kept, and grow where they lie.
//! What is chosen and when it ends is `continuation`'s business.

use crate::{
    block::Prefix, cancel::CancelToken, changed_run::ChangedRun, error::EngineError,
    forward::Watch, key_values::KeyValues, model::Model, model_spec::ModelSpec,
    pos_tensor::to_host, trace::Trace,
};
use parking_lot::Mutex;

/// Keys and values of everything that was read so far.
#[derive(Debug)]
pub struct Decode {
    layers: Vec<Mutex<KeyValues>>,
    n_tokens: usize,
    is_prepared: bool,
    /// What is changed, also for the tokens that are read from here on.
    changes: Option<ChangedRun>,
}

impl Decode {
    /// Bytes that the keys and values of `n_tokens` take.
    pub fn bytes(spec: &ModelSpec, n_tokens: usize) -> u64 {
        8 * n_tokens as u64 * spec.n_layers as u64 * spec.d_kv() as u64
    }

    /// Takes up where a trace ended, with room for `n_more` tokens.
    ///
    /// *Cost*: a copy of the trace's keys and values.
    ///
    /// # Errors
    /// The device refused.
    pub fn behind(model: &Model, trace: &Trace, n_more: usize) -> Result<Self, EngineError> {
        let n_tokens = trace.n_tokens();
        let layers = trace.layers.iter().enumerate().map(|(layer, kept)| {
            let (k, v) = kept.keys_and_values();
            let shape = model.block_shape(layer).attention;
            KeyValues::behind(k, v, &shape, n_tokens + n_more, &model.compute).map(Mutex::new)
        });
        let layers = layers.collect::<Result<_, EngineError>>()?;
        Ok(Self { layers, n_tokens, is_prepared: false, changes: None })
    }

    /// Takes up where a changed run ended, which is run here; its changes hold for the tokens behind it too, but for those
    /// of one position and those from another prompt.
    ///
    /// *Shapes*: -> also the logits behind the changed prompt, `[d_vocab]`. *Cost*: the changed run.
    ///
    /// # Errors
    /// As `Model::run_changed`; the run has not one target, its last position.
    pub fn behind_changed(
        model: &Model,
        trace: &Trace,
        run: ChangedRun,
        n_more: usize,
        watch: Watch<'_>,
    ) -> Result<(Self, Vec<f32>), EngineError> {
        let n_tokens = run.n_pos();
        let (keys, logits) = model.changed_keys(trace, &run, watch)?;
        let layers = keys.iter().enumerate().map(|(layer, (k, v))| {
            let shape = model.block_shape(layer).attention;
            KeyValues::behind(k, v, &shape, n_tokens + n_more, &model.compute).map(Mutex::new)
        });
        let layers = layers.collect::<Result<_, EngineError>>()?;
        let Some(logits) = logits.into_iter().next() else {
            return Err(EngineError::BadRequest("a continuation has a target".to_owned()));
        };
        Ok((Self { layers, n_tokens, is_prepared: false, changes: Some(run) }, logits))
    }

    /// Tokens read so far.
    pub fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Reads one more token.
    ///
    /// *Shapes*: -> logits behind it, `[d_vocab]`. *Cost*: one read of all weights; bit for bit on the CPU the last row of
    /// a run over all tokens.
    ///
    /// # Errors
    /// The context window is full; cancelled (asked once a layer), which leaves everything as it was; a value that is not
    /// finite; the device refused.
    pub fn step(
        &mut self,
        model: &Model,
        token: u32,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>, EngineError> {
        let n_ctx = model.spec.n_ctx;
        if self.n_tokens >= n_ctx {
            let n_tokens = self.n_tokens + 1;
            return Err(EngineError::ContextWindow { n_tokens, n_ctx, is_whole: true });
        }
        if !self.is_prepared {
            model.make_narrow(cancel)?;
            self.is_prepared = true;
        }
        // Enters the thread pool once, not once per product.
        let logits = rayon::scope(|_| self.read(model, token, cancel));
        if logits.is_ok() {
            self.n_tokens += 1;
        } else {
            self.layers.iter_mut().for_each(|layer| layer.get_mut().truncate(self.n_tokens));
        }
        logits
    }

    fn read(
        &self,
        model: &Model,
        token: u32,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>, EngineError> {
        let mut resid = model.embed(&[token], self.n_tokens)?;
        for (layer, key_values) in self.layers.iter().enumerate() {
            cancel.check()?;
            resid = match &self.changes {
                Some(run) => model.step_changed(run, layer, &resid, key_values, self.n_tokens)?,
                None => {
                    let before = Some(Prefix::Growing(key_values));
                    model.run_block(layer, &resid, before, self.n_tokens)?.1
                }
            };
        }
        to_host(&model.logits(&resid)?)
    }
}
