//! Where parts of a prompt begin and end. Segments tile the text in order, and none crosses from one message into another.
//! Words and sentences are Unicode's (UAX 29); sentences are then mended where a dot ends none. What must not live here: tokens, scores.

use crate::{
    analyst::{Ask, Turn},
    prompt_document::{Section, SectionKind},
    prompt_formats::sections_of,
    prompt_text::{Message, PromptText},
};
use limpid_protocol::part_row::{PartBy, PartKind};
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Words before a dot that ends no sentence, in lower case. Those that often end one (`etc`, `no`) are not among them.
const ABBREVIATIONS: &[&str] = &[
    "approx", "capt", "cf", "col", "dr", "e.g", "eq", "ex", "fig", "gen", "hon", "i.e", "lt", "mr",
    "mrs", "ms", "p", "pp", "prof", "rep", "rev", "sen", "sgt", "st", "vol", "vs",
];

/// A span of the text and what a reader calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Titled {
    /// A message's role, an example's name.
    pub name: String,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// What is known of a prompt's text beside the text. Spans are in order and do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Contents of the messages.
    pub messages: Vec<Titled>,
    /// Examples of a few-shot prompt.
    pub examples: Vec<Titled>,
}

impl Outline {
    /// What a text with these messages holds: the messages, and the examples that are found in it.
    pub fn find(text: &str, messages: Vec<Titled>) -> Self {
        let message = |Titled { name, span }: &Titled| Message {
            role: name.clone(),
            content: span.clone(),
            source: span.clone(),
        };
        let chat = (!messages.is_empty()).then(|| messages.iter().map(message).collect());
        let prompt = PromptText { messages: chat, ..PromptText::plain(text, 0) };
        Self { messages, ..Self::of(&prompt, &sections_of(&prompt)) }
    }

    /// What the prompt of a question holds.
    pub(crate) fn of_ask(ask: &Ask) -> Self {
        let titled = |turn: &Turn| Titled { name: turn.role.clone(), span: turn.content.clone() };
        let turns = ask.turns.iter().flat_map(|turns| turns.iter().map(titled));
        Self::find(&ask.text, turns.collect())
    }

    /// What a prompt of a document holds: its messages, and those of its sections that are examples.
    pub fn of(text: &PromptText, sections: &[Section]) -> Self {
        let message = |message: &Message| Titled {
            name: message.role.clone(),
            span: message.content.clone(),
        };
        let example = |section: &Section| Titled {
            name: section.name.clone(),
            span: text_span(text, &section.source),
        };
        let examples = sections.iter().filter(|section| section.kind == SectionKind::Example);
        Self {
            messages: text.messages.iter().flatten().map(message).collect(),
            examples: examples.map(example).collect(),
        }
    }
}

/// The bytes of a prompt's text that stand in a span of the document.
pub(crate) fn text_span(text: &PromptText, source: &Range<usize>) -> Range<usize> {
    let n = text.text.len();
    let end_of_all = text.map.to_source(n..n).end;
    // The first byte of the text that stands at a byte of the document, or after it.
    let text_from =
        |byte: usize| (byte..end_of_all).find_map(|byte| text.map.to_text(byte)).unwrap_or(n);
    text_from(source.start)..text_from(source.end)
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is.
    pub kind: PartKind,
    /// A message's role, an example's name.
    pub name: Option<String>,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// Cuts a text into parts that tile it.
pub fn segments(text: &str, outline: &Outline, by: PartBy) -> Vec<Segment> {
    let (kind, cut): (PartKind, fn(&str) -> Vec<usize>) = match by {
        PartBy::Word => (PartKind::Word, word_ends),
        PartBy::Line => (PartKind::Line, line_ends),
        PartBy::Sentence => (PartKind::Sentence, sentence_ends),
        PartBy::Paragraph => (PartKind::Paragraph, paragraph_ends),
        PartBy::Example => return titled(text, &outline.examples, PartKind::Example),
        PartBy::Message => return titled(text, &outline.messages, PartKind::Message),
    };
    let mut found = Vec::new();
    for block in titled(text, &outline.messages, PartKind::Message) {
        let mut start = block.span.start;
        for end in cut(&text[block.span.clone()]) {
            let end = block.span.start + end;
            found.push(Segment { kind, name: None, span: start..end });
            start = end;
        }
    }
    found
}

/// Named spans and the text between them. A span that does not fit is left out, and its text stands between.
fn titled(text: &str, titles: &[Titled], kind: PartKind) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut at = 0;
    let between = |span: Range<usize>| Segment { kind: PartKind::Text, name: None, span };
    for Titled { name, span } in titles {
        if span.start < at || span.is_empty() || text.get(span.clone()).is_none() {
            continue;
        }
        if span.start > at {
            found.push(between(at..span.start));
        }
        found.push(Segment { kind, name: Some(name.clone()), span: span.clone() });
        at = span.end;
    }
    if at < text.len() {
        found.push(between(at..text.len()));
    }
    found
}

