//! Which method goes before which, and which only read an analysis that is finished.

use limpid_engine::mailbox::Class;

/// How much somebody waits for an answer of this method.
pub(crate) fn class(method: &str) -> Class {
    match method {
        "textDocument/inlayHint"
        | "textDocument/codeLens"
        | "textDocument/diagnostic"
        | "textDocument/documentColor"
        | "textDocument/semanticTokens/full"
        | "textDocument/semanticTokens/range" => Class::Ambient,
        "limpid/effect" | "limpid/compare" => Class::Background,
        _ => Class::Interactive,
    }
}

/// Whether the method costs a few products once its analysis is there, and so need not wait for somebody else's forward pass.
pub(crate) fn only_reads(method: &str) -> bool {
    ["limpid/node", "limpid/edge", "limpid/head", "limpid/mlp", "limpid/neuron"].contains(&method)
}
