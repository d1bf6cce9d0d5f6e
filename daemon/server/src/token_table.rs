//! Token byte spans to ranges in the document, once per answer.

use crate::{
    place::Place,
    positions::{Encoding, to_range},
};
use limpid_protocol::{display, inspection::TokenRow, position::Range, token_table::TableToken};

/// The table of a prompt's tokens.
pub(crate) fn token_table(
    tokens: &[TokenRow],
    place: &Place,
    encoding: Encoding,
) -> Vec<TableToken> {
    tokens
        .iter()
        .map(|token| TableToken {
            index: token.index,
            id: token.id,
            display: display::token(&token.text),
            range: token_range(token, place, encoding),
        })
        .collect()
}

/// Where a token stands in the document; none for an added one.
pub(crate) fn token_range(token: &TokenRow, place: &Place, encoding: Encoding) -> Option<Range> {
    let (start, end) = (token.start?, token.end?);
    let at = |offset: usize| (place.span.start + offset).min(place.span.end);
    Some(to_range(&place.text, at(start)..at(end), encoding))
}

/// The token at a byte of the document. At the end of the prompt: the last one.
pub(crate) fn token_at<'a>(
    tokens: &'a [TokenRow],
    place: &Place,
    byte: usize,
) -> Option<&'a TokenRow> {
    if byte < place.span.start || byte > place.span.end {
        return None;
    }
    let offset = byte - place.span.start;
    let found = tokens
        .iter()
        .find(|token| token.start.is_some_and(|start| start <= offset) && token.end > Some(offset));
    found.or_else(|| tokens.iter().rfind(|token| token.end.is_some() && byte == place.span.end))
}
