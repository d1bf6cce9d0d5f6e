//! The template's own text around the messages, read from a chat that was rendered with every message between marks: exact for
//! every template that writes messages whole, or without outer whitespace, whatever they say.

use crate::chat_template::{ChatMessage, Piece};

/// Characters that may serve as marks: private use, so that no text needs them.
pub(super) type Marks = [char; 3];

/// The messages' contents between marks.
pub(super) fn marked(messages: &[ChatMessage<'_>], [open, name_end, close]: Marks) -> Vec<String> {
    let each = messages.iter().enumerate();
    each.map(|(index, message)| format!("{open}{index}{name_end}{}{close}", message.content))
        .collect()
}

/// The template's own text around the places of messages.
pub(super) struct Skeleton {
    /// Template text before the first place.
    first: String,
    /// Message at each place, and the template text after it.
    places: Vec<(usize, String)>,
}

/// What templates do to a message's outer whitespace.
const TRIMS: [fn(&str) -> &str; 7] = [
    |t| t,
    str::trim,
    str::trim_start,
    str::trim_end,
    |t| t.trim_matches('\n'),
    |t| t.trim_start_matches('\n'),
    |t| t.trim_end_matches('\n'),
];

impl Skeleton {
    /// Reads a text rendered from marked messages; none when the marks do not match up.
    pub(super) fn read(marked: &str, [open, name_end, close]: Marks) -> Option<Self> {
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
    pub(super) fn lay_over(&self, text: &str, messages: &[ChatMessage<'_>]) -> Option<Vec<Piece>> {
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
    ) -> Option<Vec<Piece>> {
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
