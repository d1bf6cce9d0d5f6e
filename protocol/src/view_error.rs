//! What may go wrong, as an editor may branch on it: a kind with a stable number and a stable name, and the figures behind it.
//! What must not live here: the sentences themselves; whoever fails writes them.

wire! {
    /// Kind of an error; its name stands in `error.data.kind`, its number in `error.code`.
    pub enum ErrorKind {
        /// The request was cancelled by the client or replaced by a newer one of the same view.
        Cancelled = "cancelled",
        /// The document changed: the answer would be for another version.
        StaleVersion = "stale-version",
        /// A parameter is out of range, contradictory or of the wrong type.
        BadRequest = "bad-request",
        /// A defect of ours; please report it. The daemon goes on.
        Internal = "internal",
        /// A file could not be read or written.
        Io = "io",
        /// A model file, config or tokenizer is malformed.
        MalformedFile = "malformed-file",
        /// The model's family is not supported.
        UnknownFamily = "unknown-family",
        /// There is no model by that name.
        ModelNotFound = "model-not-found",
        /// A download failed.
        FetchFailed = "fetch-failed",
        /// The prompt has more tokens than the model's context window: `n_tokens`, `n_ctx`.
        ContextWindow = "context-window",
        /// The request would need more memory than there is: `needed`, `available`, bytes.
        MemoryBudget = "memory-budget",
        /// A number that must be finite is not; weights or dtype are broken.
        NotFinite = "not-finite",
        /// The device is absent or refused the work.
        Device = "device",
        /// The tensor library failed.
        Tensor = "tensor",
        /// A status rather than a failure: the model is being loaded; ask again when its progress ends.
        ModelLoading = "model-loading",
        /// The document is not open here, is too large, or lost step with the client.
        DocumentNotOpen = "document-not-open",
        /// The prompt has no tokens.
        EmptyPrompt = "empty-prompt",
    }

    /// `error.data`: the kind, and the figures that belong to it.
    pub struct ErrorData {
        /// The kind.
        pub kind: ErrorKind,
        /// Tokens in the prompt, for `context-window`; of one that is far too long, those of its first MiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub n_tokens: Option<usize>,
        /// Tokens the model can see, for `context-window`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub n_ctx: Option<usize>,
        /// Bytes it would take, for `memory-budget`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub needed: Option<u64>,
        /// Bytes there are, for `memory-budget`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub available: Option<u64>,
        /// Version open in the daemon, for `stale-version`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub version: Option<i32>,
        /// Name of the model, for `model-loading`; left out when not even the default's name is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub model: Option<String>,
        /// Share of the model that is loaded, 0..1, for `model-loading`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub loaded: Option<f32>,
    }
}

impl ErrorKind {
    /// The stable number. The first four are those of LSP and JSON-RPC, so that a client that knows nothing of us does the right thing;
    /// the rest lie outside the range JSON-RPC reserves.
    pub fn code(self) -> i32 {
        match self {
            Self::Cancelled => -32800,
            Self::StaleVersion => -32801,
            Self::BadRequest => -32602,
            Self::Internal => -32603,
            Self::Io => 4001,
            Self::MalformedFile => 4002,
            Self::UnknownFamily => 4003,
            Self::ModelNotFound => 4004,
            Self::FetchFailed => 4005,
            Self::ContextWindow => 4006,
            Self::MemoryBudget => 4007,
            Self::NotFinite => 4008,
            Self::Device => 4009,
            Self::Tensor => 4010,
            Self::ModelLoading => 4011,
            Self::DocumentNotOpen => 4012,
            Self::EmptyPrompt => 4013,
        }
    }

    /// The kind of a stable name, as the engine's errors spell it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// A failed request: kind, sentence, figures.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewError {
    /// One lower-case sentence for a person: what, where, what to do.
    pub message: String,
    /// Kind and figures.
    pub data: ErrorData,
}

impl ViewError {
    /// An error without figures.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let data = ErrorData {
            kind,
            n_tokens: None,
            n_ctx: None,
            needed: None,
            available: None,
            version: None,
            model: None,
            loaded: None,
        };
        Self { message: message.into(), data }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.data.kind
    }
}

impl std::fmt::Display for ViewError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ViewError {}

#[cfg(test)]
mod tests {
    use super::ErrorKind;
    use std::collections::BTreeSet;

    #[test]
    fn codes_and_names_are_unique_and_names_read_back() {
        let codes: BTreeSet<i32> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_name(kind.as_str()), Some(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
    }
}
