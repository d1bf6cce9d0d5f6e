//! A part of the model at a place of the prompt, as data: never a formatted string that somebody has to parse.

wire! {
    /// What kind of part a [`ComponentId`] names.
    pub enum ComponentKind {
        /// The residual stream below layer 0: an input token's embedding. `layer` is 0.
        Embed = "embed",
        /// The residual stream after attention, before the MLP.
        ResidMid = "resid_mid",
        /// The residual stream after the layer.
        ResidPost = "resid_post",
        /// A layer's MLP.
        Mlp = "mlp",
        /// An attention head; `head` is set.
        Head = "head",
        /// An MLP neuron; `neuron` is set.
        Neuron = "neuron",
    }

    /// A part of the model at a position.
    #[derive(Copy, Eq, Hash)]
    pub struct ComponentId {
        /// What it is.
        pub kind: ComponentKind,
        /// Its layer, counted from 0 at the embedding upwards.
        pub layer: usize,
        /// The head, for `head`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub head: Option<usize>,
        /// The neuron, for `neuron`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub neuron: Option<usize>,
        /// Index of the token at whose position it is looked at.
        pub position: usize,
    }
}

impl ComponentId {
    /// A residual node or an MLP.
    pub fn node(kind: ComponentKind, layer: usize, position: usize) -> Self {
        Self { kind, layer, head: None, neuron: None, position }
    }
}
