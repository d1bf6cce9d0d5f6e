//! The LSP methods: convert, one call, convert. Notifications finish their change before anything is awaited.

use crate::{
    answering::Desk,
    capabilities::{Negotiated, offered},
    documents::Edit,
    error_codes::to_jsonrpc,
    methods::Served,
    verbs::from_lsp,
};
use limpid_protocol::{
    position::Range,
    request::Request,
    view_error::{ErrorKind, ViewError},
    views::status::Status,
};
use serde_json::Value;
use std::sync::Arc;
use tower_lsp::{
    LanguageServer,
    jsonrpc::{Error, Result},
    ls_types::{self as lsp, Uri},
};

/// The server behind one connection.
pub(crate) struct Backend(pub(crate) Arc<Desk>);

impl Backend {
    /// A view of the protocol.
    pub(crate) async fn view<V: Served>(&self, params: Value) -> Result<Value> {
        let params = read::<V>(params)?;
        let mut answer = self.0.answer::<V>(params).await.map_err(|error| to_jsonrpc(&error))?;
        // Moved, not copied: a route graph is megabytes.
        let view = answer.view.take();
        let mut written = written(Ok(answer))?;
        written["view"] = view;
        Ok(written)
    }

    /// `limpid/render`.
    pub(crate) async fn render(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::render::Render>(params)?;
        written(self.0.rendered(params).await)
    }

    /// `limpid/continue`.
    pub(crate) async fn continuation(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::continuation::Continue>(params)?;
        written(self.0.continuation(params).await)
    }

    /// `limpid/effect`.
    pub(crate) async fn effect(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::effect::Effect>(params)?;
        written(self.0.effect(params).await)
    }

    /// `limpid/switches`.
    pub(crate) async fn switches(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::switches::Switches>(params)?;
        written(self.0.switches(params).await)
    }

    /// `limpid/compare`.
    pub(crate) async fn comparison(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::compare::Compare>(params)?;
        written(self.0.comparison(params).await)
    }

    /// `limpid/models`.
    pub(crate) async fn models(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::models::Models>(params)?;
        written(self.0.models(params).await)
    }

    /// `limpid/status`.
    pub(crate) async fn status(&self, params: Value) -> Result<Value> {
        read::<Status>(params)?;
        written(Ok(self.0.shared.status()))
    }

    /// `window/workDoneProgress/cancel`, which the framework does not route.
    pub(crate) async fn work_done_progress_cancel(
        &self,
        params: lsp::WorkDoneProgressCancelParams,
    ) {
        if let lsp::NumberOrString::String(token) = params.token {
            self.0.shared.loading.cancel(self.0.id, &token);
        }
    }

