//! Messages in a model's own chat template, with the map back: which bytes of the rendered text are which bytes of a message.
//! The template is rendered twice, once with every message between marks (`skeleton`), so that its own text is known from theirs
//! whatever they say; where it takes messages apart, once more with every character marked (`marked_characters`).
//! What must not live here: tokens; how templates are written (`chat_template/environment`).

mod bounded_code;
mod environment;
mod marked_characters;
mod notes;
mod python_json;
mod skeleton;
#[cfg(test)]
mod tests;

pub use notes::ChatNote;

use crate::prompt_text::PromptText;
use limpid_engine::{
    error::EngineError,
    tokenizer::{TextPart, Tokenizer},
};
use skeleton::Skeleton;
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

/// More than any template in use; a longer one is not read.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// Characters that may serve as marks: private use, so that no text needs them; those that nothing holds are taken.
const MARKS: [Range<u32>; 3] = [0xE000..0xF900, 0xF_0000..0xF_FFFE, 0x10_0000..0x10_FFFE];

/// One message of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatMessage<'a> {
    /// `system`, `user`, `assistant`.
    pub role: &'a str,
    /// What it says.
    pub content: &'a str,
    /// Where its content starts in the source, in bytes.
    pub source: usize,
}

impl<'a> ChatMessage<'a> {
    /// The messages of a prompt, with places in its text; a plain prompt is one message of the user's.
    pub fn of(prompt: &'a PromptText) -> Vec<Self> {
        let text = &prompt.text;
        match &prompt.messages {
            None => vec![Self { role: "user", content: text, source: 0 }],
            Some(messages) => messages
                .iter()
                .map(|message| Self {
                    role: &message.role,
                    content: &text[message.content.clone()],
                    source: message.content.start,
                })
                .collect(),
        }
    }
}

/// A chat template, and what it is rendered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatTemplate {
    /// Its text.
    pub text: String,
    /// Text of the BOS token.
    pub bos: String,
    /// Text of the EOS token.
    pub eos: String,
    /// The file it came from, for messages.
    pub path: PathBuf,
    /// The day that the template is told, like `2026-11-25`; none: today.
    pub today: Option<String>,
}

impl ChatTemplate {
    /// A tokenizer's own template.
    ///
    /// # Errors
    /// The model has none.
    pub fn of(tokenizer: &Tokenizer) -> Result<Self, EngineError> {
        let missing = || {
            let problem = "is missing: this model was not made for chats";
            broken(tokenizer.path(), problem)
        };
        let text = tokenizer.chat_template.clone().ok_or_else(missing)?;
        let (bos, eos) = (tokenizer.bos_text.clone(), tokenizer.eos_text.clone());
        Ok(Self { text, bos, eos, path: tokenizer.path().to_owned(), today: None })
    }

    fn written(&self, messages: &[ChatMessage<'_>], contents: &[String]) -> Result<String, String> {
        let chat: Vec<(&str, &str)> =
            messages.iter().zip(contents).map(|(m, content)| (m.role, content.as_str())).collect();
        environment::render(self, &chat)
    }
}

fn broken(path: &Path, problem: &str) -> EngineError {
    let problem = format!("{problem}; the prompt can be read without its chat template");
    EngineError::malformed(path, "chat_template", problem)
}

/// Bytes of a rendered text: the template's own (none), or of the source from here on.
type Piece = (Range<usize>, Option<usize>);

/// A chat as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedChat {
    /// The text.
    pub text: String,
    /// What the template does that the document does not say.
    pub notes: Vec<ChatNote>,
    /// Its bytes in order.
    pieces: Vec<Piece>,
}

impl RenderedChat {
    /// Its parts, for the tokenizer.
    pub fn parts(&self) -> Vec<TextPart<'_>> {
        let part =
            |(range, source): &Piece| TextPart { text: &self.text[range.clone()], source: *source };
        self.pieces.iter().map(part).collect()
    }
}

/// Renders messages in the model's chat template, ready for the assistant's answer where the last message is not its own.
///
/// # Errors
/// The model has no chat template; the template is broken, refuses the messages, or changes them beyond recognition. The message
/// names the file the template came from.
pub fn render(
    tokenizer: &Tokenizer,
    messages: &[ChatMessage<'_>],
) -> Result<RenderedChat, EngineError> {
    render_with(&ChatTemplate::of(tokenizer)?, messages)
}

/// As [`render`], in any template.
///
/// # Errors
/// As [`render`].
pub fn render_with(
    template: &ChatTemplate,
    messages: &[ChatMessage<'_>],
) -> Result<RenderedChat, EngineError> {
    let broken = |problem: String| broken(&template.path, &problem);
    if template.text.len() > MAX_TEMPLATE_BYTES {
        return Err(broken(format!("is longer than {MAX_TEMPLATE_BYTES} bytes")));
    }
    let own: Vec<String> = messages.iter().map(|message| message.content.to_owned()).collect();
    let text = template
        .written(messages, &own)
        .map_err(|problem| broken(notes::why_refused(template, messages, problem)))?;
    let marks = free_marks(template, messages);
    let [a, b, c, ..] = marks[..] else {
        return Err(broken("cannot be told from messages that use private characters".to_owned()));
    };
    let pieces = match whole_messages(template, messages, &text, [a, b, c]) {
        Ok(pieces) => pieces,
        Err(problem) => marked_characters::lay_over(template, messages, &text, &marks)
            .ok_or_else(|| broken(problem.to_owned()))?,
    };
    if pieces.iter().all(|(_, source)| source.is_none()) && own.iter().any(|t| !t.trim().is_empty())
    {
        return Err(broken("does not write the messages".to_owned()));
    }
    let notes = notes::of(template, messages, &text, &pieces);
    Ok(RenderedChat { text, notes, pieces })
}

/// The pieces where every message stands whole, or without outer whitespace; else what is in the way.
fn whole_messages(
    template: &ChatTemplate,
    messages: &[ChatMessage<'_>],
    text: &str,
    marks: skeleton::Marks,
) -> Result<Vec<Piece>, &'static str> {
    const CHANGES: &str = "changes the messages, so that their places are lost";
    let marked = template.written(messages, &skeleton::marked(messages, marks));
    // A template may refuse what it does not expect in a message.
    let marked = marked.map_err(|_| CHANGES)?;
    let skeleton = Skeleton::read(&marked, marks).ok_or("takes the messages apart")?;
    skeleton.lay_over(text, messages).ok_or(CHANGES)
}

/// Private characters that neither template nor messages hold.
fn free_marks(template: &ChatTemplate, messages: &[ChatMessage<'_>]) -> Vec<char> {
    let is_private = |c: &char| MARKS.iter().any(|range| range.contains(&u32::from(*c)));
    let texts = [template.text.as_str(), &template.bos, &template.eos].into_iter();
    let texts = texts.chain(messages.iter().flat_map(|message| [message.role, message.content]));
    let taken: std::collections::HashSet<char> =
        texts.flat_map(|text| text.chars().filter(is_private)).collect();
    let all = MARKS.into_iter().flatten().filter_map(char::from_u32);
    all.filter(|c| !taken.contains(c)).collect()
}
