//! Grows the route graph from a target downwards, a layer at a time: contributions are computed only for nodes that carry
//! flow, and only for parts that can matter.

use crate::{
    contributions::{LayerRows, Patterns, head_values, mlp_pair, patterns_at},
    kernels::proximity::FLOOR,
    route_graph::{LayerRoutes, NodeId, NodeKind, NodeRoutes, RouteGraph, SourceShare},
};
use limpid_engine::{
    cancel::CancelToken, error::EngineError, kernels::vectorized, model::Model, trace::Trace,
};
use rayon::prelude::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};

/// Nodes with less flow are not expanded.
const MIN_FLOW: f32 = 1e-4;
/// Share of a node's parts that may be skipped because they are bounded to be small.
const SKIPPED_SHARE: f64 = 1e-3;

/// How the graph is grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growth {
    /// Every part that can matter, shares as they are.
    Flow,
    /// The published tool's rule: parts at or below the threshold are dropped, the rest renormalised; exact contributions.
    Threshold(f32),
}

/// Shares of one node's attention parts.
struct NodeShares {
    /// (source, head, share), by source.
    attn: Vec<(u32, u32, f32)>,
    resid: f32,
    skipped: f32,
}

/// Grows the graph of the residual at the top of `position`.
///
/// *Cost*: per layer one product of the values with the output projection, and five operations a dimension for each part
/// that is looked at.
///
/// # Errors
/// Cancelled; the device refused.
pub fn grow(
    model: &Model,
    trace: &Trace,
    position: usize,
    growth: Growth,
    cancel: &CancelToken,
) -> Result<RouteGraph, EngineError> {
    let n_layers = model.spec.n_layers;
    let mut graph = RouteGraph {
        target: NodeId { layer: n_layers - 1, kind: NodeKind::ResidPost, position },
        layers: vec![LayerRoutes::default(); n_layers],
        embed_flows: Vec::new(),
        head_flows: vec![vec![0.0; model.spec.n_heads]; n_layers],
        lost: 0.0,
    };
    // Flow at the residual above the current layer, by position.
    let mut above = vec![0f32; position + 1];
    above[position] = 1.0;
    for layer in (0..n_layers).rev() {
        cancel.check()?;
        above = grow_layer(model, trace, layer, growth, &above, &mut graph)?;
    }
    above.resize(trace.n_tokens(), 0.0);
    graph.embed_flows = above;
    Ok(graph)
}

fn grow_layer(
    model: &Model,
    trace: &Trace,
    layer: usize,
    growth: Growth,
    above: &[f32],
    graph: &mut RouteGraph,
) -> Result<Vec<f32>, EngineError> {
    let of = trace.layer(layer, model)?;
    let rows = LayerRows::new(model, layer, &of)?;
    let whole = trace.resid_after(layer + 1).host()?;
    let mut nodes: Vec<NodeRoutes> = Vec::new();
    for (position, &flow) in above.iter().enumerate().filter(|(_, flow)| **flow > 0.0) {
        if growth == Growth::Flow && flow < MIN_FLOW {
            graph.lost += flow;
            continue;
        }
        let pair =
            mlp_pair(whole.row(position), rows.mlp_out.row(position), rows.resid_mid.row(position));
        let (mlp, mlp_resid) = match growth {
            Growth::Flow => pair,
            Growth::Threshold(tau) => renormalised_pair(pair, tau),
        };
        nodes.push(NodeRoutes { position, flow, mlp, mlp_resid, resid: 0.0, sources: 0..0 });
    }
    let positions: Vec<usize> =
        nodes.iter().filter(|node| node.flow_mid() > 0.0).map(|node| node.position).collect();
    let shares = node_shares(model, layer, &of, &rows, &positions, growth)?;
    let mut next = vec![0f32; above.len()];
    let mut routes = LayerRoutes::default();
    let expanded = nodes.iter_mut().filter(|node| node.flow_mid() > 0.0);
    for (node, shares) in expanded.zip(shares) {
        let flow = node.flow_mid();
        graph.lost += flow * shares.skipped;
        node.resid = shares.resid;
        next[node.position] += flow * shares.resid;
        let first = routes.sources.len();
        for by_source in shares.attn.chunk_by(|a, b| a.0 == b.0) {
            let first_head = routes.heads.len();
            routes.heads.extend(by_source.iter().map(|(_, head, share)| (*head, *share)));
            routes.heads[first_head..].sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
            let position = by_source[0].0 as usize;
            let share: f32 = by_source.iter().map(|(.., share)| share).sum();
            next[position] += flow * share;
            let heads = first_head..routes.heads.len();
            routes.sources.push(SourceShare { position, share, heads });
        }
        routes.sources[first..].sort_unstable_by(|a, b| b.share.total_cmp(&a.share));
        node.sources = first..routes.sources.len();
        for (_, head, share) in &shares.attn {
            graph.head_flows[layer][*head as usize] += flow * share;
        }
    }
    routes.nodes = nodes;
    graph.layers[layer] = routes;
    Ok(next)
}

