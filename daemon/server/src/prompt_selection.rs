//! Which bytes of a document are the prompt: the selection, the paragraph at the cursor, or the file.
//! What must not live here: positions, chat formats.

use crate::{documents::Document, prompt_document::PromptDocument, prompt_formats};
use std::ops::Range;

/// The prompts that appear by themselves in a document.
pub(crate) fn prompts(uri: &str, document: &Document) -> Vec<PromptDocument> {
    prompt_formats::find_prompts(uri, &document.language, &document.text.to_string())
}

/// A selection as a prompt.
pub(crate) fn of_span(uri: &str, document: &Document, span: Range<usize>) -> PromptDocument {
    let text = document.text.to_string();
    prompt_formats::of_selection(uri, &document.language, &text, span)
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
    use super::{paragraph, prompts, whole};
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
        let n_prompts = |uri: &str, language: &str| prompts(uri, &document(language, "Hi")).len();
        assert_eq!(n_prompts("file:///a.prompt", "whatever"), 1);
        assert_eq!(n_prompts("file:///A.PROMPT.MD", ""), 1);
        assert_eq!(n_prompts("untitled:1", "plaintext"), 1);
        assert_eq!(n_prompts("file:///a.md", "markdown"), 0);
        assert_eq!(n_prompts("file:///a.rs", "rust"), 0);
    }
}
