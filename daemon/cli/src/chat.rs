//! A prompt as tokens: in the model's chat template where it is a chat, else as it stands.

use anyhow::Result;
use limpid_engine::tokenizer::{Specials, Token, Tokenizer};
use limpid_server::{
    chat_template::{ChatMessage, ChatTemplate, RenderedChat, render_with},
    prompt_text::PromptText,
};

/// What a model reads of a prompt.
pub(crate) struct ModelText<'a> {
    prompt: &'a PromptText,
    /// None: the prompt as it stands.
    pub(crate) chat: Option<RenderedChat>,
}

impl<'a> ModelText<'a> {
    /// A prompt in a template where one is given, as it stands otherwise.
    ///
    /// # Errors
    /// The template is broken, or refuses or changes the messages.
    pub(crate) fn new(prompt: &'a PromptText, template: Option<&ChatTemplate>) -> Result<Self> {
        let messages = ChatMessage::of(prompt);
        let chat = template.map(|template| render_with(template, &messages)).transpose()?;
        Ok(Self { prompt, chat })
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        self.chat.as_ref().map_or(&self.prompt.text, |chat| &chat.text)
    }

    /// Its tokens, with their places in the prompt's own text; what was added has none.
    ///
    /// # Errors
    /// More than `n_ctx` tokens, or the tokenizer refuses the text.
    pub(crate) fn tokens(&self, tokenizer: &Tokenizer, n_ctx: usize) -> Result<Vec<Token>> {
        match &self.chat {
            None => Ok(tokenizer.encode_within(&self.prompt.text, Specials::Parse, n_ctx)?),
            Some(chat) => {
                tokenizer.refuse_far_too_long(&chat.text, n_ctx)?;
                Ok(tokenizer.encode_parts(&chat.parts())?)
            }
        }
    }
}

/// Tokens of a prompt, in the model's chat template where it has messages or is to be one.
///
/// # Errors
/// The model has no chat template, or its template fails; the prompt is too long.
pub(crate) fn encode(
    tokenizer: &Tokenizer,
    prompt: &PromptText,
    is_chat: bool,
    n_ctx: usize,
) -> Result<Vec<Token>> {
    tokenizer.refuse_far_too_long(&prompt.text, n_ctx)?;
    let is_chat = is_chat || prompt.messages.is_some();
    let template = is_chat.then(|| ChatTemplate::of(tokenizer)).transpose()?;
    ModelText::new(prompt, template.as_ref())?.tokens(tokenizer, n_ctx)
}
