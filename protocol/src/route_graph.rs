//! The pruned route graph of one target: nodes, edges, and the share of flow they show.

wire! {
    /// Kind of a node of the route graph.
    pub enum NodeKind {
        /// An input token's embedding; its `layer` is 0.
        Embed = "embed",
        /// The residual stream after attention.
        ResidMid = "resid_mid",
        /// A layer's MLP.
        Mlp = "mlp",
        /// The residual stream after the layer.
        ResidPost = "resid_post",
    }

    /// Kind of an edge of the route graph.
    pub enum EdgeKind {
        /// Residual stream to `resid_mid` (of the same or a later position) through heads.
        Attention = "attention",
        /// The residual stream past attention or past the MLP.
        Residual = "residual",
        /// `resid_mid` into the MLP; carries the MLP's flow whole, its contribution is the MLP's.
        MlpIn = "mlp_in",
        /// The MLP into `resid_post`.
        MlpOut = "mlp_out",
    }

    /// A node that carries flow.
    pub struct RouteNode {
        /// Its place in `nodes`, from 0; edges name nodes by it.
        pub node: usize,
        /// What it is.
        pub kind: NodeKind,
        /// Its layer.
        pub layer: usize,
        /// Index of its token.
        pub position: usize,
        /// Share of the target's representation that passes through it, 0..1.
        pub flow: f32,
    }

    /// A head's part of an attention edge.
    pub struct EdgeHead {
        /// The head within the layer of the edge's upper node.
        pub head: usize,
        /// Its share of the upper node, 0..1.
        pub contribution: f32,
    }

    /// An edge, from the lower node to the upper one.
    pub struct RouteEdge {
        /// Number of the lower node.
        pub from: usize,
        /// Number of the upper node.
        pub to: usize,
        /// What it is.
        pub kind: EdgeKind,
        /// Share of the upper node that came along this edge, 0..1.
        pub contribution: f32,
        /// Share of the target that came along it: flow of the upper node times contribution, 0..1.
        pub flow: f32,
        /// Its heads, strongest first; empty unless the edge is attention.
        pub heads: Vec<EdgeHead>,
    }

    /// The pruned route graph.
    pub struct Routes {
        /// How it was pruned, spelled as the flag: `mass=0.9` or `lmtt=0.04`.
        pub prune: String,
        /// Share of the flow that still reaches input tokens over the edges shown, 0..1. Less than was asked for where nodes
        /// that carry almost nothing lose too much, or more than 50,000 edges would be needed: then the strongest are shown.
        pub shown: f32,
        /// Nodes.
        pub nodes: Vec<RouteNode>,
        /// Edges.
        pub edges: Vec<RouteEdge>,
        /// What fewer of the edges show, rising, about a hundred; only where `max_edges` was given, which sorts the edges.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub steps: Vec<RouteStep>,
    }

    /// What the strongest edges show.
    #[derive(Copy)]
    pub struct RouteStep {
        /// So many of `edges`, from the first on.
        pub edges: usize,
        /// Share of the flow that reaches input tokens over them, 0..1.
        pub shown: f32,
    }
}
