//! Measured effects beside cheap scores, as views and reports carry them.

use crate::{
    inspection::{ModelInfo, Objective, Target, TokenRow},
    intervention::InterventionSet,
    part_row::{PartKind, TokenSpan},
};

wire! {
    /// What a run predicts of the target; of an answer, sums over its tokens.
    pub struct Outcome {
        /// The target's logit.
        pub logit: f32,
        /// `log P` of the target, nats.
        pub logprob: f32,
        /// `log(P / (1 - P))` of the target, nats.
        pub log_odds: f32,
        /// The target's logit minus the foil's; null without a foil.
        pub logit_diff: Option<f32>,
    }

    /// How a cheap score misleads.
    pub enum Disagreement {
        /// Score and effect have opposite signs, and both are at least `floor`.
        Sign = "sign",
        /// Of ten rows or more, it is among the strongest fifth by one and in the weaker half by the other.
        Rank = "rank",
    }

    /// A part of the prompt that was measured.
    pub struct EffectPart {
        /// What it is; left out for a token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<PartKind>,
        /// A message's role, an example's name; left out where it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// Its text for display.
        pub text: String,
        /// Its tokens.
        pub tokens: TokenSpan,
        /// How many parts around it were measured: 0 for a message, 1 for a line of one, and so on.
        pub depth: usize,
    }

    /// One changed run. Values are those of the changed run.
    pub struct EffectRow {
        /// What was changed.
        pub intervention: InterventionSet,
        /// The part of the prompt that it hides; left out where it is about none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub part: Option<EffectPart>,
        /// The target's logit; null where the run failed.
        pub logit: Option<f32>,
        /// `log P` of the target, nats; null where the run failed.
        pub logprob: Option<f32>,
        /// `log(P / (1 - P))` of the target, nats; null where the run failed.
        pub log_odds: Option<f32>,
        /// The target's logit minus the foil's; null without a foil.
        pub logit_diff: Option<f32>,
        /// KL(clean || changed) of the next-token distribution at the target, nats; null where the run failed.
        pub kl: Option<f32>,
        /// The objective of the clean run minus the changed one's: positive supports the target. null where the run failed.
        pub effect: Option<f32>,
        /// The cheap score of the same parts, same sign and unit; null where there is none.
        pub score: Option<f32>,
        /// How the score misleads; null where it does not, or cannot be told.
        pub disagreement: Option<Disagreement>,
        /// Why there are no values; left out where there are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub error: Option<String>,
    }

    /// What may be spent; what is left when it is spent is not measured, and said to be.
    pub struct EffectBudget {
        /// Runs at most; left out: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub runs: Option<usize>,
        /// Seconds, looked at between batches of runs; left out: as long as it takes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub seconds: Option<f64>,
    }

    /// What one part does when parts are hidden together, by a sparse linear fit.
    pub struct FittedPart {
        /// The part.
        pub part: EffectPart,
        /// What its presence adds to the objective, nats; 0: the fit needs it not.
        pub weight: f32,
    }

    /// A sparse linear fit of the objective on which parts are present, from runs with random halves of them hidden (ContextCite, arXiv 2409.00729).
    pub struct SubsetFit {
        /// Every part.
        pub parts: Vec<FittedPart>,
        /// The objective where every part is hidden, by the fit.
        pub intercept: f32,
        /// Runs that it was fitted to.
        pub n_fitted: usize,
        /// Runs that were held out.
        pub n_held_out: usize,
        /// Share of the variance of the held-out runs that it explains, at most 1; below 0 it is worse than their mean. null: they do not vary.
        pub r2: Option<f32>,
        /// Rank correlation of predicted and measured held-out runs (the linear datamodeling score), -1..1. null: they do not vary.
        pub spearman: Option<f32>,
    }

    /// Activations of another prompt put into this one, layer by position.
    pub struct Sweep {
        /// The activation that was put in.
        pub hook: String,
        /// The other prompt's tokens.
        pub from_tokens: Vec<TokenRow>,
        /// What the other prompt predicts of the target.
        pub from: Outcome,
        /// `[layer][position]`: how far the prediction went from this prompt's (0) to the other's (1), by the objective. null: not measured, or the two do not differ.
        pub restored: Vec<Vec<Option<f32>>>,
    }

    /// Milliseconds per stage.
    pub struct EffectTimingsMs {
        /// Reading and preparing the weights.
        pub load: f32,
        /// Text to tokens.
        pub tokenize: f32,
        /// Traced forward passes of this prompt and of those it is patched from.
        pub forward: f32,
        /// Cheap scores.
        pub scores: f32,
        /// The changed runs.
        pub measure: f32,
        /// Everything, start to answer.
        pub total: f32,
    }

    /// What `limpid effect --format json` prints.
    pub struct EffectReport {
        /// The model.
        pub model: ModelInfo,
        /// The prompt's tokens.
        pub tokens: Vec<TokenRow>,
        /// What is explained.
        pub target: Target,
        /// What effects and scores are of.
        pub objective: Objective,
        /// Effects below it, in nats, count as none.
        pub floor: f32,
        /// The clean run.
        pub clean: Outcome,
        /// One row for each intervention that was measured, in the order asked for.
        pub effects: Vec<EffectRow>,
        /// What the budget left unmeasured; left out where nothing was.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub unmeasured: Vec<InterventionSet>,
        /// The fit to runs with several parts hidden; left out unless asked for, and where the budget left fewer than ten of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subsets: Option<SubsetFit>,
        /// The sweep; left out unless asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sweep: Option<Sweep>,
        /// Times.
        pub timings_ms: EffectTimingsMs,
    }
}

/// Effects below this many nats count as none, unless said otherwise.
pub const FLOOR: f32 = 0.05;
