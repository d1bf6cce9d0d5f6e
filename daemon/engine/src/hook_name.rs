//! Names of what a trace holds, in the TransformerLens spelling, and the values behind them.

use crate::{
    attention::pattern_rows,
    device::Way,
    error::EngineError,
    mlp::post,
    model::Model,
    model_spec::ModelSpec,
    trace::{LayerTrace, Trace},
};
use candle_core::{DType, Tensor};

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

    /// Full name at a layer: `blocks.3.attn.hook_q`.
    pub fn name(self, layer: usize) -> String {
        let tail = match self {
            Self::ResidPre => "hook_resid_pre",
            Self::ResidMid => "hook_resid_mid",
            Self::ResidPost => "hook_resid_post",
            Self::AttnOut => "hook_attn_out",
            Self::MlpOut => "hook_mlp_out",
            Self::Q => "attn.hook_q",
            Self::K => "attn.hook_k",
            Self::V => "attn.hook_v",
            Self::Z => "attn.hook_z",
            Self::Pattern => "attn.hook_pattern",
            Self::Pre => "mlp.hook_pre",
            Self::PreLinear => "mlp.hook_pre_linear",
            Self::Post => "mlp.hook_post",
        };
        format!("blocks.{layer}.{tail}")
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
        let way = model.compute.way;
        let block = &model.blocks[layer];
        let shape = model.block_shape(layer);
        let d_mlp = model.spec.d_mlp;
        let tensor = match self {
            Self::ResidPre => activations.resid_pre.tensor()?,
            Self::ResidMid => activations.resid_mid.tensor()?,
            Self::ResidPost => trace.resid_after(layer + 1).tensor()?,
            Self::AttnOut => {
                normed(block.post_attn_norm.as_ref(), &activations.attn_raw.tensor()?, way)?
            }
            Self::MlpOut => activations.mlp_out.tensor()?,
            Self::Q => activations.q.tensor()?,
            Self::K => activations.k.tensor()?,
            Self::V => activations.v.tensor()?,
            Self::Z => activations.z.tensor()?,
            Self::Pattern => pattern_rows(
                &activations.q.tensor()?,
                &activations.k.tensor()?,
                &shape.attention,
                way,
            )?,
            Self::Pre => activations.mlp_in.columns(0, d_mlp)?.tensor()?,
            Self::PreLinear => activations.mlp_in.columns(d_mlp, d_mlp)?.tensor()?,
            Self::Post => post(&activations.mlp_in.tensor()?, shape.mlp, way)?,
        };
        Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }
}

fn normed(norm: Option<&crate::norm::Norm>, raw: &Tensor, way: Way) -> Result<Tensor, EngineError> {
    norm.map_or_else(|| Ok(raw.clone()), |norm| norm.forward(raw, way))
}
