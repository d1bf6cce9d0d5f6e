//! Prompt files (`.prompt`, `.prompt.md`, `.prompty`) and transcripts (`.chat`): front matter, then the body.

use crate::{
    prompt_document::{PromptDocument, PromptSettings},
    prompt_formats::{body::Body, front_matter, magic_comment},
    prompt_text::{MappedText, SourceMap},
};

/// The prompt that the document is; in a transcript roles and contents may share a line.
pub(super) fn read(text: &str, is_transcript: bool) -> PromptDocument {
    let front = front_matter::find(text);
    let body = front.whole.end..text.len();
    Body {
        document: text,
        source: 0..text.len(),
        body: body.clone(),
        raw: MappedText::verbatim(text, body),
        declared: front_matter::read(text, &front),
        is_chat: is_transcript,
    }
    .read()
}

/// What the document declares about itself.
pub(super) fn settings(text: &str) -> PromptSettings {
    let front = front_matter::find(text);
    let body = &text[front.whole.end..];
    let map = SourceMap::verbatim(body.len(), front.whole.end);
    let comments = magic_comment::of_body(body).declared.moved(&map);
    front_matter::read(text, &front).and(comments).settings
}
