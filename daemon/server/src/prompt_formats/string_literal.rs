//! String literals in source code: what one means, with the place of every character of it. Grammars say where literals and the
//! code inside them are; `escapes` says what their characters mean. Code inside a literal stays as it is written.

mod escapes;
#[cfg(test)]
mod tests;

use crate::prompt_text::MappedText;
use escapes::Rules;
use std::{
    ops::{ControlFlow, Range},
    time::{Duration, Instant},
};
use tree_sitter::{Language, Node, ParseOptions, Parser};

/// Code that takes longer to parse is not parsed: a selection in it is its plain text.
const MAX_PARSE: Duration = Duration::from_secs(2);
const MAX_BYTES: usize = 4 << 20;
/// Ancestors that are looked at: no literal is nested deeper in code that somebody wrote.
const MAX_ANCESTORS: usize = 64;

/// A language: its name to editors, endings of its files, its grammar and what its escapes mean.
struct Code {
    ids: &'static [&'static str],
    endings: &'static [&'static str],
    grammar: fn() -> Language,
    rules: Rules,
}

const LANGUAGES: &[Code] = &[
    Code {
        ids: &["python"],
        endings: &["py", "pyi", "pyw"],
        grammar: || tree_sitter_python::LANGUAGE.into(),
        rules: Rules::Python,
    },
    Code {
        ids: &["typescript"],
        endings: &["ts", "mts", "cts"],
        grammar: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        rules: Rules::JavaScript,
    },
    Code {
        ids: &["javascript", "javascriptreact", "typescriptreact"],
        endings: &["js", "mjs", "cjs", "jsx", "tsx"],
        grammar: || tree_sitter_typescript::LANGUAGE_TSX.into(),
        rules: Rules::JavaScript,
    },
    Code {
        ids: &["rust"],
        endings: &["rs"],
        grammar: || tree_sitter_rust::LANGUAGE.into(),
        rules: Rules::Rust,
    },
    Code {
        ids: &["go"],
        endings: &["go"],
        grammar: || tree_sitter_go::LANGUAGE.into(),
        rules: Rules::Go,
    },
    Code {
        ids: &["java"],
        endings: &["java"],
        grammar: || tree_sitter_java::LANGUAGE.into(),
        rules: Rules::Java,
    },
];

/// Kinds of nodes, in all grammars.
const STRINGS: &[&str] = &[
    "string",
    "template_string",
    "string_literal",
    "raw_string_literal",
    "interpreted_string_literal",
];
const JOINED: &str = "concatenated_string";
const INNER_CODE: &[&str] = &["interpolation", "template_substitution", "string_interpolation"];

impl Code {
    fn of(name: &str, language: &str) -> Option<&'static Self> {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let by_ending = LANGUAGES.iter().find(|code| code.endings.contains(&ending.as_str()));
        by_ending.or_else(|| LANGUAGES.iter().find(|code| code.ids.contains(&language)))
    }
}

/// What a selection inside a literal means; none where it does not lie inside one. Quotes may be selected with it.
pub(super) fn of_selection(
    name: &str,
    language: &str,
    text: &str,
    span: Range<usize>,
) -> Option<MappedText> {
    let code = Code::of(name, language).filter(|_| text.len() <= MAX_BYTES)?;
    let mut parser = Parser::new();
    parser.set_language(&(code.grammar)()).ok()?;
    let deadline = Instant::now() + MAX_PARSE;
    let mut in_time = |_: &tree_sitter::ParseState| match Instant::now() < deadline {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let options = ParseOptions::new().progress_callback(&mut in_time);
    let mut read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(options))?;
    let mut node = tree.root_node().descendant_for_byte_range(span.start, span.end)?;
    for _ in 0..MAX_ANCESTORS {
        if INNER_CODE.contains(&node.kind()) {
            return None;
        }
        let holds = node.start_byte() <= span.start && span.end <= node.end_byte();
        if holds && (node.kind() == JOINED || STRINGS.contains(&node.kind())) {
            let mut out = MappedText::default();
            append(code.rules, text, node, &span, &mut out)?;
            return Some(out);
        }
        node = node.parent()?;
    }
    None
}

/// Puts what a literal, or several that are joined, means on `out`.
fn append(
    rules: Rules,
    text: &str,
    node: Node<'_>,
    part: &Range<usize>,
    out: &mut MappedText,
) -> Option<()> {
    let mut cursor = node.walk();
    let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
    if node.kind() == JOINED {
        let strings = children.into_iter().filter(|child| child.kind() == "string");
        return strings.into_iter().try_for_each(|child| append(rules, text, child, part, out));
    }
    let codes: Vec<Range<usize>> = children
        .iter()
        .filter(|child| INNER_CODE.contains(&child.kind()))
        .map(Node::byte_range)
        .collect();
    escapes::append(rules, text, node.byte_range(), &codes, part, out)
}