fn renormalised_pair((mlp, resid): (f32, f32), tau: f32) -> (f32, f32) {
    let keep = |share: f32| if share > tau { share } else { 0.0 };
    let (mlp, resid) = (keep(mlp), keep(resid));
    let sum = mlp + resid;
    if sum > 0.0 { (mlp / sum, resid / sum) } else { (0.0, 0.0) }
}

fn node_shares(
    model: &Model,
    layer: usize,
    of: &limpid_engine::trace::LayerTrace,
    rows: &LayerRows<'_>,
    positions: &[usize],
    growth: Growth,
) -> Result<Vec<NodeShares>, EngineError> {
    let Some(last) = positions.iter().max() else { return Ok(Vec::new()) };
    let (n_keys, n_heads) = (last + 1, model.spec.n_heads);
    let d_model = model.spec.d_model;
    let patterns = patterns_at(model, layer, of, positions)?;
    let values: Vec<Vec<f32>> = (0..n_heads)
        .map(|head| head_values(model, layer, &of.v, head, n_keys))
        .collect::<Result<_, _>>()?;
    let sizes: Vec<Vec<f32>> = values
        .par_iter()
        .map(|values| {
            vectorized(
                #[inline(always)]
                || values.chunks_exact(d_model).map(l1).collect(),
            )
        })
        .collect();
    let shares = (0..positions.len())
        .into_par_iter()
        .map(|index| match growth {
            Growth::Flow => bounded(rows, &values, &sizes, &patterns, index, positions[index]),
            Growth::Threshold(tau) => {
                thresholded(rows, &values, &patterns, index, positions[index], tau)
            }
        })
        .collect();
    Ok(shares)
}

#[inline(always)]
fn l1(row: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for lane in 0..16 {
            lanes[lane] += chunk[lane].abs();
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|x| x.abs()).sum::<f32>()
}

/// Shares of the parts that can matter. A part's raw share is at most `A |v W_O|_1` (times the largest factor of a post
/// norm), so the smallest bounds that sum to a thousandth of the residual's own share are skipped.
fn bounded(
    rows: &LayerRows<'_>,
    values: &[Vec<f32>],
    sizes: &[Vec<f32>],
    patterns: &Patterns,
    index: usize,
    position: usize,
) -> NodeShares {
    let (whole, whole_resid) = rows.attention_whole(position);
    let d_model = rows.resid_pre.n_cols();
    let n_heads = values.len();
    let scale = whole.largest_factor();
    let resid = vectorized(
        #[inline(always)]
        || whole_resid.raw(rows.resid_pre.row(position), 1.0),
    );
    // The whole is at least the residual's part, so a share of that is a share of the whole.
    let allowed = (SKIPPED_SHARE * resid) as f32 / scale.max(f32::MIN_POSITIVE);
    let (kept, skipped) = vectorized(
        #[inline(always)]
        || kept_parts(sizes, patterns, index, position, allowed),
    );
    let n_skipped = n_heads * (position + 1) - kept.len();
    let mut raws: Vec<(u32, u32, f64)> = vectorized(
        #[inline(always)]
        || {
            let mut raws = Vec::with_capacity(kept.len());
            for &(key, head, weight) in &kept {
                let values = &values[head as usize][key as usize * d_model..];
                raws.push((key, head, whole.raw(&values[..d_model], weight)));
            }
            raws
        },
    );
    raws.sort_unstable_by_key(|(key, ..)| *key);
    let floor = n_skipped as f64 * FLOOR;
    let total = raws.iter().map(|(.., raw)| raw).sum::<f64>() + resid + floor;
    NodeShares {
        attn: raws.into_iter().map(|(key, head, raw)| (key, head, (raw / total) as f32)).collect(),
        resid: (resid / total) as f32,
        skipped: (f64::from(skipped * scale).max(floor) / total) as f32,
    }
}

