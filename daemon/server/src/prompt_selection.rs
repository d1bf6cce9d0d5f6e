//! Which bytes of a document are the prompt: the selection, the paragraph at the cursor, or the file.
//! What must not live here: positions, chat formats.

use crate::{
    documents::Document,
    prompt_document::{PromptDocument, PromptSettings},
    prompt_text::PromptText,
};
use std::ops::Range;

/// Extensions of files that are prompts as a whole.
const PROMPT_EXTENSIONS: &[&str] = &["prompt", "txt", "md", "prompty", "markdown"];
/// Language ids of documents that are prompts as a whole, where the name says nothing (an unsaved buffer).
const PROMPT_LANGUAGES: &[&str] = &["prompt", "plaintext", "text", "markdown", "prompty"];

/// The prompts that appear by themselves in a document.
pub(crate) fn prompts(uri: &str, document: &Document) -> Vec<PromptDocument> {
    if is_prompt(uri, document) { vec![of_span(uri, document, whole(document))] } else { vec![] }
}

/// A selection as a prompt.
pub(crate) fn of_span(_uri: &str, document: &Document, span: Range<usize>) -> PromptDocument {
    let text = document.text.byte_slice(span.clone()).to_string();
    PromptDocument {
        source: span.clone(),
        body: span.clone(),
        text: PromptText::plain(text, span.start),
        settings: PromptSettings::default(),
        sections: Vec::new(),
        problems: Vec::new(),
    }
}

/// Whether a document is a prompt as a whole. Nothing appears by itself in one that is not.
pub(crate) fn is_prompt(uri: &str, document: &Document) -> bool {
    let name = uri.rsplit('/').next().unwrap_or(uri);
    match name.rsplit_once('.') {
        Some((_, extension))
            if PROMPT_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()) =>
        {
            true
        }
        _ => PROMPT_LANGUAGES.contains(&document.language.as_str()),
    }
}

/// The whole document without the one line break that editors put at the end of a file: it ends the file, not the prompt.
pub(crate) fn whole(document: &Document) -> Range<usize> {
    let text = &document.text;
    let n = text.len_bytes();
    let end = match n.checked_sub(1).map(|last| text.byte(last)) {
        Some(b'\n') if n >= 2 && text.byte(n - 2) == b'\r' => n - 2,
        Some(b'\n' | b'\r') => n - 1,
        _ => n,
    };
    0..end
}

/// The paragraph (lines between blank lines) at a byte; empty on a blank line.
pub(crate) fn paragraph(document: &Document, byte: usize) -> Range<usize> {
    let text = &document.text;
    let is_blank = |line: usize| text.line(line).chars().all(char::is_whitespace);
    let at = text.byte_to_line(byte.min(text.len_bytes()));
    if is_blank(at) {
        return byte..byte;
    }
    let first = (0..at).rev().take_while(|line| !is_blank(*line)).last().unwrap_or(at);
    let last = (at + 1..text.len_lines()).take_while(|line| !is_blank(*line)).last().unwrap_or(at);
    let end = text.line_to_byte(last) + trimmed_len(text.line(last));
    text.line_to_byte(first)..end
}

fn trimmed_len(line: ropey::RopeSlice<'_>) -> usize {
    let breaks =
        line.chars_at(line.len_chars()).reversed().take_while(|c| matches!(c, '\n' | '\r')).count();
    line.len_bytes() - breaks
}

#[cfg(test)]
mod tests {
    use super::{is_prompt, paragraph, whole};
    use crate::documents::{Document, Documents};

    fn document(language: &str, text: &str) -> Document {
        let documents = Documents::default();
        documents.open("u", language.into(), 1, text);
        documents.snapshot("u").unwrap()
    }

    #[test]
    fn the_final_line_break_is_not_part_of_the_prompt() {
        assert_eq!(whole(&document("", "a\n")), 0..1);
        assert_eq!(whole(&document("", "a\r\n")), 0..1);
        assert_eq!(whole(&document("", "a\n\n")), 0..2);
        assert_eq!(whole(&document("", "a ")), 0..2);
        assert_eq!(whole(&document("", "")), 0..0);
    }

    #[test]
    fn paragraphs_end_at_blank_lines() {
        let text = "fn a\n\none é\r\ntwo\n \nthree";
        let found = document("rust", text);
        assert_eq!(&text[paragraph(&found, 8)], "one é\r\ntwo");
        assert_eq!(&text[paragraph(&found, 0)], "fn a");
        assert_eq!(&text[paragraph(&found, text.len())], "three");
        assert_eq!(paragraph(&found, 5), 5..5);
    }

    #[test]
    fn code_is_no_prompt() {
        assert!(is_prompt("file:///a.prompt", &document("whatever", "")));
        assert!(is_prompt("file:///A.PROMPT.MD", &document("", "")));
        assert!(is_prompt("untitled:1", &document("plaintext", "")));
        assert!(!is_prompt("file:///a.rs", &document("rust", "")));
    }
}
