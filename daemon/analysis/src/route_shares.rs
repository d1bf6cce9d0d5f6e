//! Shares of attention's parts at the nodes of a route graph: many nodes of a layer at once, parts that cannot matter
//! left out. Exact shares of a node that somebody asked for by name are in `contributions`.

use crate::{
    contributions::{LayerRows, head_values_tensor},
    kernels::{bends::Bends, proximity::FLOOR},
    route_graph::{NodeShares, SourceShare},
};
use limpid_engine::{
    attention::{AttentionShape, dot_rows, pattern_rows},
    error::EngineError,
    kernels::vectorized,
    model::Model,
    pos_tensor::{HostRows, PosTensor},
    trace::LayerTrace,
};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelRefIterator, ParallelExtend, ParallelIterator,
};

/// Share of a node that may be lost in parts that are left out.
const SKIPPED_SHARE: f32 = 5e-4;
/// Share of a node by which its parts together may be too large where a correction is bounded but not made.
const BENT_SHARE: f32 = 5e-4;
/// Above this many dimensions a part is looked at whole.
const FEW_DIMS: usize = 48;
/// Rounds in which the cut below which parts are left out is raised.
const CUT_ROUNDS: usize = 3;
/// Positions that are computed together.
const RUN: usize = 128;
/// A run ends where more positions than this carry no flow.
const GAP: usize = 8;

/// What every head writes from every source: `[head][key_pos, d_model]`.
struct Values<'a> {
    rows: Vec<HostRows<'a>>,
    /// The largest absolute value of each row, `[head][key_pos]`.
    sizes: Vec<Vec<f32>>,
}

/// A run of positions with their patterns and products.
struct RunRows<'a> {
    first: usize,
    n_rows: usize,
    /// `[head * n_rows + row][key_pos]`
    patterns: HostRows<'a>,
    /// Likewise: each source's value with the signs of the whole. Times the pattern, the linear part of a raw share.
    dots: HostRows<'a>,
}

/// Shares of attention and the residual at some positions, in ascending order; parts that sum to less than a thousandth
/// of the node are left out or not corrected.
///
/// *Cost*: two products with the output projection over the positions, two rows of products a head and position
/// (pattern, linear parts), and little more for each part that is not small.
///
/// # Errors
/// The device refused.
pub(crate) fn attention_shares(
    model: &Model,
    layer: usize,
    of: &LayerTrace,
    rows: &LayerRows<'_>,
    positions: &[usize],
) -> Result<Vec<NodeShares>, EngineError> {
    with_values(model, layer, of, rows, positions, |values, run, position| {
        vectorized(
            #[inline(always)]
            || node_shares(values, run, rows, position),
        )
    })
}

/// Exact shares, those at or below the threshold dropped, the rest renormalised.
///
/// *Cost*: five operations a dimension for each part.
///
/// # Errors
/// The device refused.
pub(crate) fn thresholded_shares(
    model: &Model,
    layer: usize,
    of: &LayerTrace,
    rows: &LayerRows<'_>,
    positions: &[usize],
    tau: f32,
) -> Result<Vec<NodeShares>, EngineError> {
    with_values(model, layer, of, rows, positions, |values, run, position| {
        vectorized(
            #[inline(always)]
            || thresholded(values, run, rows, position, tau),
        )
    })
}

