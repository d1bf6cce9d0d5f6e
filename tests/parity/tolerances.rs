//! The one table of tolerances, largest absolute difference unless it says relative. What they rest on: golden/README.md.

/// Tiny models.
pub(crate) const TINY_LOGITS: f32 = 2e-4;
pub(crate) const TINY_RESID: f32 = 1e-4;
pub(crate) const TINY_PATTERN: f32 = 2e-5;
pub(crate) const CONTRIBUTION: f32 = 1e-5;
/// Relative to the largest entry of the tensor.
pub(crate) const TINY_GRADIENT: f32 = 1e-4;
/// Completeness, relative to the sum of absolute terms.
pub(crate) const COMPLETENESS: f64 = 1e-5;
/// Sum rule, relative to the largest value of the whole.
pub(crate) const SUM_RULE: f32 = 1e-5;

/// Real models.
pub(crate) const LOGITS: f32 = 1e-3;
pub(crate) const PROBABILITY: f32 = 1e-4;
/// Relative L2.
pub(crate) const RESID: f32 = 1e-4;
pub(crate) const NEURON_CONTRIBUTION: f32 = 2e-5;
pub(crate) const GRAPH_WEIGHT: f32 = 1e-4;
/// Relative to the largest score of the list.
pub(crate) const ATTRIBUTION_LOGIT_DIFF: f32 = 5e-4;
pub(crate) const ATTRIBUTION_LOGPROB: f32 = 5e-3;
/// Logits and their differences under an intervention.
pub(crate) const EFFECT_LOGIT: f32 = 1e-3;
/// Log-probabilities and KL under an intervention.
pub(crate) const EFFECT_LOGPROB: f32 = 5e-4;
/// Relative to the largest value of the list.
pub(crate) const PROMOTED: f32 = 1e-3;

/// Real models out of quantised files, their weights rounded to bf16 once more.
pub(crate) const BF16_LOGITS: f32 = 0.15;
pub(crate) const BF16_PROBABILITY: f32 = 0.015;
/// Relative to the largest score of the list.
pub(crate) const BF16_ATTRIBUTION: f32 = 0.1;
