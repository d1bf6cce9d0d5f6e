//! Shares of parts in their whole, exact: attention per head and source, MLP, neurons. candle ends here.

use crate::{kernels::proximity::Whole, vocabulary::rows_tensor};
use candle_core::Tensor;
use limpid_engine::{
    attention::{AttentionShape, pattern_rows},
    error::EngineError,
    kernels::vectorized,
    mlp::post,
    model::Model,
    pos_tensor::{HostRows, PosTensor, to_host},
    trace::{LayerTrace, Trace},
};
use rayon::prelude::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::ops::Range;

/// Attention's shares at some positions of a layer.
#[derive(Clone, Debug, Default)]
pub struct AttentionShares {
    attn: Vec<f32>,
    resid: Vec<f32>,
}

impl AttentionShares {
    /// `[pos, key_pos, head]` over the asked positions and all keys; 0 for later keys.
    pub fn attn(&self) -> &[f32] {
        &self.attn
    }

    /// `[pos]`, the share of `resid_pre`.
    pub fn resid(&self) -> &[f32] {
        &self.resid
    }
}

/// The MLP's shares at some positions of a layer.
#[derive(Clone, Debug, Default)]
pub struct MlpShares {
    mlp: Vec<f32>,
    resid: Vec<f32>,
}

impl MlpShares {
    /// `[pos]`, the share of `mlp_out`.
    pub fn mlp(&self) -> &[f32] {
        &self.mlp
    }

    /// `[pos]`, the share of `resid_mid`.
    pub fn resid(&self) -> &[f32] {
        &self.resid
    }
}

/// One layer's activations on the host, as the measure needs them.
pub(crate) struct LayerRows<'a> {
    pub(crate) resid_pre: HostRows<'a>,
    pub(crate) resid_mid: HostRows<'a>,
    pub(crate) mlp_out: HostRows<'a>,
    attn_factor: Option<Vec<f32>>,
}

impl<'a> LayerRows<'a> {
    pub(crate) fn new(
        model: &Model,
        layer: usize,
        of: &'a LayerTrace,
    ) -> Result<Self, EngineError> {
        let factor = match &model.blocks[layer].post_attn_norm {
            Some(norm) => Some(to_host(&norm.frozen_factor(&of.attn_raw.tensor()?)?)?),
            None => None,
        };
        Ok(Self {
            resid_pre: of.resid_pre.host()?,
            resid_mid: of.resid_mid.host()?,
            mlp_out: of.mlp_out.host()?,
            attn_factor: factor,
        })
    }

    /// `sign(y) * factor` of attention's wholes, `[pos, d_model]` on the model's device.
    pub(crate) fn signs(
        &self,
        positions: Range<usize>,
        model: &Model,
    ) -> Result<Tensor, EngineError> {
        let signs = positions.map(|pos| self.attention_whole(pos).0.into_signs());
        rows_tensor(model, &signs.collect::<Vec<_>>())
    }

    /// The whole of attention at a position.
    pub(crate) fn attention_whole(&self, pos: usize) -> (Whole, Whole) {
        let y = self.resid_mid.row(pos);
        let d = y.len();
        let factor = self.attn_factor.as_ref().map(|factor| &factor[pos * d..(pos + 1) * d]);
        (Whole::new(y, factor), Whole::new(y, None))
    }
}

/// `v[s] W_O[h]` for all sources below `n_keys`: `[key_pos, d_model]`, on the host.
pub(crate) fn head_values(
    model: &Model,
    layer: usize,
    v: &PosTensor,
    head: usize,
    n_keys: usize,
) -> Result<Vec<f32>, EngineError> {
    to_host(&head_values_tensor(model, layer, v, head, n_keys)?)
}

/// The same where it was computed.
pub(crate) fn head_values_tensor(
    model: &Model,
    layer: usize,
    v: &PosTensor,
    head: usize,
    n_keys: usize,
) -> Result<Tensor, EngineError> {
    let spec = &model.spec;
    let d = spec.d_head;
    let kv = head / spec.group_size();
    let v = v.narrow(0, n_keys)?.columns(kv * d, d)?.tensor()?;
    model.blocks[layer].w_o.forward_inputs(&v, head * d..(head + 1) * d)
}

