//! What is drawn of a route graph: the strongest edges that together still carry a share of the flow, or the published
//! tool's thresholded graph.

use crate::{
    route_build::Growth,
    route_graph::{Edge, EdgeKind, NodeId, NodeKind, NodeRoutes, PrunedGraph, RouteGraph},
};
use limpid_engine::kernels::vectorized;
use std::{fmt, str::FromStr};

/// A pruning rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prune {
    /// Keep every edge of at least the largest threshold at which this share of the flow still reaches input tokens; of
    /// more than [`MOST_EDGES`] the strongest.
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
            Self::Lmtt(_) => draw(graph, f32::from_bits(least_flow(graph, MOST_EDGES))),
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

/// Most edges that are drawn, the strongest: a long prompt has millions, which nobody can look at and no answer can carry.
pub const MOST_EDGES: usize = 50_000;
/// Flows are told apart by these leading bits when they are counted.
const COUNTED_BITS: u32 = 16;
/// Thresholds that are tried in one walk.
const TRIED: usize = 16;

fn by_mass(graph: &RouteGraph, share: f32) -> PrunedGraph {
    // On a long prompt more may be lost in nodes that were not expanded than the rule leaves out: then it is a share of the rest.
    let all: f32 = graph.embed_flows.iter().sum();
    let share = if all < share { share * all } else { share };
    let least = least_flow(graph, MOST_EDGES);
    let mut walked = Walked::new(graph, f32::from_bits(least));
    // Fewer edges, less flow: the largest threshold that is enough is found among the positive floats, whose bits are in
    // order. It is at least `enough` and below `too_much`, unless there are too many edges: then it is `least`.
    let (mut enough, mut too_much) = (least, 1f32.to_bits() + 1);
    while too_much - enough > 1 {
        let step = (too_much - enough).div_ceil(TRIED as u32 + 1);
        let tried: [u32; TRIED] =
            std::array::from_fn(|at| (enough + (at as u32 + 1) * step).min(too_much - 1));
        let shown = walked.flow_shown(tried.map(f32::from_bits));
        let n_enough = shown.iter().take_while(|shown| **shown >= share).count();
        if let Some(first) = tried.get(n_enough) {
            too_much = *first;
        }
        if let Some(last) = n_enough.checked_sub(1) {
            enough = tried[last];
        }
        walked.keep(f32::from_bits(enough));
    }
    draw(graph, f32::from_bits(enough))
}

/// The bits of a flow that at most `n` edges carry; 0 where there are no more.
fn least_flow(graph: &RouteGraph, n: usize) -> u32 {
    let mut counts = vec![0usize; (1f32.to_bits() >> (32 - COUNTED_BITS)) as usize + 1];
    let mut count =
        |flow: f32| counts[(flow.min(1.0).to_bits() >> (32 - COUNTED_BITS)) as usize] += 1;
    for node in graph.layers.iter().flatten() {
        // What comes out of an MLP is drawn into it too.
        for share in [node.mlp_resid, node.mlp, node.mlp] {
            count(node.flow * share);
        }
        let flow = node.flow_mid();
        count(flow * node.attention.resid);
        node.attention.sources.iter().for_each(|source| count(flow * source.share));
    }
    let mut left = n;
    for (bin, count) in counts.iter().enumerate().rev() {
        match left.checked_sub(*count) {
            Some(rest) => left = rest,
            None => return (bin as u32 + 1) << (32 - COUNTED_BITS),
        }
    }
    0
}

/// A graph as it is walked again and again, without the edges that are known to carry too little.
struct Walked<'a> {
    graph: &'a RouteGraph,
    /// Flow at the middle residual, and sources of attention (position, share); of each expanded node, the top layer's first.
    nodes: Vec<(f32, Vec<(u32, f32)>)>,
}

impl<'a> Walked<'a> {
    fn new(graph: &'a RouteGraph, threshold: f32) -> Self {
        let strong = |node: &NodeRoutes| {
            let flow = node.flow_mid();
            let sources = node.attention.sources.iter();
            let strong = sources.filter(|source| flow * source.share >= threshold);
            (flow, strong.map(|source| (source.position, source.share)).collect())
        };
        Self { graph, nodes: graph.layers.iter().rev().flatten().map(strong).collect() }
    }

    /// Drops the sources whose edge carries less.
    fn keep(&mut self, threshold: f32) {
        for (flow, sources) in &mut self.nodes {
            sources.retain(|(_, share)| *flow * share >= threshold);
        }
    }

