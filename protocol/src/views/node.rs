//! `limpid/node`: one residual node opened: what the model would say there, and what the last block changed.

use crate::{
    component::ComponentId, inspection::Prediction, request::Subject, token_value::TokenValue,
    views::view,
};

view! {
    /// One residual node: logit lens top and bottom tokens, and ranks gained and lost over the node below it.
    NodeView = "limpid/node", NodeParams => NodeCard, errors: []
}

wire! {
    /// Params of `limpid/node`.
    pub struct NodeParams {
        /// What it is about.
        pub subject: Subject,
        /// The node: `embed`, `resid_mid` or `resid_post`.
        pub node: ComponentId,
        /// Tokens in each list; left out: 10.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top: Option<usize>,
    }

    /// A token whose rank changed.
    pub struct RankChange {
        /// Its id.
        pub id: u32,
        /// Its text, unescaped.
        pub text: String,
        /// Rank at the node below, 1 is the top.
        pub before: usize,
        /// Rank at this node.
        pub after: usize,
    }

    /// A residual node.
    pub struct NodeCard {
        /// The node.
        pub node: ComponentId,
        /// Share of the target's representation that passes through it, 0..1; null when it carries too little to be in the graph.
        pub flow: Option<f32>,
        /// Most likely tokens by the lens.
        pub top: Vec<Prediction>,
        /// Least likely tokens, by logit.
        pub bottom: Vec<TokenValue>,
        /// Tokens that gained most ranks over the node below; empty for an embedding.
        pub gained: Vec<RankChange>,
        /// Tokens that lost most ranks.
        pub lost: Vec<RankChange>,
    }
}
