//! Grows the route graph from a target downwards, a layer at a time: contributions are computed only for nodes that carry
//! flow, and only for parts that can matter.

use crate::{
    contributions::{LayerRows, Patterns, head_values, mlp_pair, patterns_at},
    kernels::proximity::FLOOR,
    route_graph::{Edge, EdgeKind, NodeId, NodeKind, RouteGraph},
};
use limpid_engine::{
    cancel::CancelToken, error::EngineError, kernels::vectorized, model::Model, trace::Trace,
};
use rayon::prelude::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeMap;

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
    /// (source, head, share)
    attn: Vec<(usize, usize, f32)>,
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
    let target = NodeId { layer: n_layers - 1, kind: NodeKind::ResidPost, position };
    let mut graph = RouteGraph {
        target,
        edges: Vec::new(),
        flows: BTreeMap::from([(target, 1.0)]),
        head_flows: vec![vec![0.0; model.spec.n_heads]; n_layers],
        lost: 0.0,
    };
    // Flow at the residual above the current layer, by position.
    let mut above = BTreeMap::from([(position, 1.0f32)]);
    for layer in (0..n_layers).rev() {
        cancel.check()?;
        above = grow_layer(model, trace, layer, growth, above, &mut graph)?;
    }
    Ok(graph)
}

