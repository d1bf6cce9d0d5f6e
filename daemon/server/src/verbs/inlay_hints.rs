//! `textDocument/inlayHint` and its resolve: what comes next after each prompt, from a glance, so that it keeps up with typing.

use crate::{
    answering::Desk, error_codes::to_jsonrpc, inlay, place::Place, token_table::token_source,
    verbs::lsp_position,
};
use limpid_protocol::{
    view_error::{ErrorKind, ViewError},
    views::tokens::TokensView,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
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
        let settings = self.settings_of(uri.as_str());
        let position = |place: &Place, byte| lsp_position(&place.text, byte, self.encoding());
        let places = self.prompts(uri);
        let shown = places.iter().filter(|place| {
            position(place, place.end()) >= params.range.start
                && position(place, place.prompt.source.start) <= params.range.end
        });
        let shown: Vec<Arc<Place>> = shown.cloned().collect();
        for place in shown {
            let end = position(&place, place.end());
            match self.glanced("textDocument/inlayHint", &place).await {
                Ok(glance) => {
                    if settings.inlay_surprisal == Some(true) {
                        hints.extend(self.surprisals(&place, &glance));
                    }
                    let shown = settings.predictions();
                    if shown > 0 {
                        hints.push(inlay::prediction_hint(end, &glance, shown, &place.id));
                    }
                    self.analyses.keep_place(place);
                }
                Err(error) if is_superseded(&error) => return Err(to_jsonrpc(&error)),
                Err(error) => hints.extend(inlay::problem_hint(end, &error)),
            }
        }
        hints.retain(|hint: &lsp::InlayHint| {
            hint.position >= params.range.start && hint.position <= params.range.end
        });
        Ok(Some(hints).filter(|hints| !hints.is_empty()))
    }

    /// A hint at the end of every line that has tokens.
    fn surprisals(&self, place: &Place, glance: &TokensView) -> Vec<lsp::InlayHint> {
        let mut lines: BTreeMap<usize, f32> = BTreeMap::new();
        for token in &glance.tokens {
            let (Some(logprob), Some(span)) = (token.logprob, token_source(token, place)) else {
                continue;
            };
            // A line break that begins a token belongs to the line before, the token to its own.
            let blank = token.text.len() - token.text.trim_start().len();
            let blank = if blank < token.text.len() { blank } else { 0 };
            let line = place.text.byte_to_line((span.start + blank).min(place.text.len_bytes()));
            *lines.entry(line).or_default() -= logprob;
        }
        let end_of = |line: usize| {
            let text = place.text.line(line);
            let breaks = text.chars_at(text.len_chars()).reversed();
            let breaks = breaks.take_while(|c| matches!(c, '\n' | '\r')).count();
            place.text.line_to_byte(line) + text.len_bytes() - breaks
        };
        let hint = |(line, nats): (usize, f32)| {
            inlay::surprisal_hint(lsp_position(&place.text, end_of(line), self.encoding()), nats)
        };
        lines.into_iter().map(hint).collect()
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
