//! How prompts are written in files: one list of formats, each read in a file of its own, all into `prompt_document`.
//! Reading order: `body` (magic comments, role headings, variables: what most formats share), then one file a format.
//! Every function is total: a document is anybody's text. What must not live here: models, tokens, positions.

mod body;
mod declared;
mod examples;
mod front_matter;
mod json_text;
mod lines;
mod magic_comment;
mod markdown_fence;
mod messages_json;
mod plain;
mod prompt_file;
mod roles;
mod sections;
mod string_literal;
#[cfg(test)]
mod tests;
mod variables;
mod yaml;

use crate::{
    prompt_document::{PromptDocument, Section},
    prompt_text::PromptText,
};
use std::ops::Range;

/// How a document holds prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// The whole document is one plain prompt.
    Plain,
    /// Front matter and a body, which may be a chat.
    PromptFile,
    /// As a prompt file that is a chat for sure.
    Transcript,
    /// Prompts stand in fences.
    Markdown,
    /// Messages of a chat, or a request that holds them.
    Json,
    /// A request a line.
    JsonLines,
    /// Prompts stand in string literals, and none appears by itself.
    Code,
}

/// Endings of file names, the longest first.
const ENDINGS: &[(&str, Format)] = &[
    (".prompt.md", Format::PromptFile),
    (".prompty", Format::PromptFile),
    (".prompt", Format::PromptFile),
    (".chat", Format::Transcript),
    (".markdown", Format::Markdown),
    (".md", Format::Markdown),
    (".jsonl", Format::JsonLines),
    (".ndjson", Format::JsonLines),
    (".json", Format::Json),
    (".txt", Format::Plain),
];

/// Language ids, for documents whose name says nothing (an unsaved buffer).
const LANGUAGES: &[(&str, Format)] = &[
    ("prompt", Format::PromptFile),
    ("prompty", Format::PromptFile),
    ("dotprompt", Format::PromptFile),
    ("plaintext", Format::Plain),
    ("text", Format::Plain),
    ("markdown", Format::Markdown),
    ("json", Format::Json),
    ("jsonc", Format::Json),
    ("jsonl", Format::JsonLines),
    ("jsonlines", Format::JsonLines),
];

impl Format {
    fn of(name: &str, language: &str) -> Self {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
        let by_name = ENDINGS.iter().find(|(ending, _)| file.ends_with(ending));
        let by_language = || LANGUAGES.iter().find(|(id, _)| *id == language);
        by_name.or_else(by_language).map_or(Self::Code, |(_, format)| *format)
    }
}

/// The prompts that appear in a document by themselves, in order. `name` is its address or file name, `language` the editor's
/// id of its language, which may be empty.
pub fn find_prompts(name: &str, language: &str, text: &str) -> Vec<PromptDocument> {
    match Format::of(name, language) {
        Format::Plain => vec![plain::read(text)],
        Format::PromptFile => vec![prompt_file::read(text, false)],
        Format::Transcript => vec![prompt_file::read(text, true)],
        Format::Markdown => markdown_fence::read(text),
        Format::Json => messages_json::read(text).into_iter().collect(),
        Format::JsonLines => messages_json::read_lines(text),
        Format::Code => Vec::new(),
    }
}

/// Sections and examples of a prompt's text, in the order of its document.
pub fn sections_of(prompt: &PromptText) -> Vec<Section> {
    sections::of(prompt)
}

/// The prompt that a selection is: what a string literal in code or JSON means, else the text as it stands. A span that does
/// not lie in the text at character boundaries is moved inwards until it does.
pub fn of_selection(name: &str, language: &str, text: &str, span: Range<usize>) -> PromptDocument {
    let end = text.floor_char_boundary(span.end);
    let span = text.ceil_char_boundary(span.start).min(end)..end;
    let format = Format::of(name, language);
    let mapped = match format {
        Format::Code => string_literal::of_selection(name, language, text, span.clone()),
        Format::Json | Format::JsonLines => json_text::of_selection(text, span.clone()),
        _ => None,
    };
    let mut prompt = match mapped {
        Some(mapped) => plain::of_mapped(mapped, span),
        None => plain::of_span(text, span),
    };
    prompt.settings.model = match format {
        Format::Plain | Format::Json | Format::JsonLines => None,
        Format::PromptFile | Format::Transcript => prompt_file::settings(text).model,
        Format::Markdown | Format::Code => magic_comment::at_the_top(text).settings.model,
    };
    prompt
}