fn with_values(
    model: &Model,
    layer: usize,
    of: &LayerTrace,
    rows: &LayerRows<'_>,
    positions: &[usize],
    shares: impl Fn(&Values<'_>, &RunRows<'_>, usize) -> NodeShares + Sync,
) -> Result<Vec<NodeShares>, EngineError> {
    let Some(last) = positions.last() else { return Ok(Vec::new()) };
    let values = (0..model.spec.n_heads)
        .map(|head| Ok(PosTensor::new(head_values_tensor(model, layer, &of.v, head, last + 1)?)))
        .collect::<Result<Vec<_>, EngineError>>()?;
    let values = values.iter().map(PosTensor::host).collect::<Result<Vec<_>, _>>()?;
    let sizes = values
        .par_iter()
        .map(|values| {
            vectorized(
                #[inline(always)]
                || (0..=*last).map(|key| largest(values.row(key))).collect(),
            )
        })
        .collect();
    let values = Values { rows: values, sizes };
    let mut out = Vec::with_capacity(positions.len());
    for run in runs(positions) {
        let (first, end) = (run[0], run[run.len() - 1] + 1);
        let n_rows = end - first;
        let shape = AttentionShape { first_query: first, ..model.block_shape(layer).attention };
        let (way, by_row) = (model.compute.way, (shape.n_heads * n_rows, end));
        let q = of.q.narrow(first, n_rows)?.tensor()?;
        let patterns = pattern_rows(&q, &of.k.narrow(0, end)?.tensor()?, &shape, way)?;
        let signs = rows.signs(first..end, model)?;
        let g = model.blocks[layer].w_o.transposed(&signs, 0..1)?;
        let dots = dot_rows(&g, &of.v.narrow(0, end)?.tensor()?, &shape, way)?;
        let patterns = PosTensor::new(patterns.reshape(by_row)?);
        let dots = PosTensor::new(dots.reshape(by_row)?);
        let of_run = RunRows { first, n_rows, patterns: patterns.host()?, dots: dots.host()? };
        let nodes = run.par_iter().with_min_len(4);
        out.par_extend(nodes.map(|&position| shares(&values, &of_run, position)));
    }
    Ok(out)
}

/// Positions that stand close together, [`RUN`] at most.
fn runs(positions: &[usize]) -> Vec<&[usize]> {
    let near = positions.chunk_by(|a, b| b - a <= GAP);
    near.flat_map(|run| run.chunks(RUN)).collect()
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if value.abs() > *lane { value.abs() } else { *lane };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(0.0, |max, value| if value.abs() > max { value.abs() } else { max })
}

#[inline(always)]
fn sum(values: impl Iterator<Item = f32>) -> f32 {
    values.sum()
}

#[inline(always)]
fn node_shares(
    values: &Values<'_>,
    run: &RunRows<'_>,
    rows: &LayerRows<'_>,
    position: usize,
) -> NodeShares {
    let (whole, whole_resid) = rows.attention_whole(position);
    let bends = Bends::new(whole.signs(), whole.twice());
    let resid = whole_resid.raw(rows.resid_pre.row(position), 1.0) as f32;
    let (n_heads, n_keys) = (values.rows.len(), position + 1);
    let n_parts = n_heads * n_keys;
    // The node is at least the residual's part, so a share of that is a share of the node.
    let straight = bends.size_within(BENT_SHARE * resid / n_parts as f32);
    let mut raws = vec![0f32; n_parts];
    let mut bent = vec![0u32; n_keys];
    let floor = FLOOR as f32;
    for (head, raws) in raws.chunks_exact_mut(n_keys).enumerate() {
        let row = head * run.n_rows + position - run.first;
        let (pattern, dots) = (&run.patterns.row(row)[..n_keys], &run.dots.row(row)[..n_keys]);
        let sizes = &values.sizes[head][..n_keys];
        let mut n_bent = 0;
        for (key, (weight, size)) in pattern.iter().zip(sizes).enumerate() {
            bent[n_bent] = key as u32;
            n_bent += usize::from(weight * size > straight);
        }
        for ((raw, weight), dot) in raws.iter_mut().zip(pattern).zip(dots) {
            *raw = weight * dot;
        }
        for &key in &bent[..n_bent] {
            let key = key as usize;
            let part = values.rows[head].row(key);
            let n_dims = bends.n_below(pattern[key] * sizes[key]);
            if n_dims > FEW_DIMS {
                raws[key] = whole.raw(part, pattern[key]) as f32;
            } else {
                raws[key] -= bends.correction(part, pattern[key], n_dims);
            }
        }
        for raw in raws {
            *raw = if *raw > floor { *raw } else { floor };
        }
    }
    let total = lane_sum(&raws, f32::INFINITY) + resid;
    let mut cut = SKIPPED_SHARE * total / n_parts as f32;
    for _ in 0..CUT_ROUNDS {
        let left = raws.iter().map(|raw| u32::from(*raw > cut)).sum::<u32>().max(1);
        // What is left of the allowance is shared out evenly over the parts that are left.
        cut = cut.max((SKIPPED_SHARE * total - lane_sum(&raws, cut)) / left as f32);
    }
    let skipped = lane_sum(&raws, cut);
    collect(
        &raws,
        n_heads,
        n_keys,
        cut,
        1.0 / total,
        NodeShares { resid: resid / total, skipped: skipped / total, ..NodeShares::default() },
    )
}

