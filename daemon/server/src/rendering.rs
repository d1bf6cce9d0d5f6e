//! A prompt as its model reads it: `limpid/render`, and the pieces that `limpid render` puts together too. No forward pass.
//! What must not live here: how a chat is put into its template (`chat_template`).

use crate::{
    analyst::Rendering, answering::Desk, chat_template::ChatNote, prompt_text::PromptText,
    token_table::token_table,
};
use limpid_protocol::{
    rendered_prompt::{ByteSpan, RenderedMessage, RenderedPrompt, RenderedToken},
    request::{Answer, Request},
    view_error::ViewError,
    views::render::{Render, RenderParams},
};
use std::{ops::Range, sync::Arc};

/// The messages of a prompt; a plain one is a message of the user's only in a template.
pub fn messages(prompt: &PromptText, is_chat: bool) -> Vec<RenderedMessage> {
    let message = |role: &str, content: Range<usize>| RenderedMessage {
        role: role.to_owned(),
        content: prompt.text[content.clone()].to_owned(),
        source: byte_span(prompt, content),
    };
    match &prompt.messages {
        Some(messages) => messages.iter().map(|m| message(&m.role, m.content.clone())).collect(),
        None if is_chat => vec![message("user", 0..prompt.text.len())],
        None => Vec::new(),
    }
}

/// A token that stands for bytes `span` of a prompt's text; one that was added stands for none.
pub fn token(
    prompt: &PromptText,
    id: u32,
    text: String,
    span: Option<Range<usize>>,
) -> RenderedToken {
    RenderedToken { id, text, source: span.map(|span| byte_span(prompt, span)) }
}

fn byte_span(prompt: &PromptText, span: Range<usize>) -> ByteSpan {
    let source = prompt.map.to_source(span);
    ByteSpan { start: source.start, end: source.end }
}

fn rendered(prompt: &PromptText, is_chat: bool, rendering: Rendering) -> RenderedPrompt {
    let tokens = rendering.tokens.into_iter().map(|row| {
        let span = row.start.zip(row.end).map(|(start, end)| start..end);
        token(prompt, row.id, row.text, span)
    });
    RenderedPrompt {
        messages: messages(prompt, is_chat),
        tokens: tokens.collect(),
        notes: rendering.notes.iter().map(ChatNote::to_string).collect(),
        text: rendering.text,
    }
}

impl Desk {
    /// Answers `limpid/render`.
    ///
    /// # Errors
    /// As [`Desk::run`].
    pub(crate) async fn rendered(
        &self,
        params: RenderParams,
    ) -> Result<Answer<RenderedPrompt>, ViewError> {
        let place = Arc::new(self.place(&params.subject).await?);
        let (at, encoding) = (Arc::clone(&place), self.negotiated().encoding);
        let answer = self
            .run(Render::METHOD, &place, move |desk, job| {
                let rendering = desk.analyst()?.render(&at.ask, job)?;
                Ok(Answer {
                    analysis: at.id.clone(),
                    version: at.version,
                    model: rendering.model.clone(),
                    token_table: token_table(&rendering.tokens, &at, encoding),
                    view: rendered(&at.prompt.text, at.ask.turns.is_some(), rendering),
                })
            })
            .await?;
        self.analyses.keep_place(place);
        Ok(answer)
    }
}
