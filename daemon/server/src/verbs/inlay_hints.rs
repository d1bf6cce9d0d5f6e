//! `textDocument/inlayHint` and its resolve: what comes next after each prompt, from a glance, so that it keeps up with typing.

use crate::{answering::Desk, error_codes::to_jsonrpc, inlay, place::Place, verbs::lsp_position};
use limpid_protocol::view_error::{ErrorKind, ViewError};
use serde_json::Value;
use std::sync::Arc;
use tower_lsp::{jsonrpc::Result, ls_types as lsp};

impl Desk {
    /// `textDocument/inlayHint`.
    ///
    /// # Errors
    /// The document changed, or a newer request replaced this one: an empty answer would take the newer hints away.
    pub(crate) async fn hints(
        &self,
        params: &lsp::InlayHintParams,
    ) -> Result<Option<Vec<lsp::InlayHint>>> {
        let uri = &params.text_document.uri;
        let mut hints = Vec::new();
        let mut any = false;
        let places = self.prompts(uri);
        let shown = places.iter().filter(|place| {
            let end = lsp_position(&place.text, place.end(), self.encoding());
            end >= params.range.start && end <= params.range.end
        });
        let shown: Vec<Arc<Place>> = shown.cloned().collect();
        for place in shown {
            any = true;
            let end = lsp_position(&place.text, place.end(), self.encoding());
            match self.glanced("textDocument/inlayHint", &place).await {
                Ok(glance) => {
                    let id = place.id.clone();
                    hints.push(inlay::prediction_hint(end, &glance, &id));
                    self.analyses.keep_place(place);
                }
                Err(error) if is_superseded(&error) => return Err(to_jsonrpc(&error)),
                Err(error) => hints.extend(inlay::problem_hint(end, &error)),
            }
        }
        Ok(any.then_some(hints).filter(|hints| !hints.is_empty()))
    }

    /// `inlayHint/resolve`: ten predictions with logits.
    pub(crate) fn resolved(&self, mut hint: lsp::InlayHint) -> lsp::InlayHint {
        let id = hint.data.as_ref().and_then(|data| data.get("analysis")).and_then(Value::as_str);
        let kept = id
            .and_then(|id| self.analyses.place(id))
            .and_then(|place| self.kept_glance(&place.ask));
        if let Some(glance) = kept {
            hint.tooltip = Some(inlay::tooltip(&glance));
        }
        hint
    }
}

/// Whether an error only says that its question is out of date.
pub(super) fn is_superseded(error: &ViewError) -> bool {
    matches!(error.kind(), ErrorKind::StaleVersion | ErrorKind::Cancelled)
}
