//! What a traced forward pass leaves behind: immutable, shared, complete enough for every analysis and the backward pass.
//! Kept whole, or lean: residuals, keys and values only, a layer's rest computed again, with the same numbers, when it is looked at.

use crate::{block::Prefix, error::EngineError, model::Model, pos_tensor::PosTensor};
use std::sync::Arc;

/// Activations of one layer, all positions; TransformerLens names, axes `[pos, ..]`.
#[derive(Clone, Debug)]
pub struct LayerTrace {
    /// `[pos, d_model]` entering the layer.
    pub resid_pre: PosTensor,
    /// `[pos, n_heads * d_head]` before q norm and positions.
    pub q_raw: PosTensor,
    /// `[pos, n_key_value_heads * d_head]` before k norm and positions.
    pub k_raw: PosTensor,
    /// `[pos, n_heads * d_head]` as it meets the keys.
    pub q: PosTensor,
    /// `[pos, n_key_value_heads * d_head]` as it meets the queries.
    pub k: PosTensor,
    /// `[pos, n_key_value_heads * d_head]`, bias included.
    pub v: PosTensor,
    /// `[pos, n_heads * d_head]` pattern times v.
    pub z: PosTensor,
    /// `[pos, d_model]` attention output before its post norm.
    pub attn_raw: PosTensor,
    /// `[pos, d_model]` after attention.
    pub resid_mid: PosTensor,
    /// `[pos, d_mlp]`, or gate (`pre`) and up (`pre_linear`) side by side: `[pos, 2 * d_mlp]`.
    pub mlp_in: PosTensor,
    /// `[pos, d_model]` MLP output before its post norm.
    pub mlp_raw: PosTensor,
    /// `[pos, d_model]` as added to the residual.
    pub mlp_out: PosTensor,
}

/// What is kept of each layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapturePlan {
    /// Every tensor of [`LayerTrace`].
    Whole,
    /// Residuals, keys and values.
    Lean,
}

impl CapturePlan {
    /// Bytes a trace of `n_tokens` takes under this plan.
    pub fn bytes(self, spec: &crate::model_spec::ModelSpec, n_tokens: usize) -> u64 {
        let raw = if spec.post_norms { 5 } else { 4 };
        let whole = raw * spec.d_model
            + 3 * spec.d_q()
            + 3 * spec.d_kv()
            + spec.d_mlp * if spec.gated_mlp { 2 } else { 1 };
        let lean = spec.d_model + 2 * spec.d_kv();
        let per_layer = if self == Self::Whole { whole } else { lean };
        4 * n_tokens as u64 * spec.n_layers as u64 * per_layer as u64
    }

    /// Whole when that fits `available` bytes, else lean.
    ///
    /// # Errors
    /// Not even the lean trace fits.
    pub fn choose(
        spec: &crate::model_spec::ModelSpec,
        n_tokens: usize,
        available: u64,
    ) -> Result<Self, EngineError> {
        for plan in [Self::Whole, Self::Lean] {
            if plan.bytes(spec, n_tokens) <= available {
                return Ok(plan);
            }
        }
        Err(EngineError::MemoryBudget {
            what: format!("a trace of {n_tokens} tokens"),
            needed: Self::Lean.bytes(spec, n_tokens),
            available,
        })
    }
}

/// One layer as it is kept.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    Whole(Arc<LayerTrace>),
    Lean { resid_pre: PosTensor, k: PosTensor, v: PosTensor },
}

impl Kept {
    pub(crate) fn resid_pre(&self) -> &PosTensor {
        match self {
            Self::Whole(layer) => &layer.resid_pre,
            Self::Lean { resid_pre, .. } => resid_pre,
        }
    }

    pub(crate) fn keys_and_values(&self) -> (&PosTensor, &PosTensor) {
        match self {
            Self::Whole(layer) => (&layer.k, &layer.v),
            Self::Lean { k, v, .. } => (k, v),
        }
    }

    /// What a run behind these positions builds on.
    pub(crate) fn prefix(&self) -> Prefix<'_> {
        match self {
            Self::Whole(layer) => Prefix::Whole(layer),
            Self::Lean { k, v, .. } => Prefix::KeysAndValues(k, v),
        }
    }
}

/// A traced forward pass of one prompt.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(crate) token_ids: Vec<u32>,
    pub(crate) plan: CapturePlan,
    pub(crate) layers: Vec<Kept>,
    pub(crate) resid_final: PosTensor,
}

impl Trace {
    /// The prompt.
    pub fn token_ids(&self) -> &[u32] {
        &self.token_ids
    }

    /// Positions.
    pub fn n_tokens(&self) -> usize {
        self.token_ids.len()
    }

    /// Decoder blocks it went through.
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// How it is kept.
    pub fn plan(&self) -> CapturePlan {
        self.plan
    }

    /// Whether a model of this structure can have left it: as many layers, all that is kept as wide.
    pub(crate) fn may_be_of(&self, spec: &crate::model_spec::ModelSpec) -> bool {
        let d_mlp_in = spec.d_mlp * if spec.gated_mlp { 2 } else { 1 };
        let is_as_wide = |kept: &Kept| {
            let is_whole_as_wide = match kept {
                Kept::Whole(layer) => {
                    layer.q.n_cols() == spec.d_q() && layer.mlp_in.n_cols() == d_mlp_in
                }
                Kept::Lean { .. } => true,
            };
            is_whole_as_wide
                && kept.resid_pre().n_cols() == spec.d_model
                && kept.keys_and_values().0.n_cols() == spec.d_kv()
        };
        self.layers.len() == spec.n_layers && self.layers.iter().all(is_as_wide)
    }

    /// The residual after `n_blocks` blocks: 0 is the embedding, `n_layers` what the final norm reads. `[pos, d_model]`.
    ///
    /// # Panics
    /// When `n_blocks` is above `n_layers`.
    pub fn resid_after(&self, n_blocks: usize) -> &PosTensor {
        self.layers.get(n_blocks).map_or(&self.resid_final, Kept::resid_pre)
    }

    /// All activations of one layer; computed again when the trace is lean.
    ///
    /// # Errors
    /// The device refused.
    pub fn layer(&self, layer: usize, model: &Model) -> Result<Arc<LayerTrace>, EngineError> {
        match &self.layers[layer] {
            Kept::Whole(layer) => Ok(Arc::clone(layer)),
            Kept::Lean { resid_pre, .. } => {
                Ok(Arc::new(model.run_block(layer, &resid_pre.tensor()?, None, 0)?.0))
            }
        }
    }

    /// Bytes this trace keeps alive.
    pub fn bytes(&self) -> u64 {
        let layers = self.layers.iter().map(|kept| match kept {
            Kept::Whole(l) => [
                &l.resid_pre,
                &l.q_raw,
                &l.k_raw,
                &l.q,
                &l.k,
                &l.v,
                &l.z,
                &l.attn_raw,
                &l.resid_mid,
                &l.mlp_in,
                &l.mlp_raw,
                &l.mlp_out,
            ]
            .into_iter()
            .map(PosTensor::bytes)
            .sum(),
            Kept::Lean { resid_pre, k, v } => resid_pre.bytes() + k.bytes() + v.bytes(),
        });
        layers.sum::<u64>() + self.resid_final.bytes()
    }
}
