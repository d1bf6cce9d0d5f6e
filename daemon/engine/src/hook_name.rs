//! Names of what a trace holds, in the TransformerLens spelling, and the values behind them.

use crate::{
    attention::{AttentionShape, pattern_rows},
    device::Way,
    error::EngineError,
    mlp::post,
    model::Model,
    model_spec::ModelSpec,
    pos_tensor::PosTensor,
    trace::{LayerTrace, Trace},
};
use candle_core::{DType, Tensor};
use std::ops::Range;

/// One kind of activation inside a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// `[pos, d_model]` entering the layer.
    ResidPre,
    /// `[pos, d_model]` after attention.
    ResidMid,
    /// `[pos, d_model]` leaving the layer.
    ResidPost,
    /// `[pos, d_model]` as attention adds it to the residual.
    AttnOut,
    /// `[pos, d_model]` as the MLP adds it to the residual.
    MlpOut,
    /// `[pos, head, d_head]` after q norm and positions.
    Q,
    /// `[pos, key_value_head, d_head]` after k norm and positions.
    K,
    /// `[pos, key_value_head, d_head]` with its bias.
    V,
    /// `[pos, head, d_head]` pattern times v.
    Z,
    /// `[head, pos, key_pos]`; quadratic in the prompt.
    Pattern,
    /// `[pos, d_mlp]` what goes into the non-linearity (the gate of a gated MLP).
    Pre,
    /// `[pos, d_mlp]` the other half of a gated MLP (up).
    PreLinear,
    /// `[pos, d_mlp]` the neuron vector.
    Post,
}

impl Hook {
    /// Every hook, in the order of the forward pass.
    pub const ALL: [Self; 13] = [
        Self::ResidPre,
        Self::Q,
        Self::K,
        Self::V,
        Self::Pattern,
        Self::Z,
        Self::AttnOut,
        Self::ResidMid,
        Self::Pre,
        Self::PreLinear,
        Self::Post,
        Self::MlpOut,
        Self::ResidPost,
    ];

    /// Its name within a layer: `resid_pre`, `z`.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::ResidPre => "resid_pre",
            Self::ResidMid => "resid_mid",
            Self::ResidPost => "resid_post",
            Self::AttnOut => "attn_out",
            Self::MlpOut => "mlp_out",
            Self::Q => "q",
            Self::K => "k",
            Self::V => "v",
            Self::Z => "z",
            Self::Pattern => "pattern",
            Self::Pre => "pre",
            Self::PreLinear => "pre_linear",
            Self::Post => "post",
        }
    }

    /// Full name at a layer: `blocks.3.attn.hook_q`.
    pub fn name(self, layer: usize) -> String {
        let inside = match self {
            Self::ResidPre | Self::ResidMid | Self::ResidPost | Self::AttnOut | Self::MlpOut => "",
            Self::Q | Self::K | Self::V | Self::Z | Self::Pattern => "attn.",
            Self::Pre | Self::PreLinear | Self::Post => "mlp.",
        };
        format!("blocks.{layer}.{inside}hook_{}", self.short_name())
    }

    /// Whether models of this structure have it.
    pub fn exists_in(self, spec: &ModelSpec) -> bool {
        self != Self::PreLinear || spec.gated_mlp
    }

    /// Its shape for a prompt of `n_tokens`.
    pub fn shape(self, spec: &ModelSpec, n_tokens: usize) -> Vec<usize> {
        match self {
            Self::ResidPre | Self::ResidMid | Self::ResidPost | Self::AttnOut | Self::MlpOut => {
                vec![n_tokens, spec.d_model]
            }
            Self::Q | Self::Z => vec![n_tokens, spec.n_heads, spec.d_head],
            Self::K | Self::V => vec![n_tokens, spec.n_key_value_heads, spec.d_head],
            Self::Pattern => vec![spec.n_heads, n_tokens, n_tokens],
            Self::Pre | Self::PreLinear | Self::Post => vec![n_tokens, spec.d_mlp],
        }
    }

    /// Its values at a layer, row-major.
    ///
    /// # Errors
    /// The device refused.
    pub fn values(
        self,
        model: &Model,
        trace: &Trace,
        layer: usize,
        activations: &LayerTrace,
    ) -> Result<Vec<f32>, EngineError> {
        let rows = self.rows(model, trace, (layer, activations), 0..trace.n_tokens())?;
        Ok(rows.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }

    /// Its rows at some positions side by side.
    ///
    /// *Shapes*: `[positions, columns]`; of a pattern `[head, positions, key_pos]`.
    ///
    /// # Errors
    /// Out of range; the device refused.
    pub fn rows(
        self,
        model: &Model,
        trace: &Trace,
        (layer, activations): (usize, &LayerTrace),
        positions: Range<usize>,
    ) -> Result<Tensor, EngineError> {
        let way = model.compute.way;
        let (block, shape) = (&model.blocks[layer], model.block_shape(layer));
        let d_mlp = model.spec.d_mlp;
        let of = |x: &PosTensor| x.narrow(positions.start, positions.len())?.tensor();
        Ok(match self {
            Self::ResidPre => of(&activations.resid_pre)?,
            Self::ResidMid => of(&activations.resid_mid)?,
            Self::ResidPost => of(trace.resid_after(layer + 1))?,
            Self::AttnOut => {
                normed(block.post_attn_norm.as_ref(), &of(&activations.attn_raw)?, way)?
            }
            Self::MlpOut => of(&activations.mlp_out)?,
            Self::Q => of(&activations.q)?,
            Self::K => of(&activations.k)?,
            Self::V => of(&activations.v)?,
            Self::Z => of(&activations.z)?,
            Self::Pattern => {
                let shape = AttentionShape { first_query: positions.start, ..shape.attention };
                pattern_rows(&of(&activations.q)?, &activations.k.tensor()?, &shape, way)?
            }
            Self::Pre => of(&activations.mlp_in.columns(0, d_mlp)?)?,
            Self::PreLinear => of(&activations.mlp_in.columns(d_mlp, d_mlp)?)?,
            Self::Post => post(&of(&activations.mlp_in)?, shape.mlp, way)?,
        })
    }
}

fn normed(norm: Option<&crate::norm::Norm>, raw: &Tensor, way: Way) -> Result<Tensor, EngineError> {
    norm.map_or_else(|| Ok(raw.clone()), |norm| norm.forward(raw, way))
}