    /// For each threshold, ascending, the flow that reaches input tokens over edges that carry at least it, not renormalised.
    fn flow_shown(&self, thresholds: [f32; TRIED]) -> [f32; TRIED] {
        vectorized(
            #[inline(always)]
            || {
                let passes =
                    |share: f32, flow: f32, reached: &[f32; TRIED], to: &mut [f32; TRIED]| {
                        let carried = flow * share;
                        for at in 0..TRIED {
                            to[at] +=
                                if carried >= thresholds[at] { reached[at] * share } else { 0.0 };
                        }
                    };
                let graph = self.graph;
                let mut walked = self.nodes.iter();
                let mut reach = vec![[0f32; TRIED]; graph.embed_flows.len()];
                for &(position, flow) in &graph.starts {
                    reach[position] = [flow; TRIED];
                }
                for nodes in graph.layers.iter().rev() {
                    let mut next = vec![[0f32; TRIED]; reach.len()];
                    for (node, (flow, sources)) in nodes.iter().zip(&mut walked) {
                        let reached = &reach[node.position];
                        let mut middle = [0f32; TRIED];
                        passes(node.mlp_resid, node.flow, reached, &mut middle);
                        passes(node.mlp, node.flow, reached, &mut middle);
                        // The lowest threshold lets most through.
                        if middle[0] == 0.0 {
                            continue;
                        }
                        passes(node.attention.resid, *flow, &middle, &mut next[node.position]);
                        for &(position, share) in sources {
                            passes(share, *flow, &middle, &mut next[position as usize]);
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
}

/// The graph of the edges that carry at least `threshold` and hang together with the target.
fn draw(graph: &RouteGraph, threshold: f32) -> PrunedGraph {
    let n_positions = graph.embed_flows.len();
    let is_drawn = vec![false; graph.target.place(n_positions) + n_positions];
    let mut drawing = Drawing { threshold, edges: Vec::new(), is_drawn, n_positions };
    let mut reach = vec![0f32; graph.embed_flows.len()];
    for &(position, flow) in &graph.starts {
        drawing.add(NodeId { position, ..graph.target });
        reach[position] = flow;
    }
    for (layer, nodes) in graph.layers.iter().enumerate().rev() {
        let mut next = vec![0f32; reach.len()];
        for node in nodes.iter().filter(|node| reach[node.position] > 0.0) {
            drawing.node(layer, node, reach[node.position], &mut next);
        }
        reach = next;
    }
    let nodes = drawing.nodes().map(|node| (node, graph.flow(&node).unwrap_or(0.0))).collect();
    PrunedGraph { nodes, edges: drawing.edges, shown: reach.iter().sum() }
}

struct Drawing {
    threshold: f32,
    edges: Vec<Edge>,
    /// Whether the node at a place is drawn.
    is_drawn: Vec<bool>,
    n_positions: usize,
}

impl Drawing {
    fn add(&mut self, node: NodeId) {
        self.is_drawn[node.place(self.n_positions)] = true;
    }

    /// The nodes that are drawn, in order.
    fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let drawn = self.is_drawn.iter().enumerate().filter(|(_, is_drawn)| **is_drawn);
        drawn.map(|(place, _)| NodeId::at_place(place, self.n_positions))
    }

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
            self.add(from);
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
    use crate::route_graph::{NodeShares, SourceShare};

    /// One layer's node over this many sources, whose shares fall evenly.
    fn fan(n: usize) -> RouteGraph {
        let all = (n * (n + 1) / 2) as f32;
        let source = |at: usize| SourceShare {
            position: at as u32,
            share: 0.9 * (at + 1) as f32 / all,
            heads_end: at as u32 + 1,
        };
        let attention = NodeShares {
            resid: 0.1,
            sources: (0..n).map(source).collect(),
            heads: (0..n).map(|at| (0, source(at).share)).collect(),
            ..NodeShares::default()
        };
        let node = NodeRoutes { position: n - 1, flow: 1.0, mlp: 0.25, mlp_resid: 0.75, attention };
        let mut embed_flows: Vec<f32> = (0..n).map(|at| source(at).share).collect();
        embed_flows[n - 1] += 0.1;
        RouteGraph {
            target: NodeId { layer: 0, kind: NodeKind::ResidPost, position: n - 1 },
            starts: vec![(n - 1, 1.0)],
            layers: vec![vec![node]],
            embed_flows,
            head_flows: vec![vec![0.9]],
            lost: 0.0,
        }
    }

    #[test]
    fn of_too_many_edges_the_strongest_are_drawn() {
        for (n, is_capped) in [(1000, false), (2 * MOST_EDGES, true)] {
            for prune in [Prune::Mass(0.999), Prune::Lmtt(0.0)] {
                let pruned = prune.apply(&fan(n));
                let drawn = pruned.edges.len();
                assert_eq!(pruned.shown < 0.99, is_capped, "{n} {prune}: {}", pruned.shown);
                assert!(drawn <= MOST_EDGES, "{n} {prune}: {drawn}");
                assert!(!is_capped || drawn > MOST_EDGES / 2, "{n} {prune}: {drawn}");
                let weakest = pruned.edges.iter().map(|edge| edge.from.position).min();
                let above = pruned.edges.iter().filter(|e| e.kind == EdgeKind::Attention).count();
                assert_eq!(weakest, Some(n - above), "{n} {prune}");
            }
        }
    }

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
