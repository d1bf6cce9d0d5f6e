//! `limpid/routes`: the pruned route graph with heads and neurons ranked by flow: the first step of an analysis.

use crate::{
    head_row::HeadRow, inspection::Target, neuron_row::NeuronRow, request::Subject,
    route_graph::Routes, views::view,
};

view! {
    /// The route graph grown from the target, pruned, with the share of flow it shows; heads and neurons ranked by flow.
    RouteGraph = "limpid/routes", RoutesParams => RoutesView, errors: []
}

wire! {
    /// Params of `limpid/routes`.
    pub struct RoutesParams {
        /// What it is about.
        pub subject: Subject,
        /// `mass=SHARE` or `lmtt=TAU`; left out: `mass=0.9`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub prune: Option<String>,
        /// Edges at most: then they come strongest first, with the nodes that they touch and `steps`, and `shown` is of what is left. Left out: all, in the order of the graph.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_edges: Option<usize>,
        /// Rows of heads and of neurons; left out: 10.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top: Option<usize>,
    }

    /// The graph and the rankings by flow.
    pub struct RoutesView {
        /// What is explained.
        pub target: Target,
        /// The graph.
        pub routes: Routes,
        /// Heads, most flow first.
        pub heads: Vec<HeadRow>,
        /// Neurons, most flow first.
        pub neurons: Vec<NeuronRow>,
    }
}
