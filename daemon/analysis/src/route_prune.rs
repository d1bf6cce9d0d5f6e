//! What is drawn of a route graph: the strongest edges that together still carry a share of the flow, or the published
//! tool's thresholded graph.

use crate::{
    route_build::Growth,
    route_graph::{Edge, EdgeKind, NodeId, NodeKind, NodeRoutes, PrunedGraph, RouteGraph},
};
use limpid_engine::kernels::vectorized;
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

/// Thresholds that are tried in one walk.
const TRIED: usize = 16;

fn by_mass(graph: &RouteGraph, share: f32) -> PrunedGraph {
    // On a long prompt more may be lost in nodes that were not expanded than the rule leaves out: then it is a share of the rest.
    let all: f32 = graph.embed_flows.iter().sum();
    let share = if all < share { share * all } else { share };
    // Fewer edges, less flow: the largest threshold that is enough is found among the positive floats, whose bits are in
    // order. It is at least `enough` and below `too_much`.
    let (mut enough, mut too_much) = (0u32, 1f32.to_bits() + 1);
    while too_much - enough > 1 {
        let step = (too_much - enough).div_ceil(TRIED as u32 + 1);
        let tried: [u32; TRIED] =
            std::array::from_fn(|at| (enough + (at as u32 + 1) * step).min(too_much - 1));
        let shown = flow_shown(graph, tried.map(f32::from_bits));
        let n_enough = shown.iter().take_while(|shown| **shown >= share).count();
        if let Some(first) = tried.get(n_enough) {
            too_much = *first;
        }
        if let Some(last) = n_enough.checked_sub(1) {
            enough = tried[last];
        }
    }
    draw(graph, f32::from_bits(enough))
}

/// For each threshold, ascending, the flow that reaches input tokens over edges that carry at least it, not renormalised.
fn flow_shown(graph: &RouteGraph, thresholds: [f32; TRIED]) -> [f32; TRIED] {
    vectorized(
        #[inline(always)]
        || {
            let passes = |share: f32, flow: f32, reached: &[f32; TRIED], to: &mut [f32; TRIED]| {
                let carried = flow * share;
                for at in 0..TRIED {
                    to[at] += if carried >= thresholds[at] { reached[at] * share } else { 0.0 };
                }
            };
            let mut reach = vec![[0f32; TRIED]; graph.embed_flows.len()];
            reach[graph.target.position] = [1.0; TRIED];
            for nodes in graph.layers.iter().rev() {
                let mut next = vec![[0f32; TRIED]; reach.len()];
                for node in nodes {
                    let reached = &reach[node.position];
                    let mut middle = [0f32; TRIED];
                    passes(node.mlp_resid, node.flow, reached, &mut middle);
                    passes(node.mlp, node.flow, reached, &mut middle);
                    // The lowest threshold lets most through.
                    if middle[0] == 0.0 {
                        continue;
                    }
                    let flow = node.flow_mid();
                    passes(node.attention.resid, flow, &middle, &mut next[node.position]);
                    // A little less: the quotient is rounded.
                    let least = 0.999_999 * thresholds[0] / flow;
                    for source in node.attention.sources.iter().filter(|s| s.share >= least) {
                        passes(source.share, flow, &middle, &mut next[source.position as usize]);
                    }
                }
                reach = next;
            }
            let mut shown = [0f32; TRIED];
            for reach in &reach {
                for (shown, reach) in shown.iter_mut().zip(reach) {
                    *shown += reach;
                }
            }
            shown
        },
    )
}

/// The graph of the edges that carry at least `threshold` and hang together with the target.
fn draw(graph: &RouteGraph, threshold: f32) -> PrunedGraph {
    let mut drawing =
        Drawing { threshold, edges: Vec::new(), nodes: BTreeSet::from([graph.target]) };
    let mut reach = vec![0f32; graph.embed_flows.len()];
    reach[graph.target.position] = 1.0;
    for (layer, nodes) in graph.layers.iter().enumerate().rev() {
        let mut next = vec![0f32; reach.len()];
        for node in nodes.iter().filter(|node| reach[node.position] > 0.0) {
            drawing.node(layer, node, reach[node.position], &mut next);
        }
        reach = next;
    }
    let nodes = drawing.nodes.into_iter();
    let nodes = nodes.map(|node| (node, graph.flow(&node).unwrap_or(0.0))).collect();
    PrunedGraph { nodes, edges: drawing.edges, shown: reach.iter().sum() }
}

struct Drawing {
    threshold: f32,
    edges: Vec<Edge>,
    nodes: BTreeSet<NodeId>,
}

impl Drawing {
    /// Adds an edge if it carries enough.
    fn edge(
        &mut self,
        (from, to): (NodeId, NodeId),
        kind: EdgeKind,
        contribution: f32,
        flow: f32,
        heads: &[(u32, f32)],
    ) -> bool {
        let flow = flow * contribution;
        let is_drawn = contribution > 0.0 && flow >= self.threshold;
        if is_drawn {
            let mut heads: Vec<(usize, f32)> =
                heads.iter().map(|(head, share)| (*head as usize, *share)).collect();
            heads.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
            self.nodes.insert(from);
            self.edges.push(Edge { from, to, kind, contribution, flow, heads });
        }
        is_drawn
    }

    /// Adds the edges into one layer's nodes at a position, of which `reached` reaches the residual leaving the layer.
    fn node(&mut self, layer: usize, node: &NodeRoutes, reached: f32, next: &mut [f32]) {
        let at = |kind| NodeId { layer, kind, position: node.position };
        let (post, mid, mlp) = (at(NodeKind::ResidPost), at(NodeKind::ResidMid), at(NodeKind::Mlp));
        let below = |position| match layer {
            0 => NodeId { layer: 0, kind: NodeKind::Embed, position },
            _ => NodeId { layer: layer - 1, kind: NodeKind::ResidPost, position },
        };
        let mut middle = 0.0;
        if self.edge((mid, post), EdgeKind::Residual, node.mlp_resid, node.flow, &[]) {
            middle += reached * node.mlp_resid;
        }
        if self.edge((mlp, post), EdgeKind::MlpOut, node.mlp, node.flow, &[]) {
            // What comes out of an MLP went into it whole.
            self.edge((mid, mlp), EdgeKind::MlpIn, node.mlp, node.flow, &[]);
            middle += reached * node.mlp;
        }
        if middle == 0.0 {
            return;
        }
        let (flow, attention) = (node.flow_mid(), &node.attention);
        let own = (below(node.position), mid);
        if self.edge(own, EdgeKind::Residual, attention.resid, flow, &[]) {
            next[node.position] += middle * attention.resid;
        }
        for (at, source) in attention.sources.iter().enumerate() {
            let position = source.position as usize;
            let heads = attention.heads_of(at);
            if self.edge((below(position), mid), EdgeKind::Attention, source.share, flow, heads) {
                next[position] += middle * source.share;
            }
        }
    }
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
