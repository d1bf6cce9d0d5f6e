//! The traced forward pass: embed, blocks, and the unembedding on demand. Asks for cancellation at each layer.

use crate::{
    cancel::CancelToken,
    device::Way,
    error::EngineError,
    model::Model,
    pos_tensor::PosTensor,
    trace::{CapturePlan, Kept, Trace},
};
use candle_core::{DType, Tensor};
use std::sync::Arc;

/// What a run reports to and listens to.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Asked once per layer.
    pub cancel: &'a CancelToken,
    /// Told layers done, of how many.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl Model {
    /// Runs the model and keeps what `plan` says.
    ///
    /// `prefix`: an earlier trace of the same model; positions whose token ids agree with it are taken from it, bit for bit
    /// the same as computed anew on the CPU.
    ///
    /// *Cost*: one forward over the positions that are not shared; memory as [`CapturePlan::bytes`].
    ///
    /// # Errors
    /// No tokens, too many, or an id outside the vocabulary; cancelled; a residual that is not finite; the device refused.
    pub fn forward(
        &self,
        token_ids: &[u32],
        prefix: Option<&Trace>,
        plan: CapturePlan,
        watch: Watch<'_>,
    ) -> Result<Trace, EngineError> {
        self.check_tokens(token_ids)?;
        // Enters the thread pool once, not once per product.
        rayon::scope(|_| self.run_blocks(token_ids, prefix, plan, watch))
    }

    fn run_blocks(
        &self,
        token_ids: &[u32],
        prefix: Option<&Trace>,
        plan: CapturePlan,
        watch: Watch<'_>,
    ) -> Result<Trace, EngineError> {
        let prefix = prefix.filter(|prefix| prefix.plan == plan);
        let n_shared = prefix.map_or(0, |prefix| {
            let same = prefix.token_ids.iter().zip(token_ids).take_while(|(a, b)| a == b).count();
            same.min(token_ids.len() - 1)
        });
        let prefix = prefix.filter(|_| n_shared > 0);
        let mut resid = self.embed(&token_ids[n_shared..], n_shared)?;
        let mut layers = Vec::with_capacity(self.spec.n_layers);
        for layer in 0..self.spec.n_layers {
            watch.cancel.check()?;
            (watch.progress)(layer, self.spec.n_layers);
            let below = prefix.map(|prefix| &prefix.layers[layer]);
            let (kept, resid_post) = self.keep_block(layer, &resid, below, n_shared, plan)?;
            layers.push(kept);
            resid = resid_post;
        }
        (watch.progress)(self.spec.n_layers, self.spec.n_layers);
        let resid_final =
            PosTensor::extend(prefix.map(|prefix| (&prefix.resid_final, n_shared)), resid.clone())?;
        self.check_finite(&resid, &layers, n_shared)?;
        Ok(Trace { token_ids: token_ids.to_vec(), plan, layers, resid_final })
    }

    fn keep_block(
        &self,
        layer: usize,
        resid: &Tensor,
        below: Option<&Kept>,
        n_shared: usize,
        plan: CapturePlan,
    ) -> Result<(Kept, Tensor), EngineError> {
        let prefix = below.map(Kept::prefix);
        let (trace, resid_post) = self.run_block(layer, resid, prefix, n_shared)?;
        if plan == CapturePlan::Whole {
            return Ok((Kept::Whole(Arc::new(trace)), resid_post));
        }
        let before = below.map(|below| (below.resid_pre(), n_shared));
        let resid_pre = PosTensor::extend(before, resid.clone())?;
        let own = |x: &PosTensor| -> Result<PosTensor, EngineError> {
            Ok(PosTensor::new(x.tensor()?.force_contiguous()?))
        };
        Ok((Kept::Lean { resid_pre, k: own(&trace.k)?, v: own(&trace.v)? }, resid_post))
    }

    /// Whether a prompt can be run.
    ///
    /// *Cost*: a look at every id.
    ///
    /// # Errors
    /// No tokens, more than `n_ctx`, or an id that is not below `d_vocab`.
    pub fn check_tokens(&self, token_ids: &[u32]) -> Result<(), EngineError> {
        if token_ids.is_empty() {
            return Err(EngineError::BadRequest(
                "the prompt is empty; give at least one token".to_owned(),
            ));
        }
        if token_ids.len() > self.spec.n_ctx {
            return Err(EngineError::ContextWindow {
                n_tokens: token_ids.len(),
                n_ctx: self.spec.n_ctx,
                is_whole: true,
            });
        }
        match token_ids.iter().position(|&id| id as usize >= self.spec.d_vocab) {
            Some(at) => Err(EngineError::BadRequest(format!(
                "token id {} at index {at} is out of range; the model has ids 0 to {}",
                token_ids[at],
                self.spec.d_vocab - 1
            ))),
            None => Ok(()),
        }
    }

    /// NaN and infinity spread to the last residual, so one look there is enough; the layer is searched only on failure.
    fn check_finite(
        &self,
        resid: &Tensor,
        layers: &[Kept],
        n_shared: usize,
    ) -> Result<(), EngineError> {
        if self.all_finite(resid)? {
            return Ok(());
        }
        for (layer, kept) in layers.iter().enumerate() {
            let pre = kept.resid_pre();
            if !self.all_finite(&pre.narrow(n_shared, pre.n_rows() - n_shared)?.tensor()?)? {
                let hook = match layer {
                    0 => "hook_embed".to_owned(),
                    _ => format!("blocks.{}.hook_resid_post", layer - 1),
                };
                return Err(EngineError::NotFinite { hook });
            }
        }
        let hook = format!("blocks.{}.hook_resid_post", self.spec.n_layers - 1);
        Err(EngineError::NotFinite { hook })
    }

    pub(crate) fn all_finite(&self, x: &Tensor) -> Result<bool, EngineError> {
        if self.compute.way == Way::Kernels {
            return crate::kernel_ops::all_finite(x);
        }
        // A NaN among finite values may or may not win a maximum; it always wins a sum.
        let largest = x.abs()?.max_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let sum = x.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        Ok(largest.is_finite() && !sum.is_nan())
    }

    /// Logits of residual rows: final norm, then unembedding. The same for a residual of any layer is its logit lens.
    ///
    /// *Shapes*: resid `[rows, d_model]` -> `[rows, d_vocab]`. *Cost*: `2 rows d_model d_vocab` flops.
    ///
    /// # Errors
    /// A logit that is not finite (a NaN in the final norm or the unembedding shows here first); the device refused.
    pub fn logits(&self, resid: &Tensor) -> Result<Tensor, EngineError> {
        let normed = self.final_norm.forward(resid, self.compute.way)?;
        let logits = self.unembed.forward(&normed)?;
        // A broken weight of the unembedding breaks its logit in every row, so one row is enough of the larger table.
        let is_empty = logits.dims2()?.0 == 0;
        if is_empty || (self.all_finite(&normed)? && self.all_finite(&logits.narrow(0, 0, 1)?)?) {
            return Ok(logits);
        }
        Err(EngineError::NotFinite { hook: "logits".to_owned() })
    }

    /// Logits of residual rows on the host, finite or not.
    ///
    /// *Shapes*: resid `[rows, d_model]` -> `[rows][d_vocab]`.
    pub(crate) fn logit_rows(&self, resid: &Tensor) -> Result<Vec<Vec<f32>>, EngineError> {
        let normed = self.final_norm.forward(resid, self.compute.way)?;
        Ok(self.unembed.forward(&normed)?.to_dtype(DType::F32)?.to_vec2::<f32>()?)
    }
}
