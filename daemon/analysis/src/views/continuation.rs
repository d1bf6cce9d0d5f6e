//! Pieces of a continuation as they are written on the wire.

use crate::views::glance::token_text;
use limpid_engine::{
    continuation::{Piece, StoppedBy},
    model_pool::Loaded,
};
use limpid_protocol::views::continuation as wire;

/// A piece, its tokens with their texts.
pub fn piece(loaded: &Loaded, piece: Piece) -> wire::ContinuationPiece {
    let token = |token: limpid_engine::continuation::ContinuedToken| wire::ContinuedToken {
        id: token.id,
        text: token_text(loaded, token.id),
        logprob: token.logprob,
        prob: token.prob,
        rank: token.rank,
    };
    wire::ContinuationPiece {
        side: None,
        tokens: piece.tokens.into_iter().map(token).collect(),
        text: piece.text,
    }
}

/// Why it ended.
pub fn stopped_by(reason: StoppedBy) -> wire::StoppedBy {
    match reason {
        StoppedBy::Eos => wire::StoppedBy::Eos,
        StoppedBy::Stop => wire::StoppedBy::Stop,
        StoppedBy::Length => wire::StoppedBy::Length,
        StoppedBy::Window => wire::StoppedBy::Window,
    }
}
