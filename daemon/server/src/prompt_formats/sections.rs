//! Named parts of a prompt: Markdown headings, tags on lines of their own, few-shot examples. Each message has its own.

use crate::{
    prompt_document::{Section, SectionKind},
    prompt_formats::{examples, lines::lines},
    prompt_text::PromptText,
};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use std::{collections::HashMap, ops::Range};

/// Text beyond this is not looked at for sections, and more sections than this are not told.
const MAX_BYTES: usize = 1 << 20;
const MAX_SECTIONS: usize = 1000;
/// Longest name that is told, characters.
const MAX_NAME: usize = 60;

/// A part found in a text.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) kind: SectionKind,
    pub(super) span: Range<usize>,
}

/// The sections of a prompt, by where they start.
pub(super) fn of(prompt: &PromptText) -> Vec<Section> {
    if prompt.text.len() > MAX_BYTES {
        return Vec::new();
    }
    let whole = 0..prompt.text.len();
    let spans: Vec<Range<usize>> = match &prompt.messages {
        Some(messages) => messages.iter().map(|message| message.content.clone()).collect(),
        None => vec![whole],
    };
    let mut sections = Vec::new();
    for span in spans {
        let own = &prompt.text[span.clone()];
        let mut parts = headings(own);
        parts.extend(tags(own));
        parts.extend(examples::of(own));
        parts.sort_by_key(|part| (part.span.start, std::cmp::Reverse(part.span.end)));
        sections.extend(parts.into_iter().filter(|part| !part.span.is_empty()).map(|part| {
            let place = part.span.start + span.start..part.span.end + span.start;
            let source = prompt.map.to_source(place);
            Section { name: part.name, kind: part.kind, source }
        }));
        if sections.len() > MAX_SECTIONS {
            sections.truncate(MAX_SECTIONS);
            break;
        }
    }
    sections
}

/// A name on one line, cut where it is long.
fn name(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(MAX_NAME) {
        Some((at, _)) => format!("{}…", &one_line[..at]),
        None => one_line,
    }
}

/// Markdown headings, each up to the next of its level or above.
fn headings(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Vec<(HeadingLevel, usize)> = Vec::new();
    let mut title: Option<String> = None;
    for (event, span) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                while let Some((_, part)) = open.pop_if(|(above, _)| *above >= level) {
                    parts[part].span.end = span.start;
                }
                open.push((level, parts.len()));
                let kind = SectionKind::Section;
                parts.push(Part { name: String::new(), kind, span: span.start..text.len() });
                title = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                if let (Some(title), Some(part)) = (title.take(), parts.last_mut()) {
                    part.name = name(title.trim().trim_end_matches(':'));
                }
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(title) = &mut title {
                    title.push_str(&words);
                }
            }
            _ => {}
        }
    }
    parts.retain(|part| !part.name.is_empty());
    parts
}

/// Parts between `<context>` and `</context>`, where each stands first on a line.
fn tags(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: HashMap<&str, Vec<usize>> = HashMap::new();
    for line in lines(text, 0) {
        let own = line.text.trim();
        let start = line.start + (line.text.len() - line.text.trim_start().len());
        if let Some(name) = opened(own) {
            match own.strip_suffix('>').and_then(|own| own.strip_suffix(name)) {
                // `<name>..</name>` on one line.
                Some(rest) if rest.ends_with("</") => {
                    parts.push(tag(name, start..start + own.len()));
                }
                _ => open.entry(name).or_default().push(start),
            }
        } else if let Some(name) = closed(own)
            && let Some(start) = open.get_mut(name).and_then(Vec::pop)
        {
            parts.push(tag(name, start..line.start + line.text.trim_end().len()));
        }
    }
    parts
}

fn tag(of: &str, span: Range<usize>) -> Part {
    Part { name: name(of), kind: SectionKind::Section, span }
}

fn is_tag_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

/// The name of a tag that opens a line.
fn opened(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('<')?;
    let inner = &inner[..inner.find('>')?];
    let name = inner.split([' ', '\t']).next().filter(|name| is_tag_name(name))?;
    (!inner.ends_with('/')).then_some(name)
}

/// The name of a tag that a line closes.
fn closed(line: &str) -> Option<&str> {
    let inner = line.strip_suffix('>')?;
    let name = inner.rsplit_once("</")?.1;
    is_tag_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::{prompt_document::SectionKind, prompt_text::PromptText};

    fn check(text: &str, expected: &[(&str, &str)]) {
        let sections = of(&PromptText::plain(text, 0));
        let found: Vec<(&str, &str)> = sections
            .iter()
            .map(|section| {
                assert_eq!(section.kind, SectionKind::Section);
                (section.name.as_str(), &text[section.source.clone()])
            })
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn headings_reach_to_the_next_of_their_level() {
        let text = "go\n# A\na\n## B\nb\n# C\nc";
        check(text, &[("A", "# A\na\n## B\nb\n"), ("B", "## B\nb\n"), ("C", "# C\nc")]);
        check(
            "### Instruction:\nx\n\n### Response:\n",
            &[("Instruction", "### Instruction:\nx\n\n"), ("Response", "### Response:\n")],
        );
        check("```\n# no\n```\n#no\n", &[]);
    }

    #[test]
    fn tags_name_what_is_between_them() {
        let text = "<context>\n<doc id=\"1\">x</doc>\n</context>\n<b>bold</b> text\n</c>\n<d>\n";
        check(
            text,
            &[
                ("context", "<context>\n<doc id=\"1\">x</doc>\n</context>"),
                ("doc", "<doc id=\"1\">x</doc>"),
            ],
        );
        check("<br/>\n<2>\n", &[]);
    }
}
