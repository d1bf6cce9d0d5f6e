//! Messages in the model's own chat template, as tokens.

use anyhow::Result;
use limpid_engine::tokenizer::{Token, Tokenizer};
use limpid_server::{
    chat_template::{ChatMessage, render},
    parts::Titled,
};

/// Tokens of messages whose contents stand in `text`; the template's around them have no spans.
///
/// # Errors
/// The model has no chat template, or its template fails.
pub(crate) fn encode(
    tokenizer: &Tokenizer,
    text: &str,
    messages: &[Titled],
    n_ctx: usize,
) -> Result<Vec<Token>> {
    tokenizer.refuse_far_too_long(text, n_ctx)?;
    let chat: Vec<ChatMessage<'_>> = messages
        .iter()
        .map(|Titled { name, span }| ChatMessage {
            role: name,
            content: text.get(span.clone()).unwrap_or_default(),
            source: span.start,
        })
        .collect();
    Ok(tokenizer.encode_parts(&render(tokenizer, &chat)?.parts())?)
}
