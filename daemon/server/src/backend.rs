//! The LSP methods: convert, one call, convert. Notifications finish their change before anything is awaited.

use crate::{
    answering::{Desk, Negotiated},
    documents::Edit,
    error_codes::to_jsonrpc,
    highlights, hover, inlay,
    methods::Served,
    place::Place,
    positions::{Encoding, to_byte, to_position},
    prompt_selection::{is_prompt, whole},
    token_table::{token_at, token_range},
};
use limpid_protocol::{
    PROTOCOL_VERSION,
    position::{Position, Range},
    request::Request,
    view_error::{ErrorKind, ViewError},
    views::status::{Status, StatusResult},
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

/// A document as a prompt, if it is one.
type Found = std::result::Result<Option<Arc<Place>>, ViewError>;

impl Backend {
    /// A view of the protocol.
    pub(crate) async fn view<V: Served>(&self, params: Value) -> Result<Value> {
        let params = read::<V>(params)?;
        written(self.0.answer::<V>(params).await)
    }

    /// `limpid/continue`.
    pub(crate) async fn continuation(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::continuation::Continue>(params)?;
        written(self.0.continuation(params).await)
    }

    /// `limpid/models`.
    pub(crate) async fn models(&self, params: Value) -> Result<Value> {
        let params = read::<limpid_protocol::views::models::Models>(params)?;
        written(self.0.models(params).await)
    }

    /// `limpid/status`.
    pub(crate) async fn status(&self, params: Value) -> Result<Value> {
        read::<Status>(params)?;
        let desk = &self.0;
        written(Ok(StatusResult {
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL_VERSION,
            pid: std::process::id(),
            uptime_s: desk.started.elapsed().as_secs(),
            documents: desk.documents.count(),
            queue: desk.compute.queued() + desk.loading.queued(),
            models: desk.analyst.models(),
            cache: desk.analyst.cache(),
            methods: desk.stats.rows(),
        }))
    }

    /// `window/workDoneProgress/cancel`, which the framework does not route.
    pub(crate) async fn work_done_progress_cancel(
        &self,
        params: lsp::WorkDoneProgressCancelParams,
    ) {
        if let lsp::NumberOrString::String(token) = params.token {
            self.0.loading.cancel(&token);
        }
    }

    /// The whole document as a prompt; none when nothing should appear in it by itself.
    fn prompt(&self, uri: &Uri) -> Found {
        let Ok(document) = self.0.documents.snapshot(uri.as_str()) else { return Ok(None) };
        if !is_prompt(uri.as_str(), &document) {
            return Ok(None);
        }
        Place::of_span(uri.as_str(), &document, whole(&document)).map(|place| Some(Arc::new(place)))
    }

    fn encoding(&self) -> Encoding {
        self.0.negotiated().encoding
    }

    /// After a change: stops what it made stale, and shows what is wrong with the document, if anything.
    async fn changed(&self, uri: Uri, problem: Option<&'static str>) {
        let uri_text = uri.as_str().to_owned();
        let diagnostics = problem.map(|problem| lsp::Diagnostic {
            severity: Some(lsp::DiagnosticSeverity::WARNING),
            source: Some("limpid".into()),
            code: Some(lsp::NumberOrString::String(ErrorKind::DocumentNotOpen.as_str().into())),
            message: format!("this document {problem}"),
            ..lsp::Diagnostic::default()
        });
        if let Some(problem) = problem {
            tracing::error!(problem, "a document cannot be used");
            self.0
                .client
                .log_message(lsp::MessageType::ERROR, format!("{uri_text} {problem}"))
                .await;
        }
        self.0.client.publish_diagnostics(uri, diagnostics.into_iter().collect(), None).await;
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
        let general = params.capabilities.general.as_ref();
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
        let window = params.capabilities.window.as_ref();
        let workspace = params.capabilities.workspace.as_ref();
        let negotiated = Negotiated {
            encoding,
            shows_progress: window.and_then(|window| window.work_done_progress).unwrap_or(false),
            refreshes_inlays: workspace
                .and_then(|workspace| workspace.inlay_hint.as_ref())
                .and_then(|inlay| inlay.refresh_support)
                .unwrap_or(false),
        };
        let _ = self.0.negotiated.set(negotiated);
        let sync = lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::INCREMENTAL),
            ..lsp::TextDocumentSyncOptions::default()
        };
        let inlay = lsp::InlayHintOptions {
            resolve_provider: Some(true),
            ..lsp::InlayHintOptions::default()
        };
        Ok(lsp::InitializeResult {
            capabilities: lsp::ServerCapabilities {
                position_encoding: Some(kind),
                text_document_sync: Some(lsp::TextDocumentSyncCapability::Options(sync)),
                hover_provider: Some(lsp::HoverProviderCapability::Simple(true)),
                document_highlight_provider: Some(lsp::OneOf::Left(true)),
                inlay_hint_provider: Some(lsp::OneOf::Right(
                    lsp::InlayHintServerCapabilities::Options(inlay),
                )),
                experimental: Some(
                    serde_json::json!({ "limpid": { "protocol": PROTOCOL_VERSION } }),
                ),
                ..lsp::ServerCapabilities::default()
            },
            server_info: Some(lsp::ServerInfo {
                name: "limpid".into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
            ..lsp::InitializeResult::default()
        })
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
        if problem.is_some() {
            self.changed(document.uri, problem).await;
        }
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
        let problem = self.0.documents.change(
            uri.as_str(),
            params.text_document.version,
            edits,
            self.encoding(),
        );
        self.0.flights.stop_document(uri.as_str());
        if was_usable != problem.is_none() {
            self.changed(uri, problem).await;
        }
    }

    async fn did_close(&self, params: lsp::DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        let was_usable = self.0.documents.snapshot(uri.as_str()).is_ok();
        self.0.documents.close(uri.as_str());
        self.0.flights.stop_document(uri.as_str());
        self.0.analyses.forget_document(uri.as_str());
        if !was_usable {
            self.changed(uri, None).await;
        }
    }

    async fn hover(&self, params: lsp::HoverParams) -> Result<Option<lsp::Hover>> {
        let lsp::TextDocumentPositionParams { text_document, position } =
            params.text_document_position_params;
        let Ok(Some(place)) = self.prompt(&text_document.uri) else { return Ok(None) };
        let (at, encoding) = (place.clone(), self.encoding());
        let byte = to_byte(&place.text, from_lsp(position), encoding);
        let result = self
            .0
            .run("textDocument/hover", &place, move |desk, job| {
                let inspection = desk.inspection(&at.ask, job)?;
                let Some(token) = token_at(&inspection.tokens, &at, byte) else { return Ok(None) };
                let step_two = desk.attributions(&at.ask, job)?;
                let range = token_range(token, &at, encoding);
                Ok(Some((hover::token_hover(token, &inspection, &step_two), range)))
            })
            .await;
        let (text, range) = match result {
            Ok(Some(shown)) => shown,
            Ok(None) => return Ok(None),
            Err(error) => match hover::error_hover(&error) {
                Some(text) => (text, None),
                None => return Ok(None),
            },
        };
        let contents = lsp::HoverContents::Markup(lsp::MarkupContent {
            kind: lsp::MarkupKind::Markdown,
            value: text,
        });
        Ok(Some(lsp::Hover { contents, range: range.map(to_lsp) }))
    }

    async fn inlay_hint(
        &self,
        params: lsp::InlayHintParams,
    ) -> Result<Option<Vec<lsp::InlayHint>>> {
        let Ok(Some(place)) = self.prompt(&params.text_document.uri) else { return Ok(None) };
        let end = position_to_lsp(to_position(&place.text, place.span.end, self.encoding()));
        if end < params.range.start || end > params.range.end {
            return Ok(None);
        }
        let ask = place.ask.clone();
        let result = self
            .0
            .run("textDocument/inlayHint", &place, move |desk, job| desk.inspection(&ask, job))
            .await;
        match result {
            Ok(inspection) => {
                let hint = inlay::prediction_hint(end, &inspection, &place.id);
                self.0.analyses.keep_place(place);
                Ok(Some(vec![hint]))
            }
            // An empty answer would take the hint of the newer version away.
            Err(error)
                if matches!(error.kind(), ErrorKind::StaleVersion | ErrorKind::Cancelled) =>
            {
                Err(to_jsonrpc(&error))
            }
            Err(error) => Ok(inlay::problem_hint(end, &error).map(|hint| vec![hint])),
        }
    }

    async fn inlay_hint_resolve(&self, mut hint: lsp::InlayHint) -> Result<lsp::InlayHint> {
        let id = hint.data.as_ref().and_then(|data| data.get("analysis")).and_then(Value::as_str);
        let kept = id
            .and_then(|id| self.0.analyses.place(id))
            .and_then(|place| self.0.analyses.first(&place.ask));
        if let Some(inspection) = kept {
            hint.tooltip = Some(inlay::tooltip(&inspection));
        }
        Ok(hint)
    }

    async fn document_highlight(
        &self,
        params: lsp::DocumentHighlightParams,
    ) -> Result<Option<Vec<lsp::DocumentHighlight>>> {
        let lsp::TextDocumentPositionParams { text_document, position } =
            params.text_document_position_params;
        let Ok(Some(place)) = self.prompt(&text_document.uri) else { return Ok(None) };
        let encoding = self.encoding();
        let byte = to_byte(&place.text, from_lsp(position), encoding);
        let at = place.clone();
        let result = self
            .0
            .run("textDocument/documentHighlight", &place, move |desk, job| {
                let inspection = desk.inspection(&at.ask, job)?;
                let Some(token) = token_at(&inspection.tokens, &at, byte) else {
                    return Ok(Vec::new());
                };
                let mark = |index: usize, kind| {
                    let range = inspection
                        .tokens
                        .get(index)
                        .and_then(|token| token_range(token, &at, encoding));
                    range.map(|range| lsp::DocumentHighlight {
                        range: to_lsp(range),
                        kind: Some(kind),
                    })
                };
                // After the prompt's end stands what comes next; on a token, that token is what is explained.
                let explained = match token.index.checked_sub(1) {
                    Some(before) if byte < at.span.end => {
                        desk.inspection(&Place::clone(&at).toward(before, token.id).ask, job)?
                    }
                    Some(_) => inspection.clone(),
                    None => {
                        return Ok(mark(0, lsp::DocumentHighlightKind::WRITE)
                            .into_iter()
                            .collect());
                    }
                };
                let own = mark(token.index, lsp::DocumentHighlightKind::WRITE);
                let sources = highlights::rests_on(&explained);
                let sources = sources
                    .into_iter()
                    .filter_map(|index| mark(index, lsp::DocumentHighlightKind::READ));
                Ok(own.into_iter().chain(sources).collect())
            })
            .await;
        Ok(result.ok().filter(|marks: &Vec<_>| !marks.is_empty()))
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

fn from_lsp(at: lsp::Position) -> Position {
    Position { line: at.line, character: at.character }
}

fn position_to_lsp(at: Position) -> lsp::Position {
    lsp::Position { line: at.line, character: at.character }
}

fn to_lsp(range: Range) -> lsp::Range {
    lsp::Range { start: position_to_lsp(range.start), end: position_to_lsp(range.end) }
}
