//! One attention head in a ranking.

use crate::{effect::Disagreement, token_value::TokenValue};

wire! {
    /// One attention head in a ranking.
    pub struct HeadRow {
        /// Its layer.
        pub layer: usize,
        /// The head within the layer.
        pub head: usize,
        /// Share of the target's representation that came through it: the sum over its edges in the unpruned route graph, 0..1.
        pub flow: f32,
        /// Signed, in nats: true gradient times `z`, summed over positions. null until the second step of an analysis.
        pub attribution: Option<f32>,
        /// The part of `attribution` of the target position alone. null until the second step.
        pub attribution_at_target: Option<f32>,
        /// What its output at the target position writes straight to the objective, in nats. null until the second step.
        pub logit_attribution: Option<f32>,
        /// Measured: what switching it off at every position takes from the objective, nats; positive supports the target. null: not measured.
        pub effect: Option<f32>,
        /// How the attribution misleads about the effect; null where it does not, or is not known.
        pub disagreement: Option<Disagreement>,
        /// Tokens whose logits its output at the target position raises most.
        pub promotes: Vec<TokenValue>,
        /// Tokens whose logits it lowers most.
        pub suppresses: Vec<TokenValue>,
    }
}
