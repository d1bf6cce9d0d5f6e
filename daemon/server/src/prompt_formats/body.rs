//! The body of a prompt, whatever file it stands in: magic comments and markers are cut out, variables filled in, role headings
//! made messages, sections named.

use crate::{
    prompt_document::PromptDocument,
    prompt_formats::{
        declared::Declared,
        lines::{without_final_break, without_outer_blank_lines},
        magic_comment, roles, sections, variables,
    },
    prompt_text::{MappedText, Message, PromptText},
};
use std::ops::Range;

/// Problems of one prompt that are told; a document may be nothing but problems.
const MAX_PROBLEMS: usize = 100;

/// A body as it stands, and what is known about it from outside.
pub(super) struct Body<'a> {
    /// The document.
    pub(super) document: &'a str,
    /// All of the prompt in the document, and its body.
    pub(super) source: Range<usize>,
    pub(super) body: Range<usize>,
    /// The body's text.
    pub(super) raw: MappedText,
    /// What was declared outside of the body.
    pub(super) declared: Declared,
    /// Whether it is a chat for sure.
    pub(super) is_chat: bool,
}

/// A part of the body that is not prompt text as it stands.
struct Edit {
    place: Range<usize>,
    /// What stands there instead; none: nothing.
    value: Option<String>,
}

impl Body<'_> {
    pub(super) fn read(self) -> PromptDocument {
        let raw = &self.raw;
        let comments = magic_comment::of_body(&raw.text);
        let mut declared = self.declared.and(comments.declared.moved(&raw.map));
        let (variables, uses) =
            variables::find(&raw.text, &raw.map, &declared.samples, &mut declared.problems);
        let headings = match &declared.settings.chat {
            Some(chat) if !chat.value => Vec::new(),
            _ => {
                let is_chat = self.is_chat || declared.is_chat();
                roles::headings(&raw.text, &comments.cuts, is_chat)
            }
        };
        let has_head = self.body.start > self.source.start || !comments.cuts.is_empty();
        let edits = edits(comments.cuts, uses);
        let mut out = MappedText::default();
        let messages = if headings.is_empty() {
            let all = edited(raw, &edits, 0..without_final_break(&raw.text));
            // What front matter and comments stand apart from by a blank line starts after that line.
            let inner = without_outer_blank_lines(&all.text, 0..all.text.len());
            let start = if has_head { inner.start } else { 0 };
            out.push_part(&all, start..all.text.len());
            None
        } else {
            Some(messages(raw, &edits, headings, &mut out))
        };
        let text = PromptText { text: out.text, map: out.map, messages };
        let own_messages = text.messages.as_deref().unwrap_or_default();
        let mut untrusted = declared.untrusted(self.document, own_messages);
        untrusted.extend(comments.untrusted.into_iter().map(|part| raw.to_source(part)));
        untrusted.sort_by_key(|part| (part.start, part.end));
        let mut problems = declared.problems;
        problems.truncate(MAX_PROBLEMS);
        let mut settings = declared.settings;
        (settings.untrusted, settings.variables) = (untrusted, variables);
        PromptDocument {
            source: self.source,
            body: self.body,
            sections: sections::of(&text),
            text,
            settings,
            problems,
        }
    }
}

/// Cuts and uses in order; a use inside a cut is gone with it.
fn edits(cuts: Vec<Range<usize>>, uses: Vec<variables::Use>) -> Vec<Edit> {
    let uses = uses.into_iter().map(|used| Edit { place: used.place, value: Some(used.value) });
    let cuts = cuts.into_iter().map(|place| Edit { place, value: None });
    let mut all: Vec<Edit> = cuts.chain(uses).collect();
    all.sort_by_key(|edit| edit.place.start);
    let mut end = 0;
    all.retain(|edit| {
        let is_free = edit.place.start >= end;
        end = end.max(edit.place.end);
        is_free
    });
    all
}

/// A part of the body with its edits.
fn edited(raw: &MappedText, edits: &[Edit], part: Range<usize>) -> MappedText {
    let mut out = MappedText::default();
    let mut at = part.start;
    let first = edits.partition_point(|edit| edit.place.end <= part.start);
    for edit in edits[first..].iter().take_while(|edit| edit.place.start < part.end) {
        if edit.place.start > at {
            out.push_part(raw, at..edit.place.start);
        }
        if let Some(value) = &edit.value {
            out.push_whole(value, raw.to_source(edit.place.clone()));
        }
        at = at.max(edit.place.end);
    }
    if at < part.end {
        out.push_part(raw, at..part.end);
    }
    out
}

/// The messages under the headings; their contents go on `out`.
fn messages(
    raw: &MappedText,
    edits: &[Edit],
    headings: Vec<roles::Heading>,
    out: &mut MappedText,
) -> Vec<Message> {
    let ends = headings.iter().skip(1).map(|next| next.start).chain([raw.text.len()]);
    let ends: Vec<usize> = ends.collect();
    let mut messages = Vec::with_capacity(headings.len());
    for (heading, end) in headings.into_iter().zip(ends) {
        let content = edited(raw, edits, heading.content..end);
        let own = without_outer_blank_lines(&content.text, 0..content.text.len());
        let start = out.text.len();
        out.push_part(&content, own);
        let source = raw.to_source(heading.start..end);
        messages.push(Message { role: heading.role, content: start..out.text.len(), source });
    }
    // An answer that is still to come is begun by the template, not by an empty message.
    if messages.len() > 1
        && messages.last().is_some_and(|last| last.role == "assistant" && last.content.is_empty())
    {
        messages.pop();
    }
    messages
}
