//! The one decoder block: norm, attention, residual, norm, MLP, residual. Every family is this block with other fields.
//! Stateless: weights in, activations out.

use crate::{
    attention::{AttentionShape, attention},
    device::Way,
    error::EngineError,
    key_values::KeyValues,
    linear::Linear,
    mlp::{MlpShape, post},
    model_spec::{LayerSpec, ModelSpec},
    norm::{Norm, add},
    pos_tensor::PosTensor,
    rotary::{RotaryTable, Turn},
    trace::LayerTrace,
};
use candle_core::{D, Tensor};
use parking_lot::Mutex;
use std::ops::Range;

/// Sections of the fused [`Block::qkv`].
pub const SECTION_Q: Range<usize> = 0..1;
/// Keys and values.
pub const SECTIONS_KV: Range<usize> = 1..3;
/// Values.
pub const SECTION_V: Range<usize> = 2..3;

/// The weights of one layer.
#[derive(Debug)]
pub struct Block {
    /// Before attention.
    pub norm_attn: Norm,
    /// q, k, v fused: sections of `n_heads * d_head` and twice `n_key_value_heads * d_head` rows.
    pub qkv: Linear,
    /// Per head, before positions.
    pub q_norm: Option<Norm>,
    /// Per head, before positions.
    pub k_norm: Option<Norm>,
    /// `[d_model, n_heads * d_head]`
    pub w_o: Linear,
    /// After attention, before the residual.
    pub post_attn_norm: Option<Norm>,
    /// Before the MLP.
    pub norm_mlp: Norm,
    /// Gate and up fused (two sections), or the one input matrix.
    pub mlp_in: Linear,
    /// `[d_model, d_mlp]`
    pub w_out: Linear,
    /// After the MLP, before the residual.
    pub post_mlp_norm: Option<Norm>,
}

/// Everything about a layer's shape, from its spec.
#[derive(Clone, Copy, Debug)]
pub struct BlockShape {
    /// Attention, with `first_query` 0.
    pub attention: AttentionShape,
    /// MLP.
    pub mlp: MlpShape,
}

impl BlockShape {
    /// The shape of a layer.
    pub fn new(spec: &ModelSpec, layer: &LayerSpec) -> Self {
        Self {
            attention: AttentionShape {
                n_heads: spec.n_heads,
                n_key_value_heads: spec.n_key_value_heads,
                d_head: spec.d_head,
                scale: spec.attention_scale,
                window: layer.window,
                first_query: 0,
            },
            mlp: MlpShape { d_mlp: spec.d_mlp, gated: spec.gated_mlp, activation: spec.activation },
        }
    }
}