/// Pattern of every head at some positions: `[head][position of the list][key_pos]`, keys up to the last position.
pub(crate) fn patterns_at(
    model: &Model,
    layer: usize,
    of: &LayerTrace,
    positions: &[usize],
) -> Result<Patterns, EngineError> {
    let n_keys = positions.iter().max().map_or(0, |p| p + 1);
    let k = of.k.narrow(0, n_keys)?.tensor()?;
    let shape = model.block_shape(layer).attention;
    let n_heads = shape.n_heads;
    let mut rows = vec![0f32; n_heads * positions.len() * n_keys];
    let mut start = 0;
    while start < positions.len() {
        // Positions that stand close together are computed as one run.
        let mut end = start + 1;
        while end < positions.len() && positions[end] - positions[end - 1] <= RUN_GAP {
            end += 1;
        }
        let (first, last) = (positions[start], positions[end - 1]);
        let q = of.q.narrow(first, last + 1 - first)?.tensor()?;
        let shape = AttentionShape { first_query: first, ..shape };
        let run = to_host(&pattern_rows(&q, &k, &shape, model.compute.way)?)?;
        let n_run = last + 1 - first;
        for head in 0..n_heads {
            for (index, position) in positions.iter().enumerate().take(end).skip(start) {
                let from = (head * n_run + position - first) * n_keys;
                let to = (head * positions.len() + index) * n_keys;
                rows[to..to + n_keys].copy_from_slice(&run[from..from + n_keys]);
            }
        }
        start = end;
    }
    Ok(Patterns { rows, n_positions: positions.len(), n_keys })
}

/// Runs of positions are computed together when no gap is longer.
const RUN_GAP: usize = 8;

/// Pattern rows of all heads at a list of positions.
pub(crate) struct Patterns {
    rows: Vec<f32>,
    n_positions: usize,
    n_keys: usize,
}

impl Patterns {
    /// Row of a head at the position with this index in the list.
    pub(crate) fn row(&self, head: usize, index: usize) -> &[f32] {
        &self.rows[(head * self.n_positions + index) * self.n_keys..][..self.n_keys]
    }
}

/// Shares of attention at some positions, exact.
///
/// *Shapes*: as [`AttentionShares`]. *Cost*: per position `n_heads * key_pos * d_model`, one head's values in memory at a time.
///
/// # Errors
/// The device refused.
pub fn attention_contributions(
    model: &Model,
    trace: &Trace,
    layer: usize,
    positions: &[usize],
) -> Result<AttentionShares, EngineError> {
    let of = trace.layer(layer, model)?;
    let rows = LayerRows::new(model, layer, &of)?;
    let (n_heads, n_all) = (model.spec.n_heads, trace.n_tokens());
    let mut shares = AttentionShares {
        attn: vec![0.0; positions.len() * n_all * n_heads],
        resid: vec![0.0; positions.len()],
    };
    let Some(last) = positions.iter().max() else { return Ok(shares) };
    let n_keys = last + 1;
    let values: Vec<Vec<f32>> = (0..n_heads)
        .map(|head| head_values(model, layer, &of.v, head, n_keys))
        .collect::<Result<_, _>>()?;
    // A block of rows at a time: patterns of a whole prompt are never in memory.
    for (block, chunk) in positions.chunks(BLOCK).enumerate() {
        let patterns = patterns_at(model, layer, &of, chunk)?;
        let done: Vec<(Vec<f32>, f32)> = (0..chunk.len())
            .into_par_iter()
            .map(|index| exact_at(&rows, &values, &patterns, index, chunk[index], n_all))
            .collect();
        for (index, (attn, resid)) in done.into_iter().enumerate() {
            let row = block * BLOCK + index;
            shares.attn[row * n_all * n_heads..][..attn.len()].copy_from_slice(&attn);
            shares.resid[row] = resid;
        }
    }
    Ok(shares)
}

/// Positions whose patterns are in memory at once.
const BLOCK: usize = 64;

