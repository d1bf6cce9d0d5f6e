//! Errors to JSON-RPC: code, sentence, data. The one exhaustive match from the engine's errors to the wire's.

use limpid_engine::error::EngineError;
use limpid_protocol::view_error::{ErrorKind, ViewError};
use tower_lsp::jsonrpc::{Error, ErrorCode};

/// The wire's error of an engine error: its kind and figures, and its own sentence.
pub fn from_engine(error: &EngineError) -> ViewError {
    let kind = match error {
        EngineError::ContextWindow { .. } => ErrorKind::ContextWindow,
        EngineError::MemoryBudget { .. } => ErrorKind::MemoryBudget,
        EngineError::Cancelled => ErrorKind::Cancelled,
        EngineError::Io { .. } => ErrorKind::Io,
        EngineError::Malformed { .. } => ErrorKind::MalformedFile,
        EngineError::UnknownFamily { .. } => ErrorKind::UnknownFamily,
        EngineError::ModelNotFound { .. } => ErrorKind::ModelNotFound,
        EngineError::Fetch { .. } => ErrorKind::FetchFailed,
        EngineError::BadRequest(_) => ErrorKind::BadRequest,
        EngineError::NotFinite { .. } => ErrorKind::NotFinite,
        EngineError::Device(_) => ErrorKind::Device,
        EngineError::Tensor(_) => ErrorKind::Tensor,
        EngineError::Panicked(_) => ErrorKind::Internal,
    };
    let mut wire = ViewError::new(kind, error.to_string());
    match error {
        EngineError::ContextWindow { n_tokens, n_ctx, .. } => {
            (wire.data.n_tokens, wire.data.n_ctx) = (Some(*n_tokens), Some(*n_ctx));
        }
        EngineError::MemoryBudget { needed, available, .. } => {
            (wire.data.needed, wire.data.available) = (Some(*needed), Some(*available));
        }
        _ => {}
    }
    wire
}

pub(crate) fn to_jsonrpc(error: &ViewError) -> Error {
    Error {
        code: ErrorCode::from(i64::from(error.kind().code())),
        message: error.message.clone().into(),
        data: serde_json::to_value(&error.data).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::from_engine;
    use limpid_engine::error::EngineError;

    #[test]
    fn kinds_are_the_engines_codes() {
        let errors = [
            EngineError::Cancelled,
            EngineError::BadRequest("x".into()),
            EngineError::ContextWindow { n_tokens: 2, n_ctx: 1, is_whole: true },
            EngineError::MemoryBudget { what: "x".into(), needed: 2, available: 1 },
            EngineError::NotFinite { hook: "x".into() },
            EngineError::Device("x".into()),
            EngineError::Panicked("x".into()),
            EngineError::malformed("a", "b", "c"),
        ];
        for error in errors {
            let wire = from_engine(&error);
            assert_eq!(wire.kind().as_str(), error.code());
            assert_eq!(wire.message, error.to_string());
        }
    }
}
