//! `limpid/edge`: one edge of the route graph opened: what share it carries, and its heads.

use crate::{
    component::ComponentId, request::Subject, route_graph::EdgeKind, token_value::TokenValue,
    views::view,
};

view! {
    /// One edge: its contribution and flow, and for attention its heads ranked, with what each writes along it.
    EdgeView = "limpid/edge", EdgeParams => EdgeCard, errors: []
}

wire! {
    /// Params of `limpid/edge`.
    pub struct EdgeParams {
        /// What it is about.
        pub subject: Subject,
        /// The lower node.
        pub from: ComponentId,
        /// The upper node.
        pub to: ComponentId,
        /// Which of the edges between the two; left out: `attention` where there is one, else the only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<EdgeKind>,
    }

    /// A head on an edge.
    pub struct EdgeHeadRow {
        /// The head within the layer of the upper node.
        pub head: usize,
        /// Its share of the upper node along this edge, 0..1.
        pub contribution: f32,
        /// Its attention weight from the upper node's position to the lower one's, 0..1.
        pub pattern: f32,
        /// Tokens whose logits it raises most with what it moves along this edge.
        pub promotes: Vec<TokenValue>,
        /// Tokens whose logits it lowers most.
        pub suppresses: Vec<TokenValue>,
    }

    /// An edge.
    pub struct EdgeCard {
        /// The lower node.
        pub from: ComponentId,
        /// The upper node.
        pub to: ComponentId,
        /// What it is.
        pub kind: EdgeKind,
        /// Share of the upper node that came along it, 0..1.
        pub contribution: f32,
        /// Share of the target that came along it, 0..1.
        pub flow: f32,
        /// Its heads, strongest first; empty unless attention.
        pub heads: Vec<EdgeHeadRow>,
    }
}
