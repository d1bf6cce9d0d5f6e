//! `textDocument/hover`: the token under the cursor; on front matter and settings, what the key means.

use crate::{
    answering::Desk,
    hover,
    token_table::{token_at, token_range},
    verbs::to_lsp,
};
use std::sync::Arc;
use tower_lsp::ls_types as lsp;

impl Desk {
    /// `textDocument/hover`.
    pub(crate) async fn hovered(&self, at: &lsp::TextDocumentPositionParams) -> Option<lsp::Hover> {
        let spot = Arc::new(self.spot(at)?);
        let encoding = self.encoding();
        let of = Arc::clone(&spot);
        let result = self
            .run("textDocument/hover", &spot.place, move |desk, job| {
                let inspection = desk.inspection(&of.place.ask, job)?;
                let Some(token) = token_at(&inspection.tokens, &of.place, of.byte) else {
                    return Ok(None);
                };
                let step_two = desk.attributions(&of.place.ask, job)?;
                let range = token_range(token, &of.place, encoding);
                Ok(Some((hover::token_hover(token, &inspection, &step_two), range)))
            })
            .await;
        let (text, range) = match result {
            Ok(shown) => shown?,
            Err(error) => (hover::error_hover(&error)?, None),
        };
        Some(markdown(text, range.map(to_lsp)))
    }
}

/// A hover of Markdown.
pub(super) fn markdown(value: String, range: Option<lsp::Range>) -> lsp::Hover {
    let contents = lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value };
    lsp::Hover { contents: lsp::HoverContents::Markup(contents), range }
}
