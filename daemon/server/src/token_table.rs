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
    token_source(token, place).map(|span| to_range(&place.text, span, encoding))
}

/// The bytes of the document that a token stands for; none for an added one.
pub(crate) fn token_source(token: &TokenRow, place: &Place) -> Option<std::ops::Range<usize>> {
    Some(place.prompt.text.map.to_source(token.start?..token.end?))
}

/// The token at a byte of the document. At the end of the prompt: the last one.
pub(crate) fn token_at<'a>(
    tokens: &'a [TokenRow],
    place: &Place,
    byte: usize,
) -> Option<&'a TokenRow> {
    let at = place.prompt.text.map.to_text(byte);
    let covers =
        |token: &&TokenRow| at.is_some_and(|at| token.start <= Some(at) && token.end > Some(at));
    let last = || tokens.iter().rfind(|token| token.end.is_some() && byte == place.end());
    tokens.iter().filter(|token| token.start.is_some()).find(covers).or_else(last)
}
