//! What is drawn of a route graph: the strongest edges that together still carry a share of the flow, or the published
//! tool's thresholded graph.

use crate::{
    route_build::Growth,
    route_graph::{Edge, NodeId, NodeKind, PrunedGraph, RouteGraph},
};
use std::{collections::BTreeMap, fmt, str::FromStr};

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
            Self::Lmtt(tau) => {
                draw(graph, graph.edges.iter().filter(|edge| edge.contribution > tau))
            }
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
    let mut thresholds: Vec<f32> = graph.edges.iter().map(|edge| edge.flow).collect();
    thresholds.sort_unstable_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    // More edges, more flow: the largest threshold that is enough is found by halving.
    let enough = |threshold: &f32| reaching(graph, *threshold) >= share;
    let first = thresholds.partition_point(|threshold| !enough(threshold));
    let threshold = thresholds.get(first).or(thresholds.last()).copied().unwrap_or(0.0);
    draw(graph, graph.edges.iter().filter(|edge| edge.flow >= threshold))
}

/// Flow that reaches input tokens over edges of at least `threshold`, not renormalised.
fn reaching(graph: &RouteGraph, threshold: f32) -> f32 {
    let edges = graph.edges.iter().filter(|edge| edge.flow >= threshold);
    let reached = reached(graph.target, edges);
    reached.iter().filter(|(node, _)| node.kind == NodeKind::Embed).map(|(_, flow)| flow).sum()
}

/// Flow at every node that the edges reach from the target. Edges come from the target downwards, except that those of one
/// layer's MLP stand before those of its attention, which is their order too.
fn reached<'a>(target: NodeId, edges: impl Iterator<Item = &'a Edge>) -> BTreeMap<NodeId, f32> {
    let mut flows = BTreeMap::from([(target, 1.0f32)]);
    for edge in edges {
        let Some(&flow) = flows.get(&edge.to) else { continue };
        // What comes out of an MLP went into it whole.
        let share = if edge.to.kind == NodeKind::Mlp { 1.0 } else { edge.contribution };
        *flows.entry(edge.from).or_default() += flow * share;
    }
    flows
}

fn draw<'a>(graph: &RouteGraph, edges: impl Iterator<Item = &'a Edge>) -> PrunedGraph {
    let kept: Vec<&Edge> = edges.collect();
    let reached = reached(graph.target, kept.iter().copied());
    let shown =
        reached.iter().filter(|(node, _)| node.kind == NodeKind::Embed).map(|(_, flow)| flow).sum();
    let edges: Vec<Edge> =
        kept.into_iter().filter(|edge| reached.contains_key(&edge.to)).cloned().collect();
    let nodes =
        reached.keys().map(|node| (*node, graph.flows.get(node).copied().unwrap_or(0.0))).collect();
    PrunedGraph { nodes, edges, shown }
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
