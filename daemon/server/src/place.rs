//! Where a request looks: a prompt in one version of a document, and what is asked of the models about it.

use crate::{
    analyst::Ask,
    documents::Document,
    positions::{Encoding, to_byte},
    prompt_selection::{is_prompt, paragraph, whole},
};
use limpid_protocol::{
    request::{PromptPlace, Subject},
    view_error::{ErrorKind, ViewError},
};
use ropey::Rope;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

/// A prompt in a document, and the question.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) uri: String,
    pub(crate) version: i32,
    /// The whole document at that version; shares its text with the document.
    pub(crate) text: Rope,
    /// The prompt's bytes in it.
    pub(crate) span: Range<usize>,
    pub(crate) ask: Ask,
    /// Names this place and question towards the client.
    pub(crate) id: String,
}

impl Place {
    /// The prompt of bytes `span`, everything else by default.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyPrompt`].
    pub(crate) fn of_span(
        uri: &str,
        document: &Document,
        span: Range<usize>,
    ) -> Result<Self, ViewError> {
        if span.is_empty() {
            return Err(ViewError::new(
                ErrorKind::EmptyPrompt,
                "the prompt is empty; select or write some text",
            ));
        }
        let ask = Ask::of_text(document.text.byte_slice(span.clone()).to_string());
        let mut place = Self {
            uri: uri.into(),
            version: document.version,
            text: document.text.clone(),
            span,
            ask,
            id: String::new(),
        };
        place.name();
        Ok(place)
    }

    /// The prompt that a request names.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyPrompt`], [`ErrorKind::BadRequest`].
    pub(crate) fn of_prompt(
        prompt: &PromptPlace,
        document: &Document,
        encoding: Encoding,
    ) -> Result<Self, ViewError> {
        let byte = |at| to_byte(&document.text, at, encoding);
        let span = match (&prompt.range, &prompt.at) {
            (Some(range), _) => {
                let (start, end) = (byte(range.start), byte(range.end));
                if start > end {
                    let problem =
                        "`subject.prompt.range` ends before it starts; swap start and end";
                    return Err(ViewError::new(ErrorKind::BadRequest, problem));
                }
                start..end
            }
            (None, Some(at)) if !is_prompt(&prompt.uri, document) => paragraph(document, byte(*at)),
            _ => whole(document),
        };
        Self::of_span(&prompt.uri, document, span)
    }

    /// The same prompt with what `subject` says beside it.
    pub(crate) fn with(mut self, subject: &Subject) -> Self {
        if let Some(target) = &subject.target {
            self.ask = self.ask.toward(target);
        }
        let ask = &mut self.ask;
        ask.model = subject.model.clone().or(ask.model.take());
        ask.foil = subject.foil.clone().or(ask.foil.take());
        ask.objective = subject.objective.map(|objective| objective.as_str()).or(ask.objective);
        self.name();
        self
    }

    /// The same prompt with another target.
    pub(crate) fn toward(mut self, position: usize, token: u32) -> Self {
        self.ask.position = Some(position);
        self.ask.answer = None;
        self.ask.token = Some(limpid_protocol::request::TokenChoice::Id(token));
        self.name();
        self
    }

    fn name(&mut self) {
        let mut hasher = DefaultHasher::new();
        (&self.ask, &self.uri, self.version, self.span.start).hash(&mut hasher);
        self.id = format!("a{:016x}", hasher.finish());
    }
}
