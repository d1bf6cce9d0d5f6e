//! What stands in a document: documentSymbol and foldingRange, from messages, sections, examples and front matter. No model.

use crate::{
    answering::Desk,
    prompt_document::{PromptDocument, SectionKind},
    verbs::lsp_range,
};
use limpid_protocol::display;
use std::ops::Range;
use tower_lsp::ls_types::{self as lsp, Uri};

/// Longest name of a symbol, in columns.
const NAME_COLUMNS: usize = 60;

/// A part of a document with the parts in it.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    name: String,
    detail: String,
    kind: lsp::SymbolKind,
    source: Range<usize>,
    children: Vec<Part>,
}

impl Desk {
    /// `textDocument/documentSymbol`.
    #[expect(deprecated, reason = "the LSP types still hold the field that tags replaced")]
    pub(crate) fn symbols(&self, uri: &Uri) -> Option<lsp::DocumentSymbolResponse> {
        let document = self.documents.snapshot(uri.as_str()).ok()?;
        let prompts = document.prompts(uri.as_str());
        let mut parts: Vec<Part> = prompts.iter().map(|p| outline(p, &document.text)).collect();
        if let [only] = &mut parts[..] {
            parts = std::mem::take(&mut only.children);
        }
        let encoding = self.encoding();
        fn symbol(part: Part, range: &dyn Fn(Range<usize>) -> lsp::Range) -> lsp::DocumentSymbol {
            let selected = part.source.start..part.source.start;
            let children = part.children.into_iter().map(|part| symbol(part, range)).collect();
            lsp::DocumentSymbol {
                name: part.name,
                detail: Some(part.detail).filter(|detail| !detail.is_empty()),
                kind: part.kind,
                tags: None,
                deprecated: None,
                range: range(part.source),
                selection_range: range(selected),
                children: Some(children).filter(|children: &Vec<_>| !children.is_empty()),
            }
        }
        let range = |span| lsp_range(&document.text, span, encoding);
        let symbols = parts.into_iter().map(|part| symbol(part, &range)).collect();
        Some(lsp::DocumentSymbolResponse::Nested(symbols))
    }

    /// `textDocument/foldingRange`.
    pub(crate) fn folds(&self, uri: &Uri) -> Option<Vec<lsp::FoldingRange>> {
        let document = self.documents.snapshot(uri.as_str()).ok()?;
        let line = |byte: usize| document.text.byte_to_line(byte.min(document.text.len_bytes()));
        let mut folds = Vec::new();
        let mut fold = |span: Range<usize>, kind: Option<lsp::FoldingRangeKind>| {
            let last = line(span.end.saturating_sub(1).max(span.start));
            if last > line(span.start) {
                folds.push(lsp::FoldingRange {
                    start_line: line(span.start) as u32,
                    end_line: last as u32,
                    kind,
                    ..lsp::FoldingRange::default()
                });
            }
        };
        for prompt in &*document.prompts(uri.as_str()) {
            fold(prompt.source.start..prompt.body.start, Some(lsp::FoldingRangeKind::Imports));
            for message in prompt.text.messages.iter().flatten() {
                fold(trimmed(&document.text, &message.source), Some(lsp::FoldingRangeKind::Region));
            }
            for section in &prompt.sections {
                fold(trimmed(&document.text, &section.source), Some(lsp::FoldingRangeKind::Region));
            }
        }
        folds.dedup();
        Some(folds)
    }
}

/// A span without the blank lines at its end.
pub(super) fn trimmed(text: &ropey::Rope, span: &Range<usize>) -> Range<usize> {
    let slice = text.byte_slice(span.clone());
    let blank = slice.chars_at(slice.len_chars()).reversed().take_while(|c| c.is_whitespace());
    span.start..span.end - blank.map(char::len_utf8).sum::<usize>()
}

/// A prompt with its messages, and the sections inside them.
fn outline(prompt: &PromptDocument, text: &ropey::Rope) -> Part {
    let content = &prompt.text.text;
    let first_words = |content: &str| {
        let line = content.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
        display::cut(&display::escape(line), NAME_COLUMNS)
    };
    let mut parts = Vec::new();
    for message in prompt.text.messages.iter().flatten() {
        parts.push(Part {
            name: message.role.clone(),
            detail: first_words(content.get(message.content.clone()).unwrap_or("")),
            kind: lsp::SymbolKind::NAMESPACE,
            source: trimmed(text, &message.source),
            children: Vec::new(),
        });
    }
    for section in &prompt.sections {
        let part = Part {
            name: display::cut(&display::escape(&section.name), NAME_COLUMNS),
            detail: String::new(),
            kind: match section.kind {
                SectionKind::Section => lsp::SymbolKind::STRING,
                SectionKind::Example => lsp::SymbolKind::EVENT,
            },
            source: trimmed(text, &section.source),
            children: Vec::new(),
        };
        insert(&mut parts, part);
    }
    Part {
        name: first_words(content),
        detail: String::new(),
        kind: lsp::SymbolKind::MODULE,
        source: prompt.source.clone(),
        children: parts,
    }
}

/// Puts a part into the innermost one that holds it.
fn insert(parts: &mut Vec<Part>, part: Part) {
    let holds = |outer: &Part| {
        outer.source.start <= part.source.start
            && part.source.end <= outer.source.end
            && outer.source != part.source
    };
    match parts.iter_mut().find(|outer| holds(outer)) {
        Some(outer) => insert(&mut outer.children, part),
        None => parts.push(part),
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, insert};
    use std::ops::Range;
    use tower_lsp::ls_types::SymbolKind;

    fn part(name: &str, source: Range<usize>) -> Part {
        let kind = SymbolKind::STRING;
        Part { name: name.into(), detail: String::new(), kind, source, children: vec![] }
    }

    #[test]
    fn sections_nest_by_what_holds_them() {
        let mut parts = vec![part("system", 0..10), part("user", 10..30)];
        for (name, source) in [("a", 10..20), ("b", 12..15), ("c", 20..30), ("d", 31..40)] {
            insert(&mut parts, part(name, source));
        }
        let names = |parts: &[Part]| parts.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&parts), ["system", "user", "d"]);
        assert_eq!(names(&parts[1].children), ["a", "c"]);
        assert_eq!(names(&parts[1].children[0].children), ["b"]);
    }
}
