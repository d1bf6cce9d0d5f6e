//! The route graph: typed nodes and edges, residual and attention edges kept apart. Plain data.

use std::collections::BTreeMap;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// An input token; layer 0.
    Embed,
    /// The residual between attention and MLP.
    ResidMid,
    /// The MLP.
    Mlp,
    /// The residual leaving the layer.
    ResidPost,
}

/// A node by what it is and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Its layer; 0 for input tokens.
    pub layer: usize,
    /// What it is.
    pub kind: NodeKind,
    /// Its position.
    pub position: usize,
}

/// What an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// From a token's residual below into another's (or its own) middle residual.
    Attention,
    /// Along a token's own residual.
    Residual,
    /// Into an MLP.
    MlpIn,
    /// Out of an MLP.
    MlpOut,
}

/// One edge; information flows from `from` to `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The lower node.
    pub from: NodeId,
    /// The upper node.
    pub to: NodeId,
    /// What it is.
    pub kind: EdgeKind,
    /// Share of `to` that comes along it, 0..1.
    pub contribution: f32,
    /// Share of the target that comes along it, 0..1.
    pub flow: f32,
    /// Of an attention edge: heads and their part of the contribution, largest first.
    pub heads: Vec<(usize, f32)>,
}

/// A graph grown from one target.
#[derive(Clone, Debug)]
pub struct RouteGraph {
    /// The prediction's residual.
    pub target: NodeId,
    /// Edges, from the target downwards: an edge comes before those below it.
    pub edges: Vec<Edge>,
    /// Share of the target that passes each node.
    pub flows: BTreeMap<NodeId, f32>,
    /// Flow of each head: the sum over its edges, `[layer][head]`.
    pub head_flows: Vec<Vec<f32>>,
    /// Flow lost in nodes that were not expanded and parts that were skipped.
    pub lost: f32,
}

/// What is drawn of a graph.
#[derive(Clone, Debug)]
pub struct PrunedGraph {
    /// Nodes that the drawn edges reach from the target, with their flow in the whole graph.
    pub nodes: Vec<(NodeId, f32)>,
    /// Drawn edges.
    pub edges: Vec<Edge>,
    /// Flow that still reaches input tokens over drawn edges, not renormalised, 0..1.
    pub shown: f32,
}
