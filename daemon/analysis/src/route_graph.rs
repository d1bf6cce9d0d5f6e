//! The route graph: typed nodes and edges, residual and attention edges kept apart. Plain data.

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

/// Kinds of nodes that every layer has, in order.
const IN_EVERY_LAYER: [NodeKind; 3] = [NodeKind::ResidMid, NodeKind::Mlp, NodeKind::ResidPost];

impl NodeId {
    /// Its place in a table of all nodes of a graph over this many tokens: input tokens, then `[layer][kind][pos]`. Places
    /// are in the order of nodes; the target's layer ends the table.
    pub fn place(self, n_positions: usize) -> usize {
        let row = match self.kind {
            NodeKind::Embed => 0,
            NodeKind::ResidMid => 1,
            NodeKind::Mlp => 2,
            NodeKind::ResidPost => 3,
        };
        (IN_EVERY_LAYER.len() * self.layer + row) * n_positions + self.position
    }

    /// The node at a place.
    pub fn at_place(place: usize, n_positions: usize) -> Self {
        let (row, position) = (place / n_positions, place % n_positions);
        match row.checked_sub(1) {
            None => Self { layer: 0, kind: NodeKind::Embed, position },
            Some(row) => {
                let kind = IN_EVERY_LAYER[row % IN_EVERY_LAYER.len()];
                Self { layer: row / IN_EVERY_LAYER.len(), kind, position }
            }
        }
    }
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

/// A graph grown from one target, or from the predictions of an answer's tokens: per layer its nodes with their shares, in compressed rows.
#[derive(Clone, Debug)]
pub struct RouteGraph {
    /// The prediction's residual; of several the last.
    pub target: NodeId,
    /// Positions whose prediction it is grown from, each with the flow that starts there; 1 together.
    pub starts: Vec<(usize, f32)>,
    /// The expanded nodes, `[layer][by position]`.
    pub layers: Vec<Vec<NodeRoutes>>,
    /// Flow that reaches each input token, `[pos]`.
    pub embed_flows: Vec<f32>,
    /// Flow of each head: the sum over its edges, `[layer][head]`.
    pub head_flows: Vec<Vec<f32>>,
    /// Flow lost in nodes that were not expanded and parts that were skipped.
    pub lost: f32,
}

/// Where one position's residual in a layer comes from.
#[derive(Clone, Debug, Default)]
pub struct NodeRoutes {
    /// The position.
    pub position: usize,
    /// Share of the target that passes the residual leaving the layer.
    pub flow: f32,
    /// Share of the MLP in the residual leaving the layer.
    pub mlp: f32,
    /// Share of the middle residual in the residual leaving the layer.
    pub mlp_resid: f32,
    /// Where the middle residual comes from.
    pub attention: NodeShares,
}

/// Shares of the parts of one position's middle residual.
#[derive(Clone, Debug, Default)]
pub struct NodeShares {
    /// The residual below.
    pub resid: f32,
    /// Parts that are left out.
    pub skipped: f32,
    /// Sources of attention, by position.
    pub sources: Vec<SourceShare>,
    /// (head, share), source after source.
    pub heads: Vec<(u32, f32)>,
    /// Share of each head, its sources summed.
    pub by_head: Vec<f32>,
}

/// One source of an attention edge.
#[derive(Clone, Copy, Debug)]
pub struct SourceShare {
    /// Its position.
    pub position: u32,
    /// Its share in the middle residual, heads summed.
    pub share: f32,
    /// Where its heads end in [`NodeShares::heads`]; they start where those of the source before it end.
    pub heads_end: u32,
}

impl NodeShares {
    /// Heads of the source with this index, with their shares.
    pub fn heads_of(&self, source: usize) -> &[(u32, f32)] {
        let start = source.checked_sub(1).map_or(0, |before| self.sources[before].heads_end);
        &self.heads[start as usize..self.sources[source].heads_end as usize]
    }
}

impl NodeRoutes {
    /// Share of the target that passes the middle residual.
    pub fn flow_mid(&self) -> f32 {
        self.flow * (self.mlp + self.mlp_resid)
    }
}

impl RouteGraph {
    /// Share of the target that passes a node; `None` where it was not expanded.
    pub fn flow(&self, node: &NodeId) -> Option<f32> {
        if node.kind == NodeKind::Embed {
            return self.embed_flows.get(node.position).copied().filter(|flow| *flow > 0.0);
        }
        let nodes = self.layers.get(node.layer)?;
        let at = nodes.binary_search_by_key(&node.position, |node| node.position).ok()?;
        let routes = &nodes[at];
        Some(match node.kind {
            NodeKind::ResidMid => routes.flow_mid(),
            NodeKind::Mlp => routes.flow * routes.mlp,
            NodeKind::ResidPost | NodeKind::Embed => routes.flow,
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_nodes() {
        let nodes: Vec<NodeId> = (0..60).map(|place| NodeId::at_place(place, 5)).collect();
        assert!(
            nodes.is_sorted() && nodes.iter().enumerate().all(|(at, node)| node.place(5) == at)
        );
        let target = NodeId { layer: 2, kind: NodeKind::ResidPost, position: 4 };
        assert_eq!(target.place(5), 49);
        assert_eq!((nodes[4].kind, nodes[5].kind), (NodeKind::Embed, NodeKind::ResidMid));
    }
}
