//! From what is asked about to the tokens that a model reads, and which of them a request means.

use crate::{
    analyst::Ask,
    chat_template::{self, ChatMessage, RenderedChat},
};
use limpid_engine::{
    error::EngineError,
    model_pool::Loaded,
    tokenizer::{Specials, Token},
};
use limpid_protocol::view_error::{ErrorKind, ViewError};

/// Tokens of what is asked about.
pub(crate) fn encode(loaded: &Loaded, ask: &Ask) -> Result<Vec<Token>, EngineError> {
    Ok(read(loaded, ask)?.1)
}

/// What is asked about as its model reads it: the text as it is, or its messages in the model's chat template; and its tokens.
pub(crate) fn read(
    loaded: &Loaded,
    ask: &Ask,
) -> Result<(Option<RenderedChat>, Vec<Token>), EngineError> {
    let (tokenizer, n_ctx) = (loaded.tokenizer()?, loaded.model.spec.n_ctx);
    let Some(turns) = &ask.turns else {
        return Ok((None, tokenizer.encode_within(&ask.text, Specials::Parse, n_ctx)?));
    };
    tokenizer.refuse_far_too_long(&ask.text, n_ctx)?;
    let messages: Vec<ChatMessage<'_>> = turns
        .iter()
        .map(|turn| ChatMessage {
            role: turn.role.as_str(),
            content: &ask.text[turn.content.clone()],
            source: turn.content.start,
        })
        .collect();
    let chat = chat_template::render(tokenizer, &messages)?;
    let tokens = tokenizer.encode_parts(&chat.parts())?;
    if tokens.len() > n_ctx {
        return Err(EngineError::ContextWindow { n_tokens: tokens.len(), n_ctx, is_whole: true });
    }
    Ok((Some(chat), tokens))
}

/// The positions that a request names, each of them once; all where it names none.
///
/// # Errors
/// [`ErrorKind::BadRequest`].
pub(crate) fn chosen_positions(
    positions: Option<&[usize]>,
    n_tokens: usize,
) -> Result<Vec<usize>, ViewError> {
    let positions = positions.map(<[usize]>::to_vec).unwrap_or_else(|| (0..n_tokens).collect());
    if let Some(position) = positions.iter().find(|position| **position >= n_tokens) {
        let problem = format!(
            "position {position} is out of range; the prompt has positions 0 to {}",
            n_tokens - 1
        );
        return Err(ViewError::new(ErrorKind::BadRequest, problem));
    }
    if positions.is_empty() || positions.len() > n_tokens {
        let problem = format!(
            "`positions` has {} entries for {n_tokens} tokens; name each position once, or leave it out for all",
            positions.len()
        );
        return Err(ViewError::new(ErrorKind::BadRequest, problem));
    }
    Ok(positions)
}