/// Shares at one position: `[key_pos, head]` and the residual's.
fn exact_at(
    rows: &LayerRows<'_>,
    values: &[Vec<f32>],
    patterns: &Patterns,
    index: usize,
    pos: usize,
    n_all: usize,
) -> (Vec<f32>, f32) {
    let (whole, whole_resid) = rows.attention_whole(pos);
    let (n_heads, d) = (values.len(), rows.resid_pre.n_cols());
    let mut raw = vec![0f64; (pos + 1) * n_heads];
    let resid = vectorized(
        #[inline(always)]
        || {
            for (head, values) in values.iter().enumerate() {
                let pattern = &patterns.row(head, index)[..=pos];
                for (key, (weight, part)) in pattern.iter().zip(values.chunks_exact(d)).enumerate()
                {
                    raw[key * n_heads + head] = whole.raw(part, *weight);
                }
            }
            whole_resid.raw(rows.resid_pre.row(pos), 1.0)
        },
    );
    let total: f64 = raw.iter().sum::<f64>() + resid;
    let mut attn = vec![0f32; n_all * n_heads];
    for (share, raw) in attn.iter_mut().zip(&raw) {
        *share = (raw / total) as f32;
    }
    (attn, (resid / total) as f32)
}

/// Shares of MLP and residual at some positions.
///
/// *Shapes*: as [`MlpShares`]. *Cost*: `2 d_model` a position.
///
/// # Errors
/// The device refused.
pub fn mlp_contributions(
    model: &Model,
    trace: &Trace,
    layer: usize,
    positions: &[usize],
) -> Result<MlpShares, EngineError> {
    let of = trace.layer(layer, model)?;
    let (mid, mlp) = (of.resid_mid.host()?, of.mlp_out.host()?);
    let whole = trace.resid_after(layer + 1).host()?;
    let pairs: Vec<(f32, f32)> = positions
        .par_iter()
        .map(|&pos| mlp_pair(whole.row(pos), mlp.row(pos), mid.row(pos)))
        .collect();
    let (mlp, resid) = pairs.into_iter().unzip();
    Ok(MlpShares { mlp, resid })
}

/// Shares of MLP and residual at one position.
pub(crate) fn mlp_pair(whole: &[f32], mlp: &[f32], mid: &[f32]) -> (f32, f32) {
    let whole = Whole::new(whole, None);
    let (mlp, mid) = vectorized(
        #[inline(always)]
        || (whole.raw(mlp, 1.0), whole.raw(mid, 1.0)),
    );
    ((mlp / (mlp + mid)) as f32, (mid / (mlp + mid)) as f32)
}

/// Neurons' shares at one position of a layer, and the residual's.
#[derive(Clone, Debug)]
pub struct NeuronShares {
    /// `[d_mlp]`
    pub neurons: Vec<f32>,
    /// The share of `resid_mid`.
    pub resid: f32,
    /// `[d_mlp]`, the neuron vector itself.
    pub activations: Vec<f32>,
}

/// Shares of every neuron in `resid_post` at one position.
///
/// *Cost*: `5 d_mlp d_model` operations, each output weight read once.
///
/// # Errors
/// The device refused; stored weights cannot be read.
pub fn neuron_contributions(
    model: &Model,
    trace: &Trace,
    layer: usize,
    pos: usize,
) -> Result<NeuronShares, EngineError> {
    let of = trace.layer(layer, model)?;
    let block = &model.blocks[layer];
    let shape = model.block_shape(layer).mlp;
    let mlp_in = of.mlp_in.narrow(pos, 1)?.tensor()?;
    let activations = to_host(&post(&mlp_in, shape, model.compute.way)?)?;
    let factor = match &block.post_mlp_norm {
        Some(norm) => Some(to_host(&norm.frozen_factor(&of.mlp_raw.narrow(pos, 1)?.tensor()?)?)?),
        None => None,
    };
    let whole_row = trace.resid_after(layer + 1).narrow(pos, 1)?;
    let whole_row = whole_row.host()?;
    let whole = Whole::new(whole_row.row(0), factor.as_deref());
    let mut sums = vec![[0f32; 16]; activations.len()];
    block.w_out.visit_panels(|first, width, panel| {
        vectorized(
            #[inline(always)]
            || whole.add_panel(first, width, panel, &activations, &mut sums),
        );
    })?;
    let mid = of.resid_mid.narrow(pos, 1)?;
    let resid = Whole::new(whole_row.row(0), None).raw(mid.host()?.row(0), 1.0);
    let raw: Vec<f64> = sums
        .iter()
        .map(|lanes| {
            lanes
                .iter()
                .map(|&lane| f64::from(lane))
                .sum::<f64>()
                .max(crate::kernels::proximity::FLOOR)
        })
        .collect();
    let total: f64 = raw.iter().sum::<f64>() + resid;
    Ok(NeuronShares {
        neurons: raw.into_iter().map(|raw| (raw / total) as f32).collect(),
        resid: (resid / total) as f32,
        activations,
    })
}