/// Ends of lines, each after its line break.
fn line_ends(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let is_end = |at: usize| match bytes[at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let mut ends: Vec<usize> = (0..bytes.len()).filter(|at| is_end(*at)).map(|at| at + 1).collect();
    if ends.last() != Some(&bytes.len()) && !bytes.is_empty() {
        ends.push(bytes.len());
    }
    ends
}

/// Ends of paragraphs; blank lines belong to the paragraph before them, the first ones to the first.
fn paragraph_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut start, mut has_text, mut is_over) = (0, false, false);
    for end in line_ends(text) {
        let is_blank = text[start..end].trim().is_empty();
        if !is_blank && is_over {
            ends.push(start);
            is_over = false;
        }
        has_text |= !is_blank;
        is_over |= is_blank && has_text;
        start = end;
    }
    if !text.is_empty() {
        ends.push(text.len());
    }
    ends
}

/// Ends of words. Spaces go with the word after them, as tokens have them; line breaks and spaces at the very end stand alone.
fn word_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    for (at, piece) in text.split_word_bound_indices() {
        let end = at + piece.len();
        if !piece.chars().all(char::is_whitespace) || piece.contains(['\n', '\r']) {
            ends.push(end);
        }
    }
    if ends.last() != Some(&text.len()) && !text.is_empty() {
        ends.push(text.len());
    }
    ends
}

/// Ends of sentences, each after the whitespace that follows it.
fn sentence_ends(text: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    let mut start = 0;
    for (at, piece) in text.split_sentence_bound_indices() {
        let end = at + piece.len();
        let is_more = piece.trim().is_empty() || goes_on(&text[start..at], piece);
        if at > start && is_more {
            ends.pop();
        } else {
            start = at;
        }
        ends.push(end);
    }
    ends
}

/// Whether a piece that Unicode takes for a sentence goes on in the next one: after an abbreviation, an initial, the number of a
/// list, a line that was only wrapped; or because it is nothing but whitespace, which then stands at the very start.
fn goes_on(piece: &str, next: &str) -> bool {
    let said = piece.trim_end();
    if said.is_empty() {
        return true;
    }
    let gap = &piece[said.len()..];
    if gap.contains(['\n', '\r']) {
        let is_one =
            gap.trim_matches([' ', '\t']).len() <= "\r\n".len() && line_ends(gap).len() == 1;
        let is_open = said.ends_with(|c: char| c.is_alphanumeric() || c == ',');
        return is_one && is_open && next.starts_with(char::is_lowercase);
    }
    let Some(before) = said.strip_suffix('.') else { return false };
    let word = before.rsplit(|c: char| c.is_whitespace() || "([\"'“‘".contains(c)).next();
    let word = word.unwrap_or(before);
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let opens_a_line = before.trim_start().len() == word.len();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    (is_number && opens_a_line)
        || is_initial
        || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}
