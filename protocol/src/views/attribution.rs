//! `limpid/attribution`: signed scores per token, and heads and neurons ranked by attribution: the second step of an analysis.

use crate::{
    head_row::HeadRow,
    inspection::{Attribution, Target},
    neuron_row::NeuronRow,
    request::Subject,
    views::view,
};

view! {
    /// Signed scores of every token toward the target, and heads and neurons ranked by |attribution|. Costs a backward pass.
    TokenAttribution = "limpid/attribution", AttributionParams => AttributionView, errors: []
}

wire! {
    /// Params of `limpid/attribution`.
    pub struct AttributionParams {
        /// What it is about.
        pub subject: Subject,
        /// Methods, by name; the first is shown, all are in `others`. Left out: `atp`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub methods: Option<Vec<String>>,
        /// Rows of heads and of neurons; left out: 10.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top: Option<usize>,
    }

    /// Scores and rankings.
    pub struct AttributionView {
        /// What is explained.
        pub target: Target,
        /// Scores per token.
        pub attribution: Attribution,
        /// Heads, strongest |attribution| first.
        pub heads: Vec<HeadRow>,
        /// Neurons, strongest |attribution| first.
        pub neurons: Vec<NeuronRow>,
    }
}
