//! `--chat`: the prompt as one user message in the model's own chat template.

use anyhow::Result;
use limpid_engine::tokenizer::{Token, Tokenizer};
use limpid_server::chat_template::{ChatMessage, render};

/// Tokens of `text` as a user's message, the template's around it without spans.
///
/// # Errors
/// The model has no chat template, or its template fails.
pub(crate) fn encode(tokenizer: &Tokenizer, text: &str, n_ctx: usize) -> Result<Vec<Token>> {
    tokenizer.refuse_far_too_long(text, n_ctx)?;
    let chat = render(tokenizer, &[ChatMessage { role: "user", content: text, source: 0 }])?;
    Ok(tokenizer.encode_parts(&chat.parts())?)
}
