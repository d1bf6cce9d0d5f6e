//! `textDocument/hover`: the token under the cursor; on front matter and settings, what the key means.

use crate::{
    answering::Desk,
    hover,
    positions::to_byte,
    prompt_document::PromptDocument,
    settings::{assist, front_matter},
    token_table::{token_at, token_range},
    verbs::{from_lsp, is_folder_settings, lsp_range, to_lsp},
};
use std::sync::Arc;
use tower_lsp::ls_types as lsp;

impl Desk {
    /// `textDocument/hover`.
    pub(crate) async fn hovered(&self, at: &lsp::TextDocumentPositionParams) -> Option<lsp::Hover> {
        if let Some(explained) = self.explained_key(at) {
            return Some(explained);
        }
        let spot = Arc::new(self.spot(at)?);
        let encoding = self.encoding();
        let of = Arc::clone(&spot);
        let was_known = self.shared.numbers.second(&spot.place.ask).is_some();
        let result = self
            .run("textDocument/hover", &spot.place, move |desk, job| {
                let inspection = desk.inspection(&of.place.ask, job)?;
                let Some(token) = token_at(&inspection.tokens, &of.place, of.byte) else {
                    return Ok(None);
                };
                let step_two = desk.attributions(&of.place.ask, job)?;
                let range = token_range(token, &of.place, encoding);
                let ask = &of.place.ask;
                let known = desk.known_effects(ask);
                let text = hover::token_hover(ask, token, &inspection, &step_two, &known);
                Ok(Some((text, range)))
            })
            .await;
        if !was_known && self.shared.numbers.second(&spot.place.ask).is_some() {
            self.refresh_shares(&spot.place);
        }
        let (text, range) = match result {
            Ok(shown) => shown?,
            Err(error) => (hover::error_hover(&error)?, None),
        };
        Some(markdown(text, range.map(to_lsp)))
    }
}

impl Desk {
    /// What the key under the cursor means, in `limpid.toml` and in front matter.
    fn explained_key(&self, at: &lsp::TextDocumentPositionParams) -> Option<lsp::Hover> {
        let uri = &at.text_document.uri;
        let document = self.documents.snapshot(uri.as_str()).ok()?;
        let byte = to_byte(&document.text, from_lsp(at.position), self.encoding());
        let text = || document.text.to_string();
        let (explained, span) = if is_folder_settings(uri) {
            assist::hover(&text(), byte)?
        } else {
            let prompts = document.prompts(uri.as_str());
            let before = |prompt: &Arc<PromptDocument>| {
                prompt.source.start <= byte && byte < prompt.body.start
            };
            prompts.iter().find(|prompt| before(prompt))?;
            front_matter::hover(&text(), byte)?
        };
        let range = lsp_range(&document.text, span, self.encoding());
        Some(markdown(explained, Some(range)))
    }
}

/// A hover of Markdown.
pub(super) fn markdown(value: String, range: Option<lsp::Range>) -> lsp::Hover {
    let contents = lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value };
    lsp::Hover { contents: lsp::HoverContents::Markup(contents), range }
}