/// The sum of the values up to `cut`.
#[inline(always)]
fn lane_sum(values: &[f32], cut: f32) -> f32 {
    let mut lanes = [0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += if *value <= cut { *value } else { 0.0 };
        }
    }
    sum(lanes.into_iter()) + sum(rest.iter().copied().filter(|value| *value <= cut))
}

/// Fills in the parts above the cut, `[head][key_pos]`, source by source.
#[inline(always)]
fn collect(
    raws: &[f32],
    n_heads: usize,
    n_keys: usize,
    cut: f32,
    scale: f32,
    mut out: NodeShares,
) -> NodeShares {
    let n_kept = raws.iter().map(|raw| u32::from(*raw > cut)).sum::<u32>() as usize;
    // One more: an entry is written before it is known whether it stays.
    out.heads = vec![(0, 0.0); n_kept + 1];
    out.by_head = vec![0.0; n_heads];
    out.sources.reserve_exact(n_keys.min(n_kept));
    let mut end = 0;
    for key in 0..n_keys {
        let (start, mut share) = (end, 0f32);
        for head in 0..n_heads {
            let raw = raws[head * n_keys + key];
            let own = if raw > cut { raw * scale } else { 0.0 };
            out.heads[end] = (head as u32, own);
            out.by_head[head] += own;
            share += own;
            end += usize::from(raw > cut);
        }
        if end > start {
            out.sources.push(SourceShare { position: key as u32, share, heads_end: end as u32 });
        }
    }
    out.heads.truncate(n_kept);
    out
}

#[inline(always)]
fn thresholded(
    values: &Values<'_>,
    run: &RunRows<'_>,
    rows: &LayerRows<'_>,
    position: usize,
    tau: f32,
) -> NodeShares {
    let (whole, whole_resid) = rows.attention_whole(position);
    let (n_heads, n_keys) = (values.rows.len(), position + 1);
    let resid = whole_resid.raw(rows.resid_pre.row(position), 1.0);
    let mut exact: Vec<f64> = Vec::with_capacity(n_heads * n_keys);
    for (head, values) in values.rows.iter().enumerate() {
        let pattern = run.patterns.row(head * run.n_rows + position - run.first);
        let parts = pattern[..n_keys].iter().enumerate();
        exact.extend(parts.map(|(key, weight)| whole.raw(values.row(key), *weight)));
    }
    let total = exact.iter().sum::<f64>() + resid;
    let keep = |raw: f64| if raw / total > f64::from(tau) { raw } else { 0.0 };
    let left = exact.iter().map(|raw| keep(*raw)).sum::<f64>() + keep(resid);
    // Where nothing passes, a node has no edges; it is never divided by zero.
    let share = |raw: f64| if left > 0.0 { (keep(raw) / left) as f32 } else { 0.0 };
    let shares: Vec<f32> = exact.iter().map(|raw| share(*raw)).collect();
    let out = NodeShares { resid: share(resid), ..NodeShares::default() };
    collect(&shares, n_heads, n_keys, 0.0, 1.0, out)
}
