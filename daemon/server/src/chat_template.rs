//! Messages in a model's own chat template, with the map back: which bytes of the rendered text are which bytes of a message.
//! The template is rendered twice, once with every message between marks, so that its own text is known from theirs whatever
//! they say. What must not live here: tokens; how templates are written (`chat_template/environment`).

mod environment;
mod python_json;
#[cfg(test)]
mod tests;

use limpid_engine::{
    error::EngineError,
    tokenizer::{TextPart, Tokenizer},
};
use std::ops::Range;

/// More than any template in use; a longer one is not read.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// Characters that may serve as marks: private use, so that no text needs them; three that no message holds are taken.
const MARKS: Range<u32> = 0xE000..0xE100;

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

/// A chat as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedChat {
    /// The text.
    pub text: String,
    /// Its bytes in order, each the template's own (none) or of the source from here on.
    pieces: Vec<(Range<usize>, Option<usize>)>,
}

impl RenderedChat {
    /// Its parts, for the tokenizer.
    pub fn parts(&self) -> Vec<TextPart<'_>> {
        let part = |(range, source): &(Range<usize>, Option<usize>)| TextPart {
            text: &self.text[range.clone()],
            source: *source,
        };
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
    let broken = |problem: String| {
        let problem = format!("{problem}; the prompt can be read without its chat template");
        EngineError::malformed(tokenizer.path(), "chat_template", problem)
    };
    let Some(template) = &tokenizer.chat_template else {
        return Err(broken("is missing: this model was not made for chats".to_owned()));
    };
    if template.len() > MAX_TEMPLATE_BYTES {
        return Err(broken(format!("is longer than {MAX_TEMPLATE_BYTES} bytes")));
    }
    let written = |contents: &[String]| {
        let chat: Vec<(&str, &str)> =
            messages.iter().zip(contents).map(|(m, content)| (m.role, content.as_str())).collect();
        let (bos, eos) = (&tokenizer.bos_text, &tokenizer.eos_text);
        environment::render(template, &chat, bos, eos).map_err(&broken)
    };
    let own: Vec<String> = messages.iter().map(|message| message.content.to_owned()).collect();
    let text = written(&own)?;
    let marks = free_marks(template, &own).ok_or_else(|| {
        broken("cannot be told from messages that use private characters".to_owned())
    })?;
    let marked: Vec<String> = own
        .iter()
        .enumerate()
        .map(|(index, content)| format!("{}{index}{}{content}{}", marks[0], marks[1], marks[2]))
        .collect();
    let skeleton = Skeleton::read(&written(&marked)?, marks)
        .ok_or_else(|| broken("takes the messages apart".to_owned()))?;
    if skeleton.places.is_empty() {
        return Err(broken("does not write the messages".to_owned()));
    }
    let pieces = skeleton
        .lay_over(&text, messages)
        .ok_or_else(|| broken("changes the messages, so that their places are lost".to_owned()))?;
    Ok(RenderedChat { text, pieces })
}

fn free_marks(template: &str, contents: &[String]) -> Option<[char; 3]> {
    let is_free = |c: &char| !template.contains(*c) && contents.iter().all(|t| !t.contains(*c));
    let mut free = MARKS.filter_map(char::from_u32).filter(is_free);
    Some([free.next()?, free.next()?, free.next()?])
}

/// The template's own text around the places of messages.
struct Skeleton {
    /// Template text before the first place.
    first: String,
    /// Message at each place, and the template text after it.
    places: Vec<(usize, String)>,
}

/// What templates do to a message's outer whitespace.
const TRIMS: [fn(&str) -> &str; 4] = [|t| t, str::trim, str::trim_start, str::trim_end];

impl Skeleton {
    /// Reads a text rendered from marked messages; none when the marks do not match up.
    fn read(marked: &str, [open, name_end, close]: [char; 3]) -> Option<Self> {
        let mut rest = marked;
        let mut own = |stop: char| -> String {
            let end = rest.find(stop).unwrap_or(rest.len());
            let text = rest[..end].to_owned();
            rest = rest.get(end + stop.len_utf8()..).unwrap_or_default();
            text
        };
        let first = own(open);
        let mut places = Vec::new();
        let n_places = marked.matches(open).count();
        if marked.matches(name_end).count() != n_places || marked.matches(close).count() != n_places
        {
            return None;
        }
        for _ in 0..n_places {
            let index = own(name_end).parse().ok()?;
            own(close);
            places.push((index, own(open)));
        }
        Some(Self { first, places })
    }

    /// The pieces of the text that the template makes of the unmarked messages; none when it is not this skeleton with the
    /// messages in their places, whole or without outer whitespace.
    fn lay_over(
        &self,
        text: &str,
        messages: &[ChatMessage<'_>],
    ) -> Option<Vec<(Range<usize>, Option<usize>)>> {
        // Nearly every template treats all messages alike; then the text as a whole says how.
        let alike = |trim: fn(&str) -> &str| self.fit(text, messages, &[trim]);
        TRIMS.into_iter().find_map(alike).or_else(|| self.fit(text, messages, &TRIMS))
    }

    /// Lays the messages in with the first of these trims that fits at each place.
    fn fit(
        &self,
        text: &str,
        messages: &[ChatMessage<'_>],
        trims: &[fn(&str) -> &str],
    ) -> Option<Vec<(Range<usize>, Option<usize>)>> {
        let mut pieces = Vec::new();
        let mut at = self.first.len();
        text.starts_with(&self.first).then(|| pieces.push((0..at, None)))?;
        for (place, (index, after)) in self.places.iter().enumerate() {
            let message = messages.get(*index)?;
            let is_last = place + 1 == self.places.len();
            let fits = |content: &&str| {
                let rest = text[at..].strip_prefix(*content);
                rest.is_some_and(|r| if is_last { r == after } else { r.starts_with(after) })
            };
            let content = trims.iter().map(|trim| trim(message.content)).find(fits)?;
            // A trimmed message starts where its own first character does.
            let dropped = content.as_ptr().addr() - message.content.as_ptr().addr();
            let (end, next) = (at + content.len(), at + content.len() + after.len());
            pieces.push((at..end, Some(message.source + dropped)));
            pieces.push((end..next, None));
            at = next;
        }
        (at == text.len()).then_some(pieces)
    }
}