    /// After a change: shows what is wrong with the document, and says so in the log where it cannot be used any more.
    async fn changed(&self, uri: Uri, problem: Option<&'static str>) {
        if let Some(problem) = problem {
            tracing::error!(problem, "a document cannot be used");
            let said = format!("{} {problem}", uri.as_str());
            self.0.client.log_message(lsp::MessageType::ERROR, said).await;
        }
        self.0.announce_problems(uri);
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
        let (negotiated, encoding) = Negotiated::with(&params.capabilities);
        let _ = self.0.negotiated.set(negotiated);
        self.0.configure(&params);
        Ok(lsp::InitializeResult {
            capabilities: offered(encoding),
            server_info: Some(lsp::ServerInfo {
                name: "limpid".into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
            ..lsp::InitializeResult::default()
        })
    }

    async fn initialized(&self, _: lsp::InitializedParams) {
        self.0.ask_for_settings();
        self.0.watch_folders();
    }

    async fn did_save(&self, params: lsp::DidSaveTextDocumentParams) {
        self.0.saved(&params.text_document.uri).await;
    }

    async fn did_change_configuration(&self, params: lsp::DidChangeConfigurationParams) {
        self.0.reconfigured(&params.settings).await;
    }

    async fn did_change_watched_files(&self, _: lsp::DidChangeWatchedFilesParams) {
        self.0.folders_changed().await;
    }

    async fn completion(
        &self,
        params: lsp::CompletionParams,
    ) -> Result<Option<lsp::CompletionResponse>> {
        Ok(self.0.completions(&params.text_document_position))
    }

    async fn semantic_tokens_full(
        &self,
        params: lsp::SemanticTokensParams,
    ) -> Result<Option<lsp::SemanticTokensResult>> {
        let tokens = self.0.heat_tokens(&params.text_document.uri).await;
        Ok(tokens.map(lsp::SemanticTokensResult::Tokens))
    }

    async fn document_color(
        &self,
        params: lsp::DocumentColorParams,
    ) -> Result<Vec<lsp::ColorInformation>> {
        Ok(self.0.heat_colors(&params.text_document.uri).await)
    }

    async fn color_presentation(
        &self,
        _: lsp::ColorPresentationParams,
    ) -> Result<Vec<lsp::ColorPresentation>> {
        // A score is not edited by choosing another colour.
        Ok(Vec::new())
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: lsp::DidOpenTextDocumentParams) {
        let document = params.text_document;
        let uri = document.uri.as_str();
        let problem =
            self.0.documents.open(uri, document.language_id, document.version, &document.text);
        self.0.flights.stop_document(uri);
        self.changed(document.uri, problem).await;
    }

    async fn did_change(&self, params: lsp::DidChangeTextDocumentParams) {
        let uri = params.text_document.uri;
        let edit = |change: lsp::TextDocumentContentChangeEvent| Edit {
            range: change
                .range
                .map(|range| Range { start: from_lsp(range.start), end: from_lsp(range.end) }),
            text: change.text,
        };
        let edits = params.content_changes.into_iter().map(edit).collect();
        let was_usable = self.0.documents.snapshot(uri.as_str()).is_ok();
        let encoding = self.0.negotiated().encoding;
        let version = params.text_document.version;
        let problem = self.0.documents.change(uri.as_str(), version, edits, encoding);
        self.0.flights.stop_document(uri.as_str());
        self.changed(uri, problem.filter(|_| was_usable)).await;
    }

    async fn did_close(&self, params: lsp::DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        self.0.documents.close(uri.as_str());
        self.0.flights.stop_document(uri.as_str());
        self.0.analyses.forget_document(uri.as_str());
        self.0.configuration.forget(uri.as_str());
        self.0.withdraw_problems(&uri).await;
    }

    async fn hover(&self, params: lsp::HoverParams) -> Result<Option<lsp::Hover>> {
        Ok(self.0.hovered(&params.text_document_position_params).await)
    }

    async fn inlay_hint(
        &self,
        params: lsp::InlayHintParams,
    ) -> Result<Option<Vec<lsp::InlayHint>>> {
        self.0.hints(&params).await
    }

    async fn inlay_hint_resolve(&self, hint: lsp::InlayHint) -> Result<lsp::InlayHint> {
        Ok(self.0.resolved(hint))
    }

    async fn document_highlight(
        &self,
        params: lsp::DocumentHighlightParams,
    ) -> Result<Option<Vec<lsp::DocumentHighlight>>> {
        Ok(self.0.highlights(&params.text_document_position_params).await)
    }

    async fn goto_definition(
        &self,
        params: lsp::GotoDefinitionParams,
    ) -> Result<Option<lsp::GotoDefinitionResponse>> {
        Ok(self.0.definition(&params.text_document_position_params).await)
    }

    async fn references(&self, params: lsp::ReferenceParams) -> Result<Option<Vec<lsp::Location>>> {
        let with_itself = params.context.include_declaration;
        Ok(self.0.references(&params.text_document_position, with_itself).await)
    }

    async fn prepare_call_hierarchy(
        &self,
        params: lsp::CallHierarchyPrepareParams,
    ) -> Result<Option<Vec<lsp::CallHierarchyItem>>> {
        Ok(self.0.route_top(&params.text_document_position_params).await)
    }

    async fn incoming_calls(
        &self,
        params: lsp::CallHierarchyIncomingCallsParams,
    ) -> Result<Option<Vec<lsp::CallHierarchyIncomingCall>>> {
        Ok(self.0.flows_in(&params.item).await)
    }

    async fn outgoing_calls(
        &self,
        params: lsp::CallHierarchyOutgoingCallsParams,
    ) -> Result<Option<Vec<lsp::CallHierarchyOutgoingCall>>> {
        Ok(self.0.flows_out(&params.item).await)
    }

    async fn document_symbol(
        &self,
        params: lsp::DocumentSymbolParams,
    ) -> Result<Option<lsp::DocumentSymbolResponse>> {
        Ok(self.0.symbols(&params.text_document.uri))
    }

    async fn folding_range(
        &self,
        params: lsp::FoldingRangeParams,
    ) -> Result<Option<Vec<lsp::FoldingRange>>> {
        Ok(self.0.folds(&params.text_document.uri))
    }

    async fn selection_range(
        &self,
        params: lsp::SelectionRangeParams,
    ) -> Result<Option<Vec<lsp::SelectionRange>>> {
        Ok(self.0.selections(&params))
    }

    async fn code_lens(&self, params: lsp::CodeLensParams) -> Result<Option<Vec<lsp::CodeLens>>> {
        Ok(self.0.lenses(&params.text_document.uri).await)
    }

    async fn code_action(
        &self,
        params: lsp::CodeActionParams,
    ) -> Result<Option<lsp::CodeActionResponse>> {
        Ok(self.0.actions(&params).await)
    }

    async fn execute_command(&self, params: lsp::ExecuteCommandParams) -> Result<Option<Value>> {
        self.0.executed(params).await
    }

    async fn diagnostic(
        &self,
        params: lsp::DocumentDiagnosticParams,
    ) -> Result<lsp::DocumentDiagnosticReportResult> {
        Ok(self.0.diagnosed(&params).await.into())
    }
}

fn read<R: Request>(params: Value) -> Result<R::Params> {
    serde_path_to_error::deserialize(params).map_err(|error| {
        let (field, problem) = (error.path().to_string(), error.inner());
        to_jsonrpc(&ViewError::new(
            ErrorKind::BadRequest,
            format!("params of {}: {field}: {problem}", R::METHOD),
        ))
    })
}

fn written<T: serde::Serialize>(result: std::result::Result<T, ViewError>) -> Result<Value> {
    let value = serde_json::to_value(result.map_err(|error| to_jsonrpc(&error))?);
    value.map_err(|_| Error::internal_error())
}
