//! `limpid/neuron`: one neuron opened: its activation along the prompt, and what it writes.

use crate::{neuron_row::NeuronRow, request::Subject, views::view};

view! {
    /// One neuron: activation at every token, gate and up, what it promotes and suppresses now.
    NeuronView = "limpid/neuron", NeuronParams => NeuronCard, errors: []
}

wire! {
    /// Params of `limpid/neuron`.
    pub struct NeuronParams {
        /// What it is about.
        pub subject: Subject,
        /// Its layer.
        pub layer: usize,
        /// The neuron within the layer.
        pub neuron: usize,
        /// Index of the token at whose position its row is read; left out: the target's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub position: Option<usize>,
    }

    /// A neuron.
    pub struct NeuronCard {
        /// Its row of the ranking.
        pub row: NeuronRow,
        /// `pre` at `position`: the gate of a gated MLP, the pre-activation of a plain one.
        pub pre: f32,
        /// `pre_linear` (up) at `position`; null for a plain MLP.
        pub pre_linear: Option<f32>,
        /// Activation at every token.
        pub activations: Vec<f32>,
    }
}
