//! `limpid/tokens`: the prompt's tokens, how likely each was, and what comes next.

use crate::{
    inspection::{ModelInfo, Prediction, Target, TokenRow},
    request::Subject,
    views::view,
};

view! {
    /// The prompt's tokens with the probability each had given what precedes it, and the likely next tokens. One forward pass when the prompt is new.
    Tokens = "limpid/tokens", TokensParams => TokensView, errors: []
}

wire! {
    /// Params of `limpid/tokens`.
    pub struct TokensParams {
        /// What it is about.
        pub subject: Subject,
    }

    /// Tokens and predictions.
    pub struct TokensView {
        /// The model.
        pub model: ModelInfo,
        /// The tokens.
        pub tokens: Vec<TokenRow>,
        /// What is explained.
        pub target: Target,
        /// Top ten at the target's position.
        pub predictions: Vec<Prediction>,
    }
}
