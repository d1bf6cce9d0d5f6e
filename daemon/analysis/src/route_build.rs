//! Grows the route graph from a target downwards, a layer at a time: contributions are computed only for nodes that carry
//! flow, and only for parts that can matter.

use crate::{
    contributions::{LayerRows, mlp_pair},
    route_graph::{NodeId, NodeKind, NodeRoutes, RouteGraph},
    route_shares::{attention_shares, thresholded_shares},
};
use limpid_engine::{cancel::CancelToken, error::EngineError, model::Model, trace::Trace};

/// Nodes with less flow are not expanded.
const MIN_FLOW: f32 = 1e-4;

/// How the graph is grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Growth {
    /// Every part that can matter, shares as they are.
    Flow,
    /// The published tool's rule: parts at or below the threshold are dropped, the rest renormalised; exact contributions.
    Threshold(f32),
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
    grow_from(model, trace, &[position], growth, cancel)
}

/// Grows one graph from the residuals at the top of several positions, ascending: of n each starts with the flow 1/n.
///
/// *Cost*: as [`grow`].
///
/// # Errors
/// No position; cancelled; the device refused.
pub fn grow_from(
    model: &Model,
    trace: &Trace,
    positions: &[usize],
    growth: Growth,
    cancel: &CancelToken,
) -> Result<RouteGraph, EngineError> {
    let Some(&last) = positions.last() else {
        return Err(EngineError::BadRequest("a route graph needs a target".to_owned()));
    };
    // Enters the thread pool once, not once per product.
    rayon::scope(|_| grow_layers(model, trace, (positions, last), growth, cancel))
}

fn grow_layers(
    model: &Model,
    trace: &Trace,
    (positions, position): (&[usize], usize),
    growth: Growth,
    cancel: &CancelToken,
) -> Result<RouteGraph, EngineError> {
    let n_layers = model.spec.n_layers;
    let mut graph = RouteGraph {
        target: NodeId { layer: n_layers - 1, kind: NodeKind::ResidPost, position },
        starts: positions.iter().map(|&start| (start, 1.0 / positions.len() as f32)).collect(),
        layers: vec![Vec::new(); n_layers],
        embed_flows: Vec::new(),
        head_flows: vec![vec![0.0; model.spec.n_heads]; n_layers],
        lost: 0.0,
    };
    // Flow at the residual above the current layer, by position.
    let mut above = vec![0f32; position + 1];
    for (start, flow) in &graph.starts {
        above[*start] += flow;
    }
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
        nodes.push(NodeRoutes { position, flow, mlp, mlp_resid, ..NodeRoutes::default() });
    }
    let positions: Vec<usize> =
        nodes.iter().filter(|node| node.flow_mid() > 0.0).map(|node| node.position).collect();
    let shares = match growth {
        Growth::Flow => attention_shares(model, layer, &of, &rows, &positions)?,
        Growth::Threshold(tau) => thresholded_shares(model, layer, &of, &rows, &positions, tau)?,
    };
    let mut next = vec![0f32; above.len()];
    let expanded = nodes.iter_mut().filter(|node| node.flow_mid() > 0.0);
    for (node, shares) in expanded.zip(shares) {
        let flow = node.flow_mid();
        graph.lost += flow * shares.skipped;
        next[node.position] += flow * shares.resid;
        for source in &shares.sources {
            next[source.position as usize] += flow * source.share;
        }
        for (total, share) in graph.head_flows[layer].iter_mut().zip(&shares.by_head) {
            *total += flow * share;
        }
        node.attention = shares;
    }
    graph.layers[layer] = nodes;
    Ok(next)
}

fn renormalised_pair((mlp, resid): (f32, f32), tau: f32) -> (f32, f32) {
    let keep = |share: f32| if share > tau { share } else { 0.0 };
    let (mlp, resid) = (keep(mlp), keep(resid));
    let sum = mlp + resid;
    if sum > 0.0 { (mlp / sum, resid / sum) } else { (0.0, 0.0) }
}
