//! Grows the route graph from a target downwards, a layer at a time: contributions are computed only for nodes that carry
//! flow, and only for parts that can matter.

use crate::{
    contributions::{LayerRows, Patterns, head_values, mlp_pair, patterns_at},
    kernels::proximity::{FLOOR, Whole},
    route_graph::{LayerRoutes, NodeId, NodeKind, NodeRoutes, RouteGraph, SourceShare},
};
use limpid_engine::{
    cancel::CancelToken, error::EngineError, kernels::vectorized, model::Model, trace::Trace,
};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator,
    ParallelSlice,
};

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
    let layer_values = LayerValues { rows, values: &values, sizes: &sizes, patterns: &patterns };
    let shares = match growth {
        Growth::Flow => positions
            .par_chunks(CHUNK)
            .enumerate()
            .flat_map_iter(|(chunk, positions)| bounded(&layer_values, chunk * CHUNK, positions))
            .collect(),
        Growth::Threshold(tau) => (0..positions.len())
            .into_par_iter()
            .map(|index| thresholded(&layer_values, index, positions[index], tau))
            .collect(),
    };
    Ok(shares)
}

/// Positions that are looked at together, so that one head's values stay in the cache for all of them.
const CHUNK: usize = 16;

/// What one layer's shares are computed from.
struct LayerValues<'a> {
    rows: &'a LayerRows<'a>,
    /// `v W_O[h]` of each head: `[head][key_pos, d_model]`.
    values: &'a [Vec<f32>],
    /// Their L1 norms: `[head][key_pos]`.
    sizes: &'a [Vec<f32>],
    patterns: &'a Patterns,
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

/// One position's parts on the way to shares.
struct Pending {
    whole: Whole,
    resid: f64,
    skipped: f64,
    n_skipped: usize,
    /// Parts that are kept by head: (source, pattern weight).
    kept: Vec<Vec<(u32, f32)>>,
    /// `[key_pos, head]`, 0 where skipped.
    raws: Vec<f32>,
}

/// Shares of the parts that can matter, at some positions. A part's raw share is at most `A |v W_O|_1` (times the largest
/// factor of a post norm), so the smallest bounds that sum to a thousandth of the residual's own share are skipped.
fn bounded(layer: &LayerValues<'_>, first: usize, positions: &[usize]) -> Vec<NodeShares> {
    vectorized(
        #[inline(always)]
        || {
            let n_heads = layer.values.len();
            let d_model = layer.rows.resid_pre.n_cols();
            let mut pending: Vec<Pending> = Vec::with_capacity(positions.len());
            for (at, &position) in positions.iter().enumerate() {
                pending.push(pend(layer, first + at, position));
            }
            for (head, values) in layer.values.iter().enumerate() {
                for node in &mut pending {
                    for &(key, weight) in &node.kept[head] {
                        let part = &values[key as usize * d_model..][..d_model];
                        let raw = node.whole.raw(part, weight) as f32;
                        node.raws[key as usize * n_heads + head] = raw;
                    }
                }
            }
            pending.into_iter().map(|node| node.shares(n_heads)).collect()
        },
    )
}

/// Chooses which parts of a position are looked at. Each round shares out what is left of the allowance evenly over the
/// parts that are left, so no sorting is needed and the skipped bounds never sum to more than is allowed.
#[inline(always)]
fn pend(layer: &LayerValues<'_>, index: usize, position: usize) -> Pending {
    let (whole, whole_resid) = layer.rows.attention_whole(position);
    let scale = whole.largest_factor();
    let resid = whole_resid.raw(layer.rows.resid_pre.row(position), 1.0);
    // The whole is at least the residual's part, so a share of that is a share of the whole.
    let allowed = (SKIPPED_SHARE * resid) as f32 / scale.max(f32::MIN_POSITIVE);
    let n_heads = layer.values.len();
    let n_parts = n_heads * (position + 1);
    let mut cut = allowed / n_parts as f32;
    for _ in 0..CUT_ROUNDS {
        let (mut skipped, mut n_skipped) = (0f32, 0usize);
        for (head, sizes) in layer.sizes.iter().enumerate() {
            let pattern = &layer.patterns.row(head, index)[..=position];
            for (weight, size) in pattern.iter().zip(sizes) {
                let bound = weight * size;
                let is_small = bound <= cut;
                skipped += if is_small { bound } else { 0.0 };
                n_skipped += usize::from(is_small);
            }
        }
        let left = (n_parts - n_skipped).max(1);
        cut = cut.max((allowed - skipped) / left as f32);
    }
    let mut kept = Vec::with_capacity(n_heads);
    let (mut skipped, mut n_skipped) = (0f32, 0usize);
    for (head, sizes) in layer.sizes.iter().enumerate() {
        let pattern = &layer.patterns.row(head, index)[..=position];
        let mut own = Vec::with_capacity(position + 1);
        for (key, (weight, size)) in pattern.iter().zip(sizes).enumerate() {
            let bound = weight * size;
            if bound <= cut {
                skipped += bound;
                n_skipped += 1;
            } else {
                own.push((key as u32, *weight));
            }
        }
        kept.push(own);
    }
    let skipped = f64::from(skipped * scale);
    Pending { whole, resid, skipped, n_skipped, kept, raws: vec![0.0; n_parts] }
}

impl Pending {
    fn shares(self, n_heads: usize) -> NodeShares {
        let floor = self.n_skipped as f64 * FLOOR;
        let kept: f64 = self.raws.iter().map(|&raw| f64::from(raw)).sum();
        let total = kept + self.resid + floor;
        let mut attn = Vec::with_capacity(self.raws.len() - self.n_skipped);
        for (key, raws) in self.raws.chunks_exact(n_heads).enumerate() {
            for (head, &raw) in raws.iter().enumerate() {
                if raw > 0.0 {
                    attn.push((key as u32, head as u32, (f64::from(raw) / total) as f32));
                }
            }
        }
        NodeShares {
            attn,
            resid: (self.resid / total) as f32,
            skipped: (self.skipped.max(floor) / total) as f32,
        }
    }
}

/// Rounds in which the cut below which parts are skipped is raised.
const CUT_ROUNDS: usize = 3;

/// Exact shares, those at or below the threshold dropped, the rest renormalised.
fn thresholded(layer: &LayerValues<'_>, index: usize, position: usize, tau: f32) -> NodeShares {
    let LayerValues { rows, values, patterns, .. } = layer;
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
