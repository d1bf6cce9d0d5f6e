//! The object that `limpid inspect --format json` prints, and the parts that views share with it.
//! Tokens are named by index everywhere; parts that were not asked for are left out.

use crate::{
    effect::Disagreement, head_row::HeadRow, neuron_row::NeuronRow, part_row::PartRow,
    route_graph::Routes, token_value::VocabularyToken,
};
use std::collections::BTreeMap;

wire! {
    /// The model and the shapes a reader needs.
    pub struct ModelInfo {
        /// Name it was asked for by.
        pub name: String,
        /// Family, as its config names it: `llama`, `gpt2`, `gemma3_text`.
        pub family: String,
        /// Decoder layers.
        pub n_layers: usize,
        /// Query heads a layer.
        pub n_heads: usize,
        /// Key and value heads a layer.
        pub n_key_value_heads: usize,
        /// Width of the residual stream.
        pub d_model: usize,
        /// Neurons a layer.
        pub d_mlp: usize,
        /// Tokens in the vocabulary.
        pub d_vocab: usize,
        /// Number type the weights are computed in: `f32`, `bf16`, or a quantised type's name.
        pub dtype: String,
        /// Where it runs: `cpu`, `cuda:0`, `metal`.
        pub device: String,
    }

    /// One token of the prompt.
    pub struct TokenRow {
        /// Its index, counted from 0.
        pub index: usize,
        /// Its id in the vocabulary.
        pub id: u32,
        /// Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`.
        pub text: String,
        /// First byte in the source; null for a token that was added (a beginning-of-sequence token, a template's text).
        pub start: Option<usize>,
        /// One past its last byte in the source; null for an added token.
        pub end: Option<usize>,
        /// Log-probability given the tokens before it, nats; null for the first.
        pub logprob: Option<f32>,
        /// Its rank among all tokens given the tokens before it, 1 is the top; null for the first.
        pub rank: Option<usize>,
    }

    /// The predicted token that is explained.
    pub struct Target {
        /// Index of the token after which it is predicted.
        pub position: usize,
        /// Its id.
        pub id: u32,
        /// Its text, unescaped.
        pub text: String,
        /// The token it is compared with; null without one.
        pub foil: Option<VocabularyToken>,
        /// The answer whose tokens are explained together; then `position` and `id` are its last token's. Left out where one token is explained.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub answer: Option<AnswerSpan>,
        /// The answer it is measured against: then scores, heads and neurons are differences. Left out without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub foil_answer: Option<FoilAnswer>,
    }

    /// Tokens of the prompt that are explained together, as an answer to those before them.
    pub struct AnswerSpan {
        /// Index of its first token.
        pub start: usize,
        /// One past the index of its last token.
        pub end: usize,
        /// Sum of its tokens' log-probabilities, nats.
        pub logprob: f32,
    }

    /// Another answer to the same prompt.
    pub struct FoilAnswer {
        /// Its tokens.
        pub tokens: Vec<VocabularyToken>,
        /// Sum of its tokens' log-probabilities, nats.
        pub logprob: f32,
    }

    /// A likely next token.
    pub struct Prediction {
        /// Its id.
        pub id: u32,
        /// Its text, unescaped.
        pub text: String,
        /// Its logit.
        pub logit: f32,
        /// Its probability, 0..1.
        pub prob: f32,
    }

    /// The logit lens at one layer and position.
    pub struct LensCell {
        /// Id of the top token.
        pub id: u32,
        /// Its text, unescaped.
        pub text: String,
        /// Its probability, 0..1.
        pub prob: f32,
        /// The target's probability, 0..1.
        pub target_prob: f32,
        /// The target's rank, 1 is the top.
        pub target_rank: usize,
    }

    /// What is differentiated.
    pub enum Objective {
        /// `log(P / (1 - P))` of the target; the default without a foil.
        LogOdds = "log_odds",
        /// Logit of the target minus the foil's; the default with a foil.
        LogitDiff = "logit_diff",
        /// `log P` of the target.
        Logprob = "logprob",
    }

    /// Signed scores per token toward the target.
    pub struct Attribution {
        /// The method shown, as `attribution.md` names it: `atp`, `atp_linear`, `atp_true`, `gradient_x_input_linear`, `flow`, `logit_attribution`.
        pub method: String,
        /// What is differentiated.
        pub objective: Objective,
        /// Unit of scores and value: `nats`, or `share` for `flow`.
        pub unit: String,
        /// The objective itself.
        pub value: f32,
        /// One score a token; the target position itself scores 0 by definition under `atp`.
        pub scores: Vec<f32>,
        /// Measured: what hiding each token from later ones takes from the objective, nats; null: not measured (the target's own position cannot be). Left out while nothing is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub effects: Vec<Option<f32>>,
        /// How each score misleads about the effect; null where it does not, or is not known. Left out while nothing is measured.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub disagreements: Vec<Option<Disagreement>>,
        /// Scores of the other methods asked for, by name; left out when one method was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub others: Option<BTreeMap<String, Vec<f32>>>,
    }

    /// Milliseconds per stage.
    pub struct TimingsMs {
        /// Reading and preparing the weights; 0 when they were loaded.
        pub load: f32,
        /// Text to tokens.
        pub tokenize: f32,
        /// Traced forward pass; 0 when the trace was cached.
        pub forward: f32,
        /// Routes, lens, flow rankings.
        pub analysis: f32,
        /// Backward passes and attributions.
        pub backward: f32,
        /// Everything, start to answer.
        pub total: f32,
    }

    /// One inspection: the object of `limpid inspect --format json`.
    pub struct Inspection {
        /// The model.
        pub model: ModelInfo,
        /// The prompt's tokens.
        pub tokens: Vec<TokenRow>,
        /// What is explained.
        pub target: Target,
        /// Top ten at the target's position.
        pub predictions: Vec<Prediction>,
        /// `[layer][position]`, layer 0 is the embedding; left out unless asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lens: Option<Vec<Vec<LensCell>>>,
        /// Scores per token; left out in the first step's answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub attribution: Option<Attribution>,
        /// Scores rolled up to parts of the prompt, in its order; left out unless asked for (`--by`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parts: Option<Vec<PartRow>>,
        /// The pruned route graph.
        pub routes: Routes,
        /// Heads, strongest first.
        pub heads: Vec<HeadRow>,
        /// Neurons, strongest first; one row a neuron.
        pub neurons: Vec<NeuronRow>,
        /// Times; left out unless asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timings_ms: Option<TimingsMs>,
    }
}
