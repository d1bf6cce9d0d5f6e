//! Completion and hover in the front matter of a prompt file, from the table of keys. What is wrong with it is said where it
//! is read (`prompt_document::PromptDocument::problems`). What must not live here: YAML, LSP types, positions, names of models.

use crate::settings::{
    assist::{Completion, explained},
    keys::{FRONT_MATTER_KEYS, Key, Kind, find},
};
use std::ops::Range;

/// The fence above and below front matter.
const FENCE: &str = "---";

/// The bytes between the fences of a document's front matter; one that is still open goes on to the end.
pub fn span(text: &str) -> Option<Range<usize>> {
    let mut at = 0;
    let mut start = None;
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_end() == FENCE;
        match start {
            None if is_fence => start = Some(at + line.len()),
            None => return None,
            Some(start) if is_fence => return Some(start..at),
            Some(_) => {}
        }
        at += line.len();
    }
    start.map(|start| start..text.len())
}

/// What may be written at a byte of a prompt file, where that is in its front matter: keys, and values that can be listed.
pub fn complete(text: &str, byte: usize) -> Vec<Completion> {
    let byte = text.floor_char_boundary(byte);
    let Some(front) = span(text).filter(|front| front.start <= byte && byte <= front.end) else {
        return Vec::new();
    };
    let start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
    let written = &text[start..byte];
    if let Some((name, value)) = written.split_once(':') {
        let Some(key) = find(FRONT_MATTER_KEYS, name.trim()) else { return Vec::new() };
        let value = value.trim_start();
        return values(key, value, byte - value.len()..byte);
    }
    // What is indented belongs to a key above, of which none of ours has any.
    if written.starts_with([' ', '\t', '-', '#']) {
        return Vec::new();
    }
    let has: Vec<&str> = text[front]
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim_end()))
        .filter(|name| *name != written)
        .collect();
    FRONT_MATTER_KEYS
        .iter()
        .filter(|key| key.name.starts_with(written) && !has.contains(&key.name))
        .map(|key| Completion {
            label: key.name.to_owned(),
            detail: key.kind.says(),
            doc: key.doc.to_owned(),
            insert: format!("{}: ", key.name),
            replace: start..byte,
        })
        .collect()
}

/// What the key on the line of a byte is, and the bytes of that line; none outside of front matter.
pub fn hover(text: &str, byte: usize) -> Option<(String, Range<usize>)> {
    let byte = text.floor_char_boundary(byte);
    let front = span(text).filter(|front| front.contains(&byte))?;
    let start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
    let end = text[byte..front.end].find(['\n', '\r']).map_or(front.end, |at| byte + at);
    let (name, _) = text[start..end].split_once(':')?;
    let key = find(FRONT_MATTER_KEYS, name.trim_end())?;
    Some((explained(key.name, key), start..end))
}

fn values(key: &Key, written: &str, replace: Range<usize>) -> Vec<Completion> {
    let values: &[&str] = match key.kind {
        Kind::Flag => &["true", "false"],
        _ => &[],
    };
    let completion = |value: &&str| Completion {
        label: (*value).to_owned(),
        detail: key.kind.says(),
        doc: key.doc.to_owned(),
        insert: (*value).to_owned(),
        replace: replace.clone(),
    };
    values.iter().filter(|value| value.starts_with(written)).map(completion).collect()
}
