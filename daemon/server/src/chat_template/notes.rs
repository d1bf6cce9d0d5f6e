//! What a template does with messages that their writer would not expect: roles it refuses, merges, adds or leaves out.

use crate::chat_template::{ChatMessage, ChatTemplate, Piece};
use std::fmt::{Display, Formatter, Result};

/// Longest text that a note tells, characters.
const MAX_TOLD: usize = 120;

/// What a template does that the document does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatNote {
    /// It writes a system message of its own, with this text.
    AddsSystem(String),
    /// It writes the system message into a turn of the user's.
    MergesSystem,
    /// It leaves this message out, counted from 0.
    DropsMessage(usize),
    /// It writes a part of this message, counted from 0.
    CutsMessage(usize),
}

impl Display for ChatNote {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::AddsSystem(text) if text.is_empty() => {
                write!(f, "the chat template adds a system message of its own")
            }
            Self::AddsSystem(text) => {
                write!(f, "the chat template adds a system message of its own: {text:?}")
            }
            Self::MergesSystem => {
                write!(f, "the chat template writes the system message into the user's turn")
            }
            Self::DropsMessage(index) => {
                write!(f, "the chat template leaves out message {}", index + 1)
            }
            Self::CutsMessage(index) => {
                write!(f, "the chat template leaves out a part of message {}", index + 1)
            }
        }
    }
}

const fn message<'a>(role: &'a str, content: &'a str) -> ChatMessage<'a> {
    ChatMessage { role, content, source: 0 }
}

fn written(template: &ChatTemplate, messages: &[ChatMessage<'_>]) -> Option<String> {
    let own: Vec<String> = messages.iter().map(|message| message.content.to_owned()).collect();
    template.written(messages, &own).ok()
}

/// The problem, with what of the messages is in the way where that is known.
pub(super) fn why_refused(
    template: &ChatTemplate,
    messages: &[ChatMessage<'_>],
    problem: String,
) -> String {
    let is_system = |message: &&ChatMessage<'_>| message.role == "system";
    let others: Vec<ChatMessage<'_>> =
        messages.iter().filter(|message| !is_system(message)).copied().collect();
    let is_why = others.len() < messages.len() && written(template, &others).is_some();
    match is_why {
        true => format!(
            "refuses a system message: {problem}; move its text into the first user message"
        ),
        false => problem,
    }
}

/// The notes on a rendered chat.
pub(super) fn of(
    template: &ChatTemplate,
    messages: &[ChatMessage<'_>],
    text: &str,
    pieces: &[Piece],
) -> Vec<ChatNote> {
    let mut notes = Vec::new();
    if messages.first().is_some_and(|first| first.role == "system") {
        if merges_system(template) {
            notes.push(ChatNote::MergesSystem);
        }
    } else if let Some(added) = added_system(template, messages, text) {
        notes.push(ChatNote::AddsSystem(added));
    }
    let shown = shown_bytes(messages, pieces);
    for (index, (message, shown)) in messages.iter().zip(shown).enumerate() {
        match shown {
            _ if message.content.trim().is_empty() => {}
            0 => notes.push(ChatNote::DropsMessage(index)),
            n if n < message.content.trim().len() => notes.push(ChatNote::CutsMessage(index)),
            _ => {}
        }
    }
    notes
}

/// How many bytes of each message stand in the text.
fn shown_bytes(messages: &[ChatMessage<'_>], pieces: &[Piece]) -> Vec<usize> {
    let mut starts: Vec<(usize, usize)> = messages
        .iter()
        .enumerate()
        .filter(|(_, message)| !message.content.is_empty())
        .map(|(index, message)| (message.source, index))
        .collect();
    starts.sort_unstable();
    let mut shown = vec![0; messages.len()];
    for (range, source) in pieces {
        let Some(source) = source else { continue };
        let at = starts.partition_point(|(start, _)| start <= source);
        if let Some((_, index)) = at.checked_sub(1).and_then(|at| starts.get(at)) {
            shown[*index] += range.len();
        }
    }
    shown
}

/// What stands around a system message and the user's after it, in a chat of our own.
fn around_system(template: &ChatTemplate) -> Option<(String, String)> {
    const MARK: &str = "Mjw7Zq";
    let text = written(template, &[message("system", MARK), message("user", "Hq8xVt")])?;
    let (before, after) = text.split_once(MARK)?;
    let (between, _) = after.split_once("Hq8xVt")?;
    Some((before.to_owned(), between.to_owned()))
}

/// Whether a system message stands where the user's turn alone would begin.
fn merges_system(template: &ChatTemplate) -> bool {
    let alone = written(template, &[message("user", "Hq8xVt")]);
    let alone = alone.as_deref().and_then(|text| text.split_once("Hq8xVt"));
    let Some((alone, _)) = alone else { return false };
    around_system(template)
        .is_some_and(|(before, _)| !alone.trim().is_empty() && before.starts_with(alone))
}

/// The text of a system message that the template adds to a chat that has none.
fn added_system(
    template: &ChatTemplate,
    messages: &[ChatMessage<'_>],
    text: &str,
) -> Option<String> {
    let (before, between) = around_system(template)?;
    let first = messages.iter().find(|message| !message.content.trim().is_empty())?;
    let (head, _) = text.split_once(first.content.trim())?;
    let added = head.strip_prefix(before.as_str())?.strip_suffix(between.as_str())?;
    let is_turn = !before.trim().is_empty() && !between.trim().is_empty();
    let told: String = added.trim().chars().take(MAX_TOLD).collect();
    (is_turn && !text.is_empty()).then_some(told)
}