/// What is there of the positions before new ones.
#[derive(Clone, Copy, Debug)]
pub enum Prefix<'a> {
    /// Everything: the trace that comes out covers all positions.
    Whole(&'a LayerTrace),
    /// Keys and values, which are all that new positions read: only they cover all positions in what comes out, the other
    /// tensors cover the new ones.
    KeysAndValues(&'a PosTensor, &'a PosTensor),
    /// Keys and values that new positions are added to in place: what comes out covers the new ones.
    Growing(&'a Mutex<KeyValues>),
}

impl Block {
    /// Runs the block on new positions, whose residuals are `resid_pre`, behind the first positions of `prefix`, that many
    /// of them. `rotary` covers exactly the new positions.
    ///
    /// *Shapes*: resid_pre `[new_pos, d_model]` -> a layer trace (see [`Prefix`]), and resid_post `[new_pos, d_model]`.
    ///
    /// # Errors
    /// The device refused.
    pub fn forward(
        &self,
        shape: &BlockShape,
        resid_pre: &Tensor,
        prefix: Option<(Prefix<'_>, usize)>,
        rotary: Option<&RotaryTable>,
        way: Way,
    ) -> Result<(LayerTrace, Tensor), EngineError> {
        let n_shared = prefix.map_or(0, |(_, n_shared)| n_shared);
        let d_q = shape.attention.n_heads * shape.attention.d_head;
        let d_kv = shape.attention.n_key_value_heads * shape.attention.d_head;

        let Projected { qkv, q, k, v } = self.project(shape, resid_pre, rotary, way)?;
        let extend = |pick: fn(&LayerTrace) -> &PosTensor, rest: Tensor| match prefix {
            Some((Prefix::Whole(before), n)) => PosTensor::extend(Some((pick(before), n)), rest),
            _ => Ok(PosTensor::new(rest)),
        };
        let (k, v) = match prefix {
            Some((Prefix::KeysAndValues(k_before, v_before), n)) => {
                let k = PosTensor::extend(Some((k_before, n)), k)?;
                (k, PosTensor::extend(Some((v_before, n)), v)?)
            }
            _ => (extend(|l| &l.k, k)?, extend(|l| &l.v, v)?),
        };
        let attention_shape = AttentionShape { first_query: n_shared, ..shape.attention };
        let z = match prefix {
            Some((Prefix::Growing(before), _)) => {
                before.lock().attend(&q, &k.tensor()?, &v.tensor()?, &attention_shape, &[])?
            }
            _ => attention(&q, &k.tensor()?, &v.tensor()?, &attention_shape, way)?,
        };
        let (attn_raw, attn_out) = self.attn_out(&z, way)?;
        let resid_mid = add(resid_pre, &attn_out, way)?;

        let mlp_in = self.mlp_in(&resid_mid, way)?;
        let (mlp_raw, mlp_out) = self.mlp_out(&post(&mlp_in, shape.mlp, way)?, way)?;
        let resid_post = add(&resid_mid, &mlp_out, way)?;
        let trace = LayerTrace {
            resid_pre: extend(|l| &l.resid_pre, resid_pre.clone())?,
            q_raw: extend(|l| &l.q_raw, qkv.narrow(D::Minus1, 0, d_q)?)?,
            k_raw: extend(|l| &l.k_raw, qkv.narrow(D::Minus1, d_q, d_kv)?)?,
            q: extend(|l| &l.q, q)?,
            k,
            v,
            z: extend(|l| &l.z, z)?,
            attn_raw: extend(|l| &l.attn_raw, attn_raw)?,
            resid_mid: extend(|l| &l.resid_mid, resid_mid)?,
            mlp_in: extend(|l| &l.mlp_in, mlp_in)?,
            mlp_raw: extend(|l| &l.mlp_raw, mlp_raw)?,
            mlp_out: extend(|l| &l.mlp_out, mlp_out)?,
        };
        Ok((trace, resid_post))
    }

    /// What attention reads of rows, whose positions `rotary` covers one by one.
    ///
    /// *Shapes*: resid_pre `[rows, d_model]`.
    pub(crate) fn project(
        &self,
        shape: &BlockShape,
        resid_pre: &Tensor,
        rotary: Option<&RotaryTable>,
        way: Way,
    ) -> Result<Projected, EngineError> {
        let d_head = shape.attention.d_head;
        let d_q = shape.attention.n_heads * d_head;
        let d_kv = shape.attention.n_key_value_heads * d_head;
        let qkv = self.qkv.forward(&self.norm_attn.forward(resid_pre, way)?)?;
        let turned = |start, width, norm: &Option<Norm>| -> Result<Tensor, EngineError> {
            let mut x = qkv.narrow(D::Minus1, start, width)?;
            if let Some(norm) = norm {
                x = per_head(&x, d_head, |x| norm.forward(x, way))?;
            }
            rotary.map_or(Ok(x.clone()), |rotary| rotary.turn(&x, d_head, Turn::Forward, way))
        };
        let q = turned(0, d_q, &self.q_norm)?;
        let k = turned(d_q, d_kv, &self.k_norm)?;
        let v = qkv.narrow(D::Minus1, d_q + d_kv, d_kv)?;
        Ok(Projected { qkv, q, k, v })
    }

    /// Attention's output before and after its post norm.
    ///
    /// *Shapes*: z `[rows, n_heads * d_head]` -> `[rows, d_model]` twice.
    pub(crate) fn attn_out(&self, z: &Tensor, way: Way) -> Result<(Tensor, Tensor), EngineError> {
        with_norm(self.w_o.forward(z)?, self.post_attn_norm.as_ref(), way)
    }

    /// What goes into the MLP's non-linearity.
    ///
    /// *Shapes*: resid_mid `[rows, d_model]` -> `[rows, d_mlp]` or, gated, twice as wide.
    pub(crate) fn mlp_in(&self, resid_mid: &Tensor, way: Way) -> Result<Tensor, EngineError> {
        self.mlp_in.forward(&self.norm_mlp.forward(resid_mid, way)?)
    }

    /// The MLP's output before and after its post norm.
    ///
    /// *Shapes*: post `[rows, d_mlp]` -> `[rows, d_model]` twice.
    pub(crate) fn mlp_out(&self, post: &Tensor, way: Way) -> Result<(Tensor, Tensor), EngineError> {
        with_norm(self.w_out.forward(post)?, self.post_mlp_norm.as_ref(), way)
    }
}

/// What attention reads of some rows.
pub(crate) struct Projected {
    /// All three before norms and positions, side by side.
    pub(crate) qkv: Tensor,
    /// `[rows, n_heads * d_head]` as they meet the keys.
    pub(crate) q: Tensor,
    /// `[rows, n_key_value_heads * d_head]` as they meet the queries.
    pub(crate) k: Tensor,
    /// `[rows, n_key_value_heads * d_head]`
    pub(crate) v: Tensor,
}

fn with_norm(raw: Tensor, norm: Option<&Norm>, way: Way) -> Result<(Tensor, Tensor), EngineError> {
    let normed = match norm {
        Some(norm) => norm.forward(&raw, way)?,
        None => raw.clone(),
    };
    Ok((raw, normed))
}

/// Applies `f` to every head as a row of its own: `[pos, heads * d_head]` -> the same.
pub(crate) fn per_head(
    x: &Tensor,
    d_head: usize,
    f: impl FnOnce(&Tensor) -> Result<Tensor, EngineError>,
) -> Result<Tensor, EngineError> {
    let (n_pos, width) = x.dims2()?;
    let rows = x.contiguous()?.reshape((n_pos * (width / d_head), d_head))?;
    Ok(f(&rows)?.reshape((n_pos, width))?)
}
