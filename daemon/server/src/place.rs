//! Where a request looks: a prompt in one version of a document, and what is asked of the models about it.

use crate::{
    analyst::{Ask, Turn},
    documents::Document,
    positions::{Encoding, to_byte},
    prompt_document::PromptDocument,
    prompt_selection::{of_span, paragraph, whole},
    settings::Settings,
};
use limpid_protocol::{
    request::{PromptPlace, Subject, TokenChoice},
    view_error::{ErrorKind, ViewError},
};
use ropey::Rope;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
};
use tower_lsp::ls_types::Uri;

/// A prompt in a document, and the question.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) uri: String,
    pub(crate) version: i32,
    /// The whole document at that version; shares its text with the document.
    pub(crate) text: Rope,
    /// The prompt in it.
    pub(crate) prompt: Arc<PromptDocument>,
    pub(crate) ask: Ask,
    /// Names this place and question towards the client.
    pub(crate) id: String,
}

impl Place {
    /// A prompt found in a document, with what it says about itself and, where it says nothing, what `further` settings say.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyPrompt`].
    pub(crate) fn new(
        uri: &str,
        document: &Document,
        prompt: Arc<PromptDocument>,
        further: &Settings,
    ) -> Result<Self, ViewError> {
        if prompt.text.text.is_empty() {
            return Err(ViewError::new(
                ErrorKind::EmptyPrompt,
                "the prompt is empty; select or write some text",
            ));
        }
        let mut ask = Ask::of_prompt(&prompt.text);
        let file = uri.parse::<Uri>().ok().and_then(|uri| Some(uri.to_file_path()?.into_owned()));
        let own = Settings::of_prompt(&prompt.settings, file.as_deref().and_then(Path::parent));
        let settings = own.merge(further.clone());
        if ask.turns.is_none() && settings.chat == Some(true) {
            let turn = Turn { role: "user".into(), content: 0..ask.text.len() };
            ask.turns = Some([turn].into());
        }
        ask.token = settings.target.as_deref().map(token_choice);
        ask.foil = settings.foil.as_deref().map(token_choice);
        ask.model = settings.model;
        let mut place = Self {
            uri: uri.into(),
            version: document.version,
            text: document.text.clone(),
            prompt,
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
        place: &PromptPlace,
        document: &Document,
        encoding: Encoding,
        further: &Settings,
    ) -> Result<Self, ViewError> {
        let uri = &place.uri;
        let byte = |at| to_byte(&document.text, at, encoding);
        let selected = |span| Arc::new(of_span(uri, document, span));
        let prompts = document.prompts(uri);
        let prompt = match (&place.range, place.at.map(byte)) {
            (Some(range), _) => {
                let (start, end) = (byte(range.start), byte(range.end));
                if start > end {
                    let problem =
                        "`subject.prompt.range` ends before it starts; swap start and end";
                    return Err(ViewError::new(ErrorKind::BadRequest, problem));
                }
                selected(start..end)
            }
            (None, Some(at)) => match prompts.iter().find(|prompt| holds(prompt, at)) {
                Some(prompt) => Arc::clone(prompt),
                None => selected(paragraph(document, at)),
            },
            (None, None) => match prompts.first() {
                Some(prompt) => Arc::clone(prompt),
                None => selected(whole(document)),
            },
        };
        Self::new(uri, document, prompt, further)
    }

    /// Where the prompt's text ends in the document: what comes next is predicted there.
    pub(crate) fn end(&self) -> usize {
        let n = self.prompt.text.text.len();
        self.prompt.text.map.to_source(n..n).end
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
        if self.ask.answer.take().is_some() {
            self.ask.foil = None;
        }
        self.ask.position = Some(position);
        self.ask.token = Some(limpid_protocol::request::TokenChoice::Id(token));
        self.name();
        self
    }

    /// The same question to a model by this name of its.
    pub(crate) fn named(mut self, model: Option<String>) -> Self {
        self.ask.model = model;
        self.name();
        self
    }

    /// The same prompt with this question.
    pub(crate) fn asking(mut self, ask: Ask) -> Self {
        self.ask = ask;
        self.name();
        self
    }

    /// Names place and question anew, after a change.
    pub(crate) fn name(&mut self) {
        let mut hasher = DefaultHasher::new();
        (&self.ask, &self.uri, self.version, self.prompt.source.start).hash(&mut hasher);
        self.id = format!("a{:016x}", hasher.finish());
    }
}

/// Whether a byte of the document stands in a prompt, its end included.
pub(crate) fn holds(prompt: &PromptDocument, byte: usize) -> bool {
    (prompt.source.start..=prompt.source.end).contains(&byte)
}

/// A token as front matter writes it: digits are an id.
fn token_choice(text: &str) -> TokenChoice {
    text.parse().map_or_else(|_| TokenChoice::Text(text.to_owned()), TokenChoice::Id)
}
