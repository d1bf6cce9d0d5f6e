//! One MLP neuron in a ranking, and how the signs of a gated MLP are spelled.

use crate::{effect::Disagreement, token_value::TokenValue};

wire! {
    /// One MLP neuron in a ranking.
    pub struct NeuronRow {
        /// Its layer.
        pub layer: usize,
        /// The neuron within the layer.
        pub neuron: usize,
        /// Index of the token at whose position activation, sign case and flow are read.
        pub position: usize,
        /// What it writes its output direction with (`post`), at `position`.
        pub activation: f32,
        /// Signs behind the activation: `gate+ up-` and so on for a gated MLP, `pre+` or `pre-` for a plain one; zero counts as `+`.
        pub sign_case: String,
        /// `flow(resid_post) * contribution` at `position`, 0..1.
        pub flow: f32,
        /// Signed, in nats: true gradient times activation, summed over positions. null until the second step of an analysis.
        pub attribution: Option<f32>,
        /// The part of `attribution` of the target position alone. null until the second step.
        pub attribution_at_target: Option<f32>,
        /// What it writes straight to the objective at the target position, in nats. null until the second step.
        pub logit_attribution: Option<f32>,
        /// Measured: what switching it off at every position takes from the objective, nats; positive supports the target. null: not measured.
        pub effect: Option<f32>,
        /// How the attribution misleads about the effect; null where it does not, or is not known.
        pub disagreement: Option<Disagreement>,
        /// Tokens whose logits it raises most now (swapped with `suppresses` when the activation is negative).
        pub promotes: Vec<TokenValue>,
        /// Tokens whose logits it lowers most now.
        pub suppresses: Vec<TokenValue>,
    }
}

/// The sign case of a neuron of a gated MLP, from `pre` (gate) and `pre_linear` (up): `gate+ up-`.
pub fn gated_sign_case(gate: f32, up: f32) -> String {
    format!("gate{} up{}", sign(gate), sign(up))
}

/// The sign case of a neuron of a plain MLP, from `pre`: `pre+`.
pub fn plain_sign_case(pre: f32) -> String {
    format!("pre{}", sign(pre))
}

fn sign(value: f32) -> char {
    if value < 0.0 { '-' } else { '+' }
}

#[cfg(test)]
mod tests {
    use super::{gated_sign_case, plain_sign_case};

    #[test]
    fn zero_counts_as_plus() {
        assert_eq!(gated_sign_case(1.0, -0.5), "gate+ up-");
        assert_eq!(gated_sign_case(-0.0, 0.0), "gate+ up+");
        assert_eq!(plain_sign_case(-2.0), "pre-");
    }
}