/// Parts whose bounds are too large to skip, as (source, head, pattern weight), and the sum of the skipped bounds. Each
/// round shares out what is left of the allowance evenly over the parts that are left, so no sorting is needed.
#[inline(always)]
fn kept_parts(
    sizes: &[Vec<f32>],
    patterns: &Patterns,
    index: usize,
    position: usize,
    allowed: f32,
) -> (Vec<(u32, u32, f32)>, f32) {
    let n_parts = sizes.len() * (position + 1);
    let mut cut = allowed / n_parts as f32;
    let mut skipped = 0f32;
    let mut n_skipped = 0usize;
    for _ in 0..CUT_ROUNDS {
        (skipped, n_skipped) = (0.0, 0);
        for (head, sizes) in sizes.iter().enumerate() {
            let pattern = &patterns.row(head, index)[..=position];
            for (weight, size) in pattern.iter().zip(sizes) {
                let bound = weight * size;
                let is_small = bound <= cut;
                skipped += if is_small { bound } else { 0.0 };
                n_skipped += usize::from(is_small);
            }
        }
        let left = (n_parts - n_skipped).max(1);
        cut += (allowed - skipped).max(0.0) / left as f32;
    }
    // The last cut was never summed; the one before it was, and was allowed.
    let last = cut;
    let mut sum = 0f32;
    let mut kept = Vec::with_capacity(n_parts - n_skipped);
    for (head, sizes) in sizes.iter().enumerate() {
        let pattern = &patterns.row(head, index)[..=position];
        for (key, (weight, size)) in pattern.iter().zip(sizes).enumerate() {
            let bound = weight * size;
            if bound <= last {
                sum += bound;
            } else {
                kept.push((key as u32, head as u32, *weight));
            }
        }
    }
    (kept, sum.max(skipped))
}

/// Rounds in which the cut below which parts are skipped is raised.
const CUT_ROUNDS: usize = 3;

/// Exact shares, those at or below the threshold dropped, the rest renormalised.
fn thresholded(
    rows: &LayerRows<'_>,
    values: &[Vec<f32>],
    patterns: &Patterns,
    index: usize,
    position: usize,
    tau: f32,
) -> NodeShares {
    let (whole, whole_resid) = rows.attention_whole(position);
    let d_model = rows.resid_pre.n_cols();
    let mut raws: Vec<(u32, u32, f64)> = Vec::with_capacity((position + 1) * values.len());
    let resid = vectorized(
        #[inline(always)]
        || {
            for key in 0..=position {
                for (head, values) in values.iter().enumerate() {
                    let part = &values[key * d_model..(key + 1) * d_model];
                    raws.push((
                        key as u32,
                        head as u32,
                        whole.raw(part, patterns.row(head, index)[key]),
                    ));
                }
            }
            whole_resid.raw(rows.resid_pre.row(position), 1.0)
        },
    );
    let total = raws.iter().map(|(.., raw)| raw).sum::<f64>() + resid;
    raws.retain(|(.., raw)| raw / total > f64::from(tau));
    let resid = if resid / total > f64::from(tau) { resid } else { 0.0 };
    let left = raws.iter().map(|(.., raw)| raw).sum::<f64>() + resid;
    // Where nothing passes, a node has no edges; it is never divided by zero.
    let share = |raw: f64| if left > 0.0 { (raw / left) as f32 } else { 0.0 };
    NodeShares {
        attn: raws.iter().map(|(key, head, raw)| (*key, *head, share(*raw))).collect(),
        resid: share(resid),
        skipped: 0.0,
    }
}
