//! What can go wrong in the engine. Each variant names the file, field or range, and its message says what to do.
//! Messages are lower-case sentences without a final dot, fit to be shown to a person as they are.

use std::path::{Path, PathBuf};

/// A file's own words may be of any length; a message repeats so much of them.
const MAX_FIELD_BYTES: usize = 200;
const MAX_PROBLEM_BYTES: usize = 1000;

/// An engine failure; [`EngineError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The job was cancelled; nobody waits for its answer.
    #[error("cancelled")]
    Cancelled,
    /// A file could not be read or written.
    #[error("{}: {problem}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said. Not a `source`: the message says it already.
        problem: std::io::Error,
    },
    /// A model file, config or tokenizer is malformed.
    #[error("{}: {field}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The field, tensor or offset in it.
        field: String,
        /// What is wrong with it and what was expected.
        problem: String,
    },
    /// The model's family is not one of ours.
    #[error("{}: model type `{family:.64}` is not supported; supported: {supported}", path.display())]
    UnknownFamily {
        /// The file that names the family.
        path: PathBuf,
        /// The family it names.
        family: String,
        /// The families that are supported, comma-separated.
        supported: String,
    },
    /// No model by that name.
    #[error("no model `{name}`: {problem}")]
    ModelNotFound {
        /// The name asked for.
        name: String,
        /// Where was looked, and what to do.
        problem: String,
    },
    /// A download failed.
    #[error("cannot fetch `{what}`: {problem}")]
    Fetch {
        /// What was being fetched.
        what: String,
        /// Why it failed, and what to do.
        problem: String,
    },
    /// The request itself is out of range or contradictory.
    #[error("{0}")]
    BadRequest(String),
    /// The prompt has more tokens than the model's context window.
    #[error(
        "the prompt is {}{n_tokens} tokens; the model's context window is {n_ctx}; shorten the prompt, or choose a part of it",
        if *is_whole { "" } else { "at least " }
    )]
    ContextWindow {
        /// Tokens in the prompt, or in the part of it that was counted.
        n_tokens: usize,
        /// Tokens the model can see.
        n_ctx: usize,
        /// Whether all of the prompt was counted.
        is_whole: bool,
    },
    /// The request would need more memory than the budget allows.
    #[error(
        "{what} needs {needed} bytes; the memory budget leaves {available} bytes; raise the budget, or ask for less"
    )]
    MemoryBudget {
        /// What was asked for.
        what: String,
        /// Bytes it would take.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// A number that must be finite is not.
    #[error("{hook} has a value that is not finite; the model's weights or dtype are broken")]
    NotFinite {
        /// The hook, with its layer.
        hook: String,
    },
    /// The device is absent or refused the work.
    #[error("device: {0}")]
    Device(String),
    /// The tensor library failed.
    #[error("tensor operation failed: {}", first_line(.0))]
    Tensor(candle_core::Error),
    /// A job panicked; the worker goes on.
    #[error("internal error: {0}; please report it")]
    Panicked(String),
}

impl EngineError {
    /// Stable, kebab-case code of the variant, for clients that branch on it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Io { .. } => "io",
            Self::Malformed { .. } => "malformed-file",
            Self::UnknownFamily { .. } => "unknown-family",
            Self::ModelNotFound { .. } => "model-not-found",
            Self::Fetch { .. } => "fetch-failed",
            Self::BadRequest(_) => "bad-request",
            Self::ContextWindow { .. } => "context-window",
            Self::MemoryBudget { .. } => "memory-budget",
            Self::NotFinite { .. } => "not-finite",
            Self::Device(_) => "device",
            Self::Tensor(_) => "tensor",
            Self::Panicked(_) => "internal",
        }
    }

    /// A failed read or write of `path`.
    pub fn io(path: impl Into<PathBuf>, problem: std::io::Error) -> Self {
        Self::Io { path: path.into(), problem }
    }

    /// A malformed `field` of `path`.
    pub fn malformed(
        path: impl Into<PathBuf>,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        let field = in_one_line(&field.into(), MAX_FIELD_BYTES);
        let problem = in_one_line(&problem.into(), MAX_PROBLEM_BYTES);
        Self::Malformed { path: path.into(), field, problem }
    }

    /// The file at `path` is of the family `name`, which is none of the `supported`.
    pub(crate) fn unknown_family(path: &Path, name: &str, supported: String) -> Self {
        let family = in_one_line(name, MAX_FIELD_BYTES);
        Self::UnknownFamily { path: path.to_owned(), family, supported }
    }
}

impl From<candle_core::Error> for EngineError {
    /// Not a `source` either: the message says it already.
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error)
    }
}

/// What a file says, cut off after `most` bytes; its line breaks and other control characters are written out.
fn in_one_line(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() + c.len_utf8() > most {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// candle appends a backtrace where one is asked for.
fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
