//! `limpid/continue`: what the model writes behind a prompt, streamed as it grows.

use crate::{intervention::InterventionSet, request::Subject, views::view};

view! {
    /// Continues the prompt; behind a user's message that is the assistant's answer. With a `partial_result_token` every piece is sent as it is written, by `$/progress` with `ContinuationProgress` as its params; the result has the whole in any case. Cancelling stops within one token; a newer `limpid/continue` about the document, and an edit of it, stop the one under way.
    Continue = "limpid/continue", ContinueParams => ContinuationView, errors: [NotFinite]
}

wire! {
    /// Params of `limpid/continue`.
    pub struct ContinueParams {
        /// What it is about; target, foil and objective play no part.
        pub subject: Subject,
        /// Tokens at most, from 1 to the model's context window; left out: 32.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_tokens: Option<usize>,
        /// Logits are divided by it; 0 takes the most likely token each time. Left out: 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub temperature: Option<f64>,
        /// Draw from so many of the most likely tokens, from 1 on; left out: from all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top_k: Option<usize>,
        /// Draw from the most likely tokens that together have this probability, above 0 and at most 1; left out: from all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top_p: Option<f64>,
        /// What is drawn depends on it alone; left out: 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub seed: Option<u64>,
        /// What is changed while it is written, together: then it is written with and without, side by side. An intervention, its text (`head 23.4`), or a list of these. Left out: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub switches: Option<InterventionSet>,
        /// Name of a set in the file of switches beside the document; it acts together with `switches`. Left out: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub switch_set: Option<String>,
        /// Texts that end the continuation, 16 at most, none of them empty; they are not part of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub stop: Option<Vec<String>>,
        /// Token of the client's choosing for pieces by `$/progress`: a string or a whole number; left out: no pieces are sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub partial_result_token: Option<PartialResultToken>,
    }

    /// One token of a continuation.
    pub struct ContinuedToken {
        /// Its id.
        pub id: u32,
        /// Its text, unescaped; bytes that are not UTF-8 by themselves are spelled `⟨0xE2⟩`.
        pub text: String,
        /// Its log-probability under the model, whatever the sampling, nats.
        pub logprob: f32,
        /// Its probability under the model, 0..1.
        pub prob: f32,
        /// Its rank among all tokens, 1 is the top.
        pub rank: usize,
    }

    /// Params of the `$/progress` that brings a piece.
    pub struct ContinuationProgress {
        /// The request's `partial_result_token`.
        pub token: PartialResultToken,
        /// The piece.
        pub value: ContinuationPiece,
    }

    /// What was written since the piece before.
    pub struct ContinuationPiece {
        /// Which of the two it belongs to; left out without switches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub side: Option<ContinuationSide>,
        /// Tokens.
        pub tokens: Vec<ContinuedToken>,
        /// Text: whole characters, and nothing that could be the start of a stop string.
        pub text: String,
    }

    /// One of two continuations side by side.
    pub enum ContinuationSide {
        /// With the switches.
        Switched = "switched",
        /// Without them.
        Unchanged = "unchanged",
    }

    /// What would have been written without the switches.
    pub struct UnchangedContinuation {
        /// Its tokens.
        pub tokens: Vec<ContinuedToken>,
        /// Its text.
        pub text: String,
        /// Why it ended.
        pub stopped_by: StoppedBy,
        /// Index of the first token in which the two differ; null where they are the same.
        pub first_difference: Option<usize>,
    }

    /// Why a continuation ended.
    pub enum StoppedBy {
        /// The model ended its answer; the token that says so is not part of it.
        Eos = "eos",
        /// A text of `stop` was met; `text` ends before it.
        Stop = "stop",
        /// `max_tokens` were written.
        Length = "length",
        /// The context window is full.
        Window = "window",
    }

    /// The whole continuation.
    pub struct ContinuationView {
        /// Its tokens; the last one may reach beyond the end of `text` where a stop string begins inside it.
        pub tokens: Vec<ContinuedToken>,
        /// Its text.
        pub text: String,
        /// Why it ended.
        pub stopped_by: StoppedBy,
        /// The same prompt without the switches; left out where there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unchanged: Option<UnchangedContinuation>,
    }

    /// What `limpid continue --format json` prints.
    pub struct Continuation {
        /// The model.
        pub model: crate::inspection::ModelInfo,
        /// Its tokens.
        pub tokens: Vec<ContinuedToken>,
        /// Its text.
        pub text: String,
        /// Why it ended.
        pub stopped_by: StoppedBy,
        /// What was changed; left out where nothing was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub switches: Option<InterventionSet>,
        /// The same prompt without the switches; left out where there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unchanged: Option<UnchangedContinuation>,
        /// Milliseconds per stage.
        pub timings_ms: ContinuationTimingsMs,
        /// Tokens a second behind the first one, which the prompt's own pass gives; null for a single token.
        pub tokens_per_second: Option<f32>,
    }

    /// Milliseconds per stage of a continuation.
    pub struct ContinuationTimingsMs {
        /// Reading and preparing the weights.
        pub load: f32,
        /// Text to tokens.
        pub tokenize: f32,
        /// The prompt's forward pass.
        pub forward: f32,
        /// From the end of that to the first token.
        pub first_token: f32,
        /// From the first token to the last.
        pub decode: f32,
        /// Everything, start to answer.
        pub total: f32,
    }
}

/// A progress token, as LSP has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged, expecting = "expected a progress token, a whole number or a string")]
pub enum PartialResultToken {
    /// A number.
    Number(i32),
    /// A string.
    Text(String),
}

impl crate::shape::Shape for PartialResultToken {
    fn shape(_: &mut crate::shape::Catalogue) -> String {
        "integer | string".into()
    }
}

impl ContinueParams {
    /// The most likely continuation of default length, of a prompt that is known otherwise.
    pub fn greedy() -> Self {
        Self {
            subject: Subject::nothing(),
            max_tokens: None,
            temperature: None,
            top_k: None,
            top_p: None,
            seed: None,
            switches: None,
            switch_set: None,
            stop: None,
            partial_result_token: None,
        }
    }
}

impl UnchangedContinuation {
    /// What was written without the switches, compared with what was written with them.
    pub fn beside(
        switched: &[ContinuedToken],
        (tokens, text, stopped_by): (Vec<ContinuedToken>, String, StoppedBy),
    ) -> Self {
        let same = tokens.iter().zip(switched).take_while(|(a, b)| a.id == b.id).count();
        let first_difference = (same < tokens.len() || same < switched.len()).then_some(same);
        Self { tokens, text, stopped_by, first_difference }
    }
}
