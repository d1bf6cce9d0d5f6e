//! Markdown: every fence whose info string starts with the word `prompt` is a prompt of its own. What stands before its lines in
//! the file, an indentation or a quote's `>`, is no part of it.

use crate::{
    prompt_document::PromptDocument,
    prompt_formats::{
        body::Body,
        declared::{Declared, attributes},
        lines::{lines, without_final_break},
        magic_comment,
    },
    prompt_text::MappedText,
};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use std::ops::Range;

/// The prompts of a document, in order.
pub(super) fn read(text: &str) -> Vec<PromptDocument> {
    let mut outside = magic_comment::at_the_top(text);
    let mut prompts = Vec::new();
    let mut open: Option<Fence> = None;
    for (event, span) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let is_prompt = info.split_whitespace().next() == Some("prompt");
                open = is_prompt.then(|| Fence { span, raw: MappedText::default() });
            }
            Event::Text(words) => {
                if let Some(fence) = &mut open {
                    fence.push(text, &words, span);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(fence) = open.take() {
                    prompts.push(fence.read(text, outside.clone()));
                    // What is wrong at the top of the file is told once, with its first prompt.
                    outside.problems.clear();
                }
            }
            _ => {}
        }
    }
    prompts
}

/// A fence: its bytes in the document, and its text as far as it is read.
struct Fence {
    span: Range<usize>,
    raw: MappedText,
}

impl Fence {
    /// Goes on with text of the fence, which the parser may have changed: of a tab that is part indentation it gives the
    /// columns that are left as spaces, which have no bytes after that tab. They stand for the tab.
    fn push(&mut self, document: &str, words: &str, span: Range<usize>) {
        if document.get(span.clone()) == Some(words) {
            self.raw.push_verbatim(document, span);
        } else if span.is_empty() && document[..span.start].ends_with('\t') {
            self.raw.push_whole(words, span.start - 1..span.end);
        } else {
            self.raw.push_whole(words, span);
        }
    }

    fn read(mut self, document: &str, outside: Declared) -> PromptDocument {
        let end = without_final_break(&self.raw.text);
        let mut own = MappedText::default();
        own.push_part(&self.raw, 0..end);
        self.raw = own;
        let first = lines(document, self.span.start).next();
        let info = first.map_or(self.span.start..self.span.start, |line| {
            let words = line.text.trim_start_matches(['`', '~', ' ', '\t']);
            let start = line.start + (line.text.len() - words.len());
            let attributes = start + if words.starts_with("prompt") { "prompt".len() } else { 0 };
            attributes..line.start + line.text.len()
        });
        let mut declared = Declared::default();
        attributes(&document[info.clone()], info.start, &mut declared);
        let body = match self.raw.text.is_empty() {
            true => {
                let at = lines(document, info.end).next().map_or(info.end, |line| line.next);
                at.min(self.span.end)..at.min(self.span.end)
            }
            false => self.raw.to_source(0..self.raw.text.len()),
        };
        let is_chat = declared.is_chat();
        Body {
            document,
            source: self.span,
            body,
            raw: self.raw,
            declared: outside.and(declared),
            is_chat,
        }
        .read()
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    /// The text of each prompt, and what of the document it covers.
    fn check(text: &str, expected: &[(&str, &str)]) {
        let prompts = read(text);
        let found: Vec<(&str, &str)> = prompts
            .iter()
            .map(|prompt| (prompt.text.text.as_str(), &text[prompt.body.clone()]))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn only_fences_marked_prompt_are_prompts() {
        check(
            "# A\n```prompt\na\nb\n```\n\n```\nno\n```\n~~~ prompt chat\nc\n~~~\n",
            &[("a\nb", "a\nb"), ("c", "c")],
        );
        check("text\n```prompts\nx\n```\n    ```prompt\n    x\n", &[]);
        check("```prompt\n```\n", &[("", "")]);
        check("```prompt\nno end", &[("no end", "no end")]);
    }

    #[test]
    fn what_stands_before_the_lines_is_no_part_of_them() {
        check("> ```prompt\n> a\n>  b\n> ```\n", &[("a\n b", "a\n>  b")]);
        check("- x\n\n  ```prompt\n  a\n\n    b\n  ```\n", &[("a\n\n  b", "a\n\n    b")]);
        check("```prompt\r\na\r\nb\r\n```\r\n", &[("a\nb", "a\r\nb")]);
    }

    #[test]
    fn a_tab_that_is_part_indentation_is_the_place_of_its_other_columns() {
        check("  ```prompt\n\n\t", &[("\n  ", "\n\t")]);
        check("  ```prompt\n\ta\n \tb\n  ```\n", &[("  a\n  b", "\ta\n \tb")]);
    }

    #[test]
    fn attributes_are_settings() {
        let text = "<!-- limpid: model=a, target=x -->\n\n```prompt chat model=b colour=red\nuser: hi\n```\n";
        let prompts = read(text);
        let settings = &prompts[0].settings;
        assert_eq!(settings.model.as_ref().map(|model| model.value.as_str()), Some("b"));
        assert_eq!(settings.target.as_ref().map(|target| target.value.as_str()), Some("x"));
        assert_eq!(prompts[0].text.messages.as_ref().map(Vec::len), Some(1));
        assert_eq!(&text[prompts[0].problems[0].source.clone()], "colour");
    }
}