fn grow_layer(
    model: &Model,
    trace: &Trace,
    layer: usize,
    growth: Growth,
    above: BTreeMap<usize, f32>,
    graph: &mut RouteGraph,
) -> Result<BTreeMap<usize, f32>, EngineError> {
    let of = trace.layer(layer, model)?;
    let rows = LayerRows::new(model, layer, &of)?;
    let whole = trace.resid_after(layer + 1).host()?;
    let node = |kind, position| NodeId { layer, kind, position };
    let below = |position| match layer {
        0 => NodeId { layer: 0, kind: NodeKind::Embed, position },
        _ => NodeId { layer: layer - 1, kind: NodeKind::ResidPost, position },
    };

    let mut middle: Vec<(usize, f32)> = Vec::new();
    for (position, flow) in above {
        if growth == Growth::Flow && flow < MIN_FLOW {
            graph.lost += flow;
            continue;
        }
        let pair =
            mlp_pair(whole.row(position), rows.mlp_out.row(position), rows.resid_mid.row(position));
        let (mlp, resid) = match growth {
            Growth::Flow => pair,
            Growth::Threshold(tau) => renormalised_pair(pair, tau),
        };
        let (post, mid, mlp_node) = (
            node(NodeKind::ResidPost, position),
            node(NodeKind::ResidMid, position),
            node(NodeKind::Mlp, position),
        );
        let mut flow_mid = 0.0;
        let mut edge = |from, to, kind, contribution: f32, flow: f32| {
            if contribution > 0.0 {
                graph.edges.push(Edge { from, to, kind, contribution, flow, heads: Vec::new() });
            }
        };
        edge(mid, post, EdgeKind::Residual, resid, flow * resid);
        edge(mlp_node, post, EdgeKind::MlpOut, mlp, flow * mlp);
        edge(mid, mlp_node, EdgeKind::MlpIn, mlp, flow * mlp);
        flow_mid += flow * (resid + mlp);
        if flow_mid > 0.0 {
            graph.flows.insert(mid, flow_mid);
            if mlp > 0.0 {
                graph.flows.insert(mlp_node, flow * mlp);
            }
            middle.push((position, flow_mid));
        }
    }

    let positions: Vec<usize> = middle.iter().map(|(position, _)| *position).collect();
    let shares = node_shares(model, layer, &of, &rows, &positions, growth)?;
    let mut next: BTreeMap<usize, f32> = BTreeMap::new();
    for ((position, flow), shares) in middle.into_iter().zip(shares) {
        let mid = node(NodeKind::ResidMid, position);
        graph.lost += flow * shares.skipped;
        let mut pass = |source: usize, kind, contribution: f32, heads| {
            *next.entry(source).or_default() += flow * contribution;
            let (from, to) = (below(source), mid);
            graph.edges.push(Edge {
                from,
                to,
                kind,
                contribution,
                flow: flow * contribution,
                heads,
            });
        };
        if shares.resid > 0.0 {
            pass(position, EdgeKind::Residual, shares.resid, Vec::new());
        }
        for by_source in shares.attn.chunk_by(|a, b| a.0 == b.0) {
            let mut heads: Vec<(usize, f32)> =
                by_source.iter().map(|(_, head, share)| (*head, *share)).collect();
            heads.sort_by(|a, b| b.1.total_cmp(&a.1));
            let contribution = heads.iter().map(|(_, share)| share).sum();
            pass(by_source[0].0, EdgeKind::Attention, contribution, heads);
        }
        for (_, head, share) in &shares.attn {
            graph.head_flows[layer][*head] += flow * share;
        }
    }
    for (position, flow) in &next {
        graph.flows.insert(below(*position), *flow);
    }
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
    let mut bounds: Vec<(f32, usize, usize)> = Vec::with_capacity(n_heads * (position + 1));
    for (head, sizes) in sizes.iter().enumerate() {
        let pattern = &patterns.row(head, index)[..=position];
        for (key, (weight, size)) in pattern.iter().zip(sizes).enumerate() {
            bounds.push((weight * size * scale, key, head));
        }
    }
    let resid = vectorized(
        #[inline(always)]
        || whole_resid.raw(rows.resid_pre.row(position), 1.0),
    );
    // The whole is at least the residual's part, so a share of that is a share of the whole.
    let allowed = (SKIPPED_SHARE * resid) as f32;
    let n_parts = bounds.len();
    let kept = keep_above(bounds, allowed);
    let n_skipped = n_parts - kept.parts.len();
    let mut raws: Vec<(usize, usize, f64)> = vectorized(
        #[inline(always)]
        || {
            let raw = |(_, key, head): &(f32, usize, usize)| {
                let part = &values[*head][key * d_model..(key + 1) * d_model];
                (*key, *head, whole.raw(part, patterns.row(*head, index)[*key]))
            };
            kept.parts.iter().map(raw).collect()
        },
    );
    raws.sort_unstable_by_key(|(key, head, _)| (*key, *head));
    let floor = n_skipped as f64 * FLOOR;
    let total = raws.iter().map(|(.., raw)| raw).sum::<f64>() + resid + floor;
    NodeShares {
        attn: raws.into_iter().map(|(key, head, raw)| (key, head, (raw / total) as f32)).collect(),
        resid: (resid / total) as f32,
        skipped: (f64::from(kept.skipped).max(floor) / total) as f32,
    }
}

struct KeptParts {
    parts: Vec<(f32, usize, usize)>,
    skipped: f32,
}

/// Drops the smallest bounds while their sum is allowed.
fn keep_above(mut bounds: Vec<(f32, usize, usize)>, allowed: f32) -> KeptParts {
    // Most parts are tiny: those below their even share of what is allowed go without sorting.
    let even = allowed / (2.0 * bounds.len().max(1) as f32);
    let mut skipped = 0.0;
    bounds.retain(|(bound, ..)| {
        let keep = *bound > even;
        if !keep {
            skipped += bound;
        }
        keep
    });
    bounds.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut n_small = 0;
    for (bound, ..) in &bounds {
        if skipped + bound > allowed {
            break;
        }
        skipped += bound;
        n_small += 1;
    }
    bounds.drain(..n_small);
    KeptParts { parts: bounds, skipped }
}

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
    let mut raws: Vec<(usize, usize, f64)> = Vec::with_capacity((position + 1) * values.len());
    let resid = vectorized(
        #[inline(always)]
        || {
            for key in 0..=position {
                for (head, values) in values.iter().enumerate() {
                    let part = &values[key * d_model..(key + 1) * d_model];
                    raws.push((key, head, whole.raw(part, patterns.row(head, index)[key])));
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
