//! What is agreed at `initialize`: what the client can, and what the server offers.

use crate::{
    positions::Encoding,
    verbs::{command_names, heat_legend},
};
use limpid_protocol::PROTOCOL_VERSION;
use tower_lsp::{Client, ls_types as lsp};

/// What was agreed at `initialize`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Negotiated {
    pub(crate) encoding: Encoding,
    pub(crate) shows_progress: bool,
    pub(crate) refreshes_inlays: bool,
    pub(crate) refreshes_lenses: bool,
    pub(crate) refreshes_diagnostics: bool,
    /// It asks for diagnostics itself.
    pub(crate) pulls_diagnostics: bool,
    /// Definitions may come with the range they are of.
    pub(crate) follows_links: bool,
    /// It answers `workspace/configuration`.
    pub(crate) has_configuration: bool,
    /// It tells of changes on the disk, of files that it is asked to watch.
    pub(crate) watches_files: bool,
}

impl Default for Negotiated {
    /// Before `initialize`, and for a client that says nothing.
    fn default() -> Self {
        Self {
            encoding: Encoding::Utf16,
            shows_progress: false,
            refreshes_inlays: false,
            refreshes_lenses: false,
            refreshes_diagnostics: false,
            pulls_diagnostics: false,
            follows_links: false,
            has_configuration: false,
            watches_files: false,
        }
    }
}

impl Negotiated {
    /// What a client can, and the name of the encoding chosen.
    pub(crate) fn with(client: &lsp::ClientCapabilities) -> (Self, lsp::PositionEncodingKind) {
        let general = client.general.as_ref();
        let offered =
            general.and_then(|general| general.position_encodings.clone()).unwrap_or_default();
        // UTF-8 needs no counting, so it wins where the client offers it; UTF-16 is what LSP says when nothing is offered.
        let (encoding, kind) = [
            (Encoding::Utf8, lsp::PositionEncodingKind::UTF8),
            (Encoding::Utf32, lsp::PositionEncodingKind::UTF32),
        ]
        .into_iter()
        .find(|(_, kind)| offered.contains(kind))
        .unwrap_or((Encoding::Utf16, lsp::PositionEncodingKind::UTF16));
        let window = client.window.as_ref();
        let workspace = client.workspace.as_ref();
        let text = client.text_document.as_ref();
        let yes = |said: Option<bool>| said.unwrap_or(false);
        let negotiated = Self {
            encoding,
            shows_progress: yes(window.and_then(|window| window.work_done_progress)),
            refreshes_inlays: yes(workspace
                .and_then(|workspace| workspace.inlay_hint.as_ref())
                .and_then(|inlay| inlay.refresh_support)),
            refreshes_lenses: yes(workspace
                .and_then(|workspace| workspace.code_lens.as_ref())
                .and_then(|lens| lens.refresh_support)),
            refreshes_diagnostics: yes(workspace
                .and_then(|workspace| workspace.diagnostics.as_ref())
                .and_then(|diagnostics| diagnostics.refresh_support)),
            pulls_diagnostics: text.is_some_and(|text| text.diagnostic.is_some()),
            follows_links: yes(text
                .and_then(|text| text.definition.as_ref())
                .and_then(|definition| definition.link_support)),
            has_configuration: yes(workspace.and_then(|workspace| workspace.configuration)),
            watches_files: yes(workspace
                .and_then(|workspace| workspace.did_change_watched_files)
                .and_then(|watching| watching.dynamic_registration)),
        };
        (negotiated, kind)
    }
}

impl Negotiated {
    /// Has the editor ask anew for what models or settings change.
    pub(crate) async fn refresh(self, client: &Client) {
        if self.refreshes_inlays {
            let _ = client.inlay_hint_refresh().await;
        }
        self.refresh_measured(client).await;
    }

    /// Has the editor ask anew for what measuring changes: lenses and hints.
    pub(crate) async fn refresh_measured(self, client: &Client) {
        self.refresh_lenses(client).await;
        if self.refreshes_diagnostics {
            let _ = client.workspace_diagnostic_refresh().await;
        }
    }

    /// Has the editor ask anew for lenses.
    pub(crate) async fn refresh_lenses(self, client: &Client) {
        if self.refreshes_lenses {
            let _ = client.code_lens_refresh().await;
        }
    }
}

/// What the server offers.
pub(crate) fn offered(encoding: lsp::PositionEncodingKind) -> lsp::ServerCapabilities {
    let sync = lsp::TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(lsp::TextDocumentSyncKind::INCREMENTAL),
        save: Some(lsp::TextDocumentSyncSaveOptions::Supported(true)),
        ..lsp::TextDocumentSyncOptions::default()
    };
    let inlay =
        lsp::InlayHintOptions { resolve_provider: Some(true), ..lsp::InlayHintOptions::default() };
    let diagnostics = lsp::DiagnosticOptions {
        identifier: Some("limpid".into()),
        inter_file_dependencies: false,
        workspace_diagnostics: false,
        ..lsp::DiagnosticOptions::default()
    };
    let heat = lsp::SemanticTokensOptions {
        legend: heat_legend(),
        full: Some(lsp::SemanticTokensFullOptions::Bool(true)),
        ..lsp::SemanticTokensOptions::default()
    };
    let completion = lsp::CompletionOptions {
        trigger_characters: Some(["{", ":", "=", "\"", "."].map(String::from).to_vec()),
        ..lsp::CompletionOptions::default()
    };
    let commands = lsp::ExecuteCommandOptions {
        commands: command_names(),
        ..lsp::ExecuteCommandOptions::default()
    };
    lsp::ServerCapabilities {
        position_encoding: Some(encoding),
        text_document_sync: Some(lsp::TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(lsp::HoverProviderCapability::Simple(true)),
        document_highlight_provider: Some(lsp::OneOf::Left(true)),
        definition_provider: Some(lsp::OneOf::Left(true)),
        references_provider: Some(lsp::OneOf::Left(true)),
        call_hierarchy_provider: Some(lsp::CallHierarchyServerCapability::Simple(true)),
        document_symbol_provider: Some(lsp::OneOf::Left(true)),
        folding_range_provider: Some(lsp::FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(lsp::SelectionRangeProviderCapability::Simple(true)),
        code_lens_provider: Some(lsp::CodeLensOptions { resolve_provider: Some(false) }),
        code_action_provider: Some(lsp::CodeActionProviderCapability::Simple(true)),
        execute_command_provider: Some(commands),
        completion_provider: Some(completion),
        color_provider: Some(lsp::ColorProviderCapability::Simple(true)),
        semantic_tokens_provider: Some(
            lsp::SemanticTokensServerCapabilities::SemanticTokensOptions(heat),
        ),
        diagnostic_provider: Some(lsp::DiagnosticServerCapabilities::Options(diagnostics)),
        inlay_hint_provider: Some(lsp::OneOf::Right(lsp::InlayHintServerCapabilities::Options(
            inlay,
        ))),
        experimental: Some(serde_json::json!({ "limpid": { "protocol": PROTOCOL_VERSION } })),
        ..lsp::ServerCapabilities::default()
    }
}
