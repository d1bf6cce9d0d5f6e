//! `limpid/mlp`: one MLP opened at one position: its neurons, and what it changes about the prediction.

use crate::{inspection::Prediction, neuron_row::NeuronRow, request::Subject, views::view};

view! {
    /// One MLP at one position: its contribution, its strongest neurons, and what the lens predicts before and after it.
    MlpView = "limpid/mlp", MlpParams => MlpCard, errors: []
}

wire! {
    /// Params of `limpid/mlp`.
    pub struct MlpParams {
        /// What it is about.
        pub subject: Subject,
        /// Its layer.
        pub layer: usize,
        /// Index of the token; left out: the target's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub position: Option<usize>,
        /// Rows of neurons; left out: 10.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top: Option<usize>,
    }

    /// An MLP.
    pub struct MlpCard {
        /// Its layer.
        pub layer: usize,
        /// Index of the token.
        pub position: usize,
        /// Share of `resid_post` that it wrote, 0..1.
        pub contribution: f32,
        /// Share of the target that came through it, 0..1; null when it carries too little to be in the graph.
        pub flow: Option<f32>,
        /// Its neurons, most contribution first.
        pub neurons: Vec<NeuronRow>,
        /// What the lens predicts at `resid_mid`.
        pub before: Vec<Prediction>,
        /// What the lens predicts at `resid_post`.
        pub after: Vec<Prediction>,
    }
}
