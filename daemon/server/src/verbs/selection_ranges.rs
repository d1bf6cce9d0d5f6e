//! `textDocument/selectionRange`: token, word, line, message, body, prompt, document.

use crate::{
    answering::Desk,
    positions::to_byte,
    token_table::{token_at, token_source},
    verbs::{from_lsp, lsp_range},
};
use ropey::Rope;
use std::ops::Range;
use tower_lsp::ls_types as lsp;

impl Desk {
    /// `textDocument/selectionRange`. Tokens are those of a kept answer: selecting waits for nobody.
    pub(crate) fn selections(
        &self,
        params: &lsp::SelectionRangeParams,
    ) -> Option<Vec<lsp::SelectionRange>> {
        let uri = &params.text_document.uri;
        let document = self.documents.snapshot(uri.as_str()).ok()?;
        let places = self.prompts(uri);
        let text = &document.text;
        let at = |position: &lsp::Position| {
            let byte = to_byte(text, from_lsp(*position), self.encoding());
            let mut spans = vec![word(text, byte), line(text, byte), 0..text.len_bytes()];
            for place in &places {
                spans.extend([place.prompt.source.clone(), place.prompt.body.clone()]);
                for message in place.prompt.text.messages.iter().flatten() {
                    let content = place.prompt.text.map.to_source(message.content.clone());
                    spans.extend([message.source.clone(), content]);
                }
                spans.extend(place.prompt.sections.iter().map(|part| part.source.clone()));
                if let Some(glance) = self.kept_glance(&place.ask) {
                    let token = token_at(&glance.tokens, place, byte);
                    spans.extend(token.and_then(|token| token_source(token, place)));
                }
            }
            let range = |span| lsp_range(text, span, self.encoding());
            nested(spans, byte).into_iter().rev().fold(None, |parent, span| {
                Some(lsp::SelectionRange { range: range(span), parent: parent.map(Box::new) })
            })
        };
        params.positions.iter().map(at).collect()
    }
}

/// The spans that hold a byte, innermost first, each strictly in the next; what crosses an inner one is left out.
fn nested(spans: Vec<Range<usize>>, byte: usize) -> Vec<Range<usize>> {
    let mut holding: Vec<Range<usize>> =
        spans.into_iter().filter(|span| span.start <= byte && byte <= span.end).collect();
    holding.sort_by_key(|span| (span.len(), span.start));
    let mut chain: Vec<Range<usize>> = Vec::new();
    for span in holding {
        let fits = chain.last().is_none_or(|inner| {
            span.start <= inner.start && inner.end <= span.end && span != *inner
        });
        if fits {
            chain.push(span);
        }
    }
    chain
}

fn word(text: &Rope, byte: usize) -> Range<usize> {
    let at = text.byte_to_char(byte);
    let belongs = |c: &char| c.is_alphanumeric() || *c == '_';
    let before = text.chars_at(at).reversed().take_while(belongs).map(char::len_utf8);
    let after = text.chars_at(at).take_while(belongs).map(char::len_utf8);
    byte - before.sum::<usize>()..byte + after.sum::<usize>()
}

/// The line at a byte without its break.
fn line(text: &Rope, byte: usize) -> Range<usize> {
    let index = text.byte_to_line(byte);
    let line = text.line(index);
    let breaks =
        line.chars_at(line.len_chars()).reversed().take_while(|c| matches!(c, '\n' | '\r'));
    let start = text.line_to_byte(index);
    start..start + line.len_bytes() - breaks.count()
}

#[cfg(test)]
mod tests {
    use super::{line, nested, word};
    use ropey::Rope;

    #[test]
    fn spans_nest_from_the_inside() {
        let spans = vec![0..20, 3..6, 3..6, 2..10, 5..12, 7..9];
        assert_eq!(nested(spans, 4), [3..6, 2..10, 0..20]);
    }

    #[test]
    fn words_and_lines_are_of_whole_characters() {
        let text = Rope::from_str("é vous\r\nça va\n");
        assert_eq!((word(&text, 5), line(&text, 5)), (3..7, 0..7));
        assert_eq!((word(&text, 9), line(&text, 9)), (9..12, 9..15));
        assert_eq!(word(&text, 2), 0..2);
        assert_eq!(line(&text, 16), 16..16);
    }
}
