//! Plain text: the document, or a part of it, is the prompt as it stands.

use crate::{
    prompt_document::{PromptDocument, PromptSettings},
    prompt_formats::{lines::without_final_break, sections},
    prompt_text::{MappedText, PromptText},
};
use std::ops::Range;

/// The whole document without the line break at its end.
pub(super) fn read(text: &str) -> PromptDocument {
    of_span(text, 0..without_final_break(text))
}

/// A part of the document as it stands.
pub(super) fn of_span(text: &str, span: Range<usize>) -> PromptDocument {
    of_mapped(MappedText::verbatim(text, span.clone()), span)
}

/// A text that stands in `span` of the document, whatever it looks like there.
pub(super) fn of_mapped(mapped: MappedText, span: Range<usize>) -> PromptDocument {
    let text = PromptText { text: mapped.text, map: mapped.map, messages: None };
    PromptDocument {
        sections: sections::of(&text),
        source: span.clone(),
        body: span,
        text,
        settings: PromptSettings::default(),
        problems: Vec::new(),
    }
}
