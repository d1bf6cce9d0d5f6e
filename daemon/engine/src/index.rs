//! Index newtypes: a layer is not a head is not a position.
//! What must not live here: bounds; a `ModelSpec` or a `Trace` checks them once, at the edge.

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

index! {
    /// A decoder block, counted from the embedding upwards.
    LayerIdx;
    /// A query head within its layer.
    HeadIdx;
    /// A neuron within its layer's MLP.
    NeuronIdx;
    /// A position in the prompt, counted in tokens.
    TokenIdx;
}
