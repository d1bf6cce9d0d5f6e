//! What every request is made of: how it names its prompt, model and target, and what every answer carries.
//! The methods themselves are in `views`.

use crate::{
    inspection::Objective,
    position::{Position, Range},
    shape::{Catalogue, FieldDoc, Shape},
    token_table::TableToken,
    view_error::ErrorKind,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A method of the protocol: its name, and the types of its params and result.
pub trait Request {
    /// The JSON-RPC method.
    const METHOD: &'static str;
    /// What it is for, one sentence.
    const PURPOSE: &'static str;
    /// Errors that belong to this method, beside those that every method may answer.
    const ERRORS: &'static [ErrorKind];
    /// Its params.
    type Params: Serialize + DeserializeOwned + Shape + Send + 'static;
    /// Its result.
    type Result: Serialize + DeserializeOwned + Shape + Send + 'static;
}

/// A request that looks at one prompt; its result is an [`Answer`] around [`View::Body`].
pub trait View: Request<Result = Answer<Self::Body>> {
    /// What the view shows, without the parts that every answer carries.
    type Body: Serialize + DeserializeOwned + Shape + Send + 'static;

    /// What the request is about.
    fn subject(params: &Self::Params) -> &Subject;
}

wire! {
    /// A prompt in an open document.
    pub struct PromptPlace {
        /// The document, as the client opened it.
        pub uri: String,
        /// Version of the document the client looks at; another version open in the daemon is answered with `stale-version`.
        pub version: i32,
        /// The selection that is the prompt. Left out: the whole document of a plain-text, Markdown or prompt file, else the paragraph at `at`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub range: Option<Range>,
        /// The cursor, where `range` is left out and the document is not a prompt as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub at: Option<Position>,
    }

    /// What to explain.
    pub struct TargetChoice {
        /// Index of the token after which it is predicted; left out: the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub position: Option<usize>,
        /// The predicted token; left out: the model's top one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub token: Option<TokenChoice>,
        /// Tokens of the prompt to explain together, as an answer to those before them: then without `position` and `token`, and `subject.foil` is another answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub answer: Option<AnswerRange>,
    }

    /// A run of the prompt's tokens.
    #[derive(Copy, Eq, Hash)]
    pub struct AnswerRange {
        /// Index of its first token, 1 or more.
        pub start: usize,
        /// One past the index of its last token.
        pub end: usize,
    }

    /// What a request is about: a `prompt`, or an `analysis` already made; `analysis` alone is the cheap way to ask on.
    pub struct Subject {
        /// The prompt. May be left out when `analysis` is given; when both are, a changed document is answered with `stale-version`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub prompt: Option<PromptPlace>,
        /// Id from an earlier answer: same text, model, target and foil, no second forward pass. One that is no longer kept is answered with `bad-request`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub analysis: Option<String>,
        /// Name of the model; left out: the default model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub model: Option<String>,
        /// What to explain; left out: the model's top token after the last token, or the target of `analysis`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub target: Option<TargetChoice>,
        /// What to compare the target with: a token; with `target.answer` another answer to the tokens before it, a text of one token or more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub foil: Option<TokenChoice>,
        /// What is differentiated; left out: `logit_diff` when there is a foil, else `log_odds`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub objective: Option<Objective>,
    }
}

impl Subject {
    /// Names nothing: for calls that know their prompt otherwise.
    pub fn nothing() -> Self {
        Self {
            prompt: None,
            analysis: None,
            model: None,
            target: None,
            foil: None,
            objective: None,
        }
    }
}

/// A token of the vocabulary by its id (a number) or by its exact text (a string).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a token's id, a whole number from 0 to 4294967295, or its text"
)]
pub enum TokenChoice {
    /// By id.
    Id(u32),
    /// By text, exactly as written; an error unless it is one token.
    Text(String),
}

impl Shape for TokenChoice {
    fn shape(_: &mut Catalogue) -> String {
        "integer (id) | string (text)".into()
    }
}

/// An answer about one prompt: what every answer carries, and the view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer<T> {
    /// Names text, model, target and foil; give it in `subject.analysis` to ask on cheaply.
    pub analysis: String,
    /// Document version the answer holds for.
    pub version: i32,
    /// Name of the model that answered.
    pub model: String,
    /// The prompt's tokens.
    pub token_table: Vec<TableToken>,
    /// The view itself.
    pub view: T,
}

impl<T: Shape> Shape for Answer<T> {
    fn shape(catalogue: &mut Catalogue) -> String {
        let view = T::shape(catalogue);
        catalogue.add("Answer<T>", "What every answer about a prompt carries.", false, |catalogue| {
            let field = |name: &str, of: String, doc: &str| FieldDoc { name: name.into(), of, doc: doc.into(), is_optional: false };
            vec![
                field("analysis", "string".into(), "Names text, model, target and foil; give it in `subject.analysis` to ask on cheaply."),
                field("version", "integer".into(), "Document version the answer holds for."),
                field("model", "string".into(), "Name of the model that answered."),
                field("token_table", Vec::<TableToken>::shape(catalogue), "The prompt's tokens; the view names tokens by index into it."),
                field("view", "T".into(), "The view itself."),
            ]
        });
        format!("Answer<{view}>")
    }
}
