//! What is drawn of a route graph: the strongest edges that together still carry a share of the flow, or the published
//! tool's thresholded graph.

use crate::{
    route_build::Growth,
    route_graph::{
        Edge, EdgeKind, NodeId, NodeKind, NodeRoutes, PrunedGraph, RouteGraph, SourceShare,
    },
};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A pruning rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prune {
    /// Keep every edge of at least the largest threshold at which this share of the flow still reaches input tokens.
    Mass(f32),
    /// Drop parts at or below the threshold at every node, renormalise.
    Lmtt(f32),
}

impl Prune {
    /// The default.
    pub const DEFAULT: Self = Self::Mass(0.9);

    /// How the graph must be grown for this rule.
    pub fn growth(self) -> Growth {
        match self {
            Self::Mass(_) => Growth::Flow,
            Self::Lmtt(tau) => Growth::Threshold(tau),
        }
    }

    /// Prunes a graph that was grown for this rule.
    pub fn apply(self, graph: &RouteGraph) -> PrunedGraph {
        match self {
            Self::Mass(share) => by_mass(graph, share),
            // Growing dropped what is at or below the threshold already.
            Self::Lmtt(_) => draw(graph, 0.0),
        }
    }
}

impl fmt::Display for Prune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mass(share) => write!(f, "mass={share}"),
            Self::Lmtt(tau) => write!(f, "lmtt={tau}"),
        }
    }
}

impl FromStr for Prune {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || {
            format!(
                "prune rule `{text}` is not mass=SHARE (above 0, up to 1) or lmtt=TAU (from 0 to below 1)"
            )
        };
        let (rule, value) = text.split_once('=').ok_or_else(problem)?;
        let value: f32 = value.trim().parse().map_err(|_| problem())?;
        match rule.trim() {
            "mass" if value > 0.0 && value <= 1.0 => Ok(Self::Mass(value)),
            "lmtt" if (0.0..1.0).contains(&value) => Ok(Self::Lmtt(value)),
            _ => Err(problem()),
        }
    }
}

fn by_mass(graph: &RouteGraph, share: f32) -> PrunedGraph {
    // Fewer edges, less flow: the largest threshold that is enough is found by halving the positive floats, whose bits are in order.
    let (mut enough, mut too_much) = (0u32, 1f32.to_bits() + 1);
    // On a long prompt more may be lost in nodes that were not expanded than the rule leaves out: then it is a share of the rest.
    let all: f32 = graph.embed_flows.iter().sum();
    let share = if all < share { share * all } else { share };
    while too_much - enough > 1 {
        let middle = enough + (too_much - enough) / 2;
        if walk(graph, f32::from_bits(middle), |_, _| {}).iter().sum::<f32>() >= share {
            enough = middle;
        } else {
            too_much = middle;
        }
    }
    draw(graph, f32::from_bits(enough))
}

/// One edge met on a walk: the layer's routes, the node's, and which of its edges.
enum Met<'a> {
    MlpResid,
    Mlp,
    Resid,
    Attention(&'a SourceShare),
}

/// Walks down from the target over edges that carry at least `threshold`, and returns the flow that reaches each input
/// token over them, not renormalised. `meet` sees each edge once.
fn walk<'a>(
    graph: &'a RouteGraph,
    threshold: f32,
    mut meet: impl FnMut((usize, &'a NodeRoutes), Met<'a>),
) -> Vec<f32> {
    let mut reach = vec![0f32; graph.embed_flows.len()];
    reach[graph.target.position] = 1.0;
    for (layer, routes) in graph.layers.iter().enumerate().rev() {
        let mut next = vec![0f32; reach.len()];
        for node in &routes.nodes {
            let reached = reach[node.position];
            if reached == 0.0 {
                continue;
            }
            let passes = |share: f32, flow: f32| share > 0.0 && flow * share >= threshold;
            let mut middle = 0.0;
            if passes(node.mlp_resid, node.flow) {
                meet((layer, node), Met::MlpResid);
                middle += reached * node.mlp_resid;
            }
            if passes(node.mlp, node.flow) {
                meet((layer, node), Met::Mlp);
                middle += reached * node.mlp;
            }
            if middle == 0.0 {
                continue;
            }
            let flow = node.flow_mid();
            if passes(node.resid, flow) {
                meet((layer, node), Met::Resid);
                next[node.position] += middle * node.resid;
            }
            for source in &routes.sources[node.sources.clone()] {
                // The largest come first.
                if !passes(source.share, flow) {
                    break;
                }
                meet((layer, node), Met::Attention(source));
                next[source.position] += middle * source.share;
            }
        }
        reach = next;
    }
    reach
}

fn draw(graph: &RouteGraph, threshold: f32) -> PrunedGraph {
    let mut edges = Vec::new();
    let mut nodes = BTreeSet::from([graph.target]);
    let reach = walk(graph, threshold, |(layer, node), met| {
        let at = |kind| NodeId { layer, kind, position: node.position };
        let (post, mid, mlp) = (at(NodeKind::ResidPost), at(NodeKind::ResidMid), at(NodeKind::Mlp));
        let below = |position| match layer {
            0 => NodeId { layer: 0, kind: NodeKind::Embed, position },
            _ => NodeId { layer: layer - 1, kind: NodeKind::ResidPost, position },
        };
        let mut edge = |from, to, kind, contribution, flow, heads| {
            nodes.insert(from);
            edges.push(Edge { from, to, kind, contribution, flow, heads });
        };
        let (flow, flow_mid) = (node.flow, node.flow_mid());
        match met {
            Met::MlpResid => {
                edge(
                    mid,
                    post,
                    EdgeKind::Residual,
                    node.mlp_resid,
                    flow * node.mlp_resid,
                    Vec::new(),
                );
            }
            Met::Mlp => {
                edge(mlp, post, EdgeKind::MlpOut, node.mlp, flow * node.mlp, Vec::new());
                // What comes out of an MLP went into it whole.
                edge(mid, mlp, EdgeKind::MlpIn, node.mlp, flow * node.mlp, Vec::new());
            }
            Met::Resid => {
                let from = below(node.position);
                edge(from, mid, EdgeKind::Residual, node.resid, flow_mid * node.resid, Vec::new());
            }
            Met::Attention(source) => {
                let heads = &graph.layers[layer].heads[source.heads.clone()];
                let heads = heads.iter().map(|(head, share)| (*head as usize, *share)).collect();
                let from = below(source.position);
                edge(from, mid, EdgeKind::Attention, source.share, flow_mid * source.share, heads);
            }
        }
    });
    let nodes = nodes.into_iter().map(|node| (node, graph.flow(&node).unwrap_or(0.0))).collect();
    PrunedGraph { nodes, edges, shown: reach.iter().sum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_as_they_are_written() {
        for text in ["mass=0.9", "lmtt=0.04"] {
            assert_eq!(text.parse::<Prune>().unwrap().to_string(), text);
        }
        for wrong in ["mass", "mass=0", "mass=1.1", "lmtt=-1", "lmtt=NaN", "other=1"] {
            assert!(wrong.parse::<Prune>().is_err(), "{wrong}");
        }
    }
}
