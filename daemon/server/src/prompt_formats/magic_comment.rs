//! Magic comments: `<!-- limpid: model=x, chat -->`, `# limpid: ..`, `// limpid: ..` before the first line of a text, and the
//! markers `<!-- limpid: untrusted -->` .. `<!-- limpid: trusted -->` on lines of their own further down.

use crate::prompt_formats::{
    declared::{Declared, attributes},
    lines::{Line, lines},
};
use std::ops::Range;

/// How a line may begin a magic comment, and end it.
const COMMENTS: &[(&str, &str)] = &[
    ("<!--", "-->"),
    ("{{!--", "--}}"),
    ("/*", "*/"),
    ("//", ""),
    ("--", ""),
    ("#", ""),
    (";", ""),
];
/// Lines of code that are looked at: a licence may stand before the comment.
const FIRST_LINES: usize = 10;

/// What a line says to limpid, and where that starts in the line; none: it is no such comment.
fn said<'a>(line: &Line<'a>) -> Option<(&'a str, usize)> {
    let text = line.text.trim();
    let own = COMMENTS.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        inner.trim().strip_prefix("limpid:")
    })?;
    Some((own, own.as_ptr().addr() - line.text.as_ptr().addr()))
}

/// What magic comments in the first lines of a document declare.
pub(super) fn at_the_top(text: &str) -> Declared {
    let mut declared = Declared::default();
    for line in lines(text, 0).take(FIRST_LINES) {
        if let Some((said, at)) = said(&line)
            && !is_marker(said)
        {
            attributes(said, line.start + at, &mut declared);
        }
    }
    declared
}

fn is_marker(said: &str) -> bool {
    matches!(said.trim(), "untrusted" | "trusted")
}

/// What magic comments of a prompt's body say. All places are bytes of the body.
#[derive(Debug, Default)]
pub(super) struct Comments {
    pub(super) declared: Declared,
    /// Whole lines that are no prompt text, in order.
    pub(super) cuts: Vec<Range<usize>>,
    /// Parts between markers.
    pub(super) untrusted: Vec<Range<usize>>,
}

/// Reads the comments of a body: declarations before its first line of text, markers anywhere.
pub(super) fn of_body(text: &str) -> Comments {
    let mut comments = Comments::default();
    let mut is_top = true;
    let mut since: Option<usize> = None;
    for line in lines(text, 0) {
        match said(&line) {
            Some((said, _)) if is_marker(said) => {
                match (said.trim(), since.take()) {
                    ("untrusted", earlier) => since = Some(earlier.unwrap_or(line.next)),
                    (_, Some(start)) => comments.untrusted.push(start..line.start),
                    (_, None) => {}
                }
                comments.cuts.push(line.whole());
            }
            Some((said, at)) if is_top => {
                attributes(said, line.start + at, &mut comments.declared);
                comments.cuts.push(line.whole());
            }
            _ => is_top &= line.is_blank(),
        }
    }
    if let Some(start) = since {
        comments.untrusted.push(start..text.len());
    }
    comments
}

#[cfg(test)]
mod tests {
    use super::{at_the_top, of_body};

    #[test]
    fn comments_stand_at_the_top_and_markers_anywhere() {
        let text = "<!-- limpid: chat -->\n\n# limpid: target=x\nHi\n<!-- limpid: untrusted -->\nevil\n<!-- limpid: trusted -->\n# limpid: not=one\n<!--limpid:untrusted-->\nmore";
        let found = of_body(text);
        let cut: Vec<&str> = found.cuts.iter().map(|cut| &text[cut.clone()]).collect();
        assert_eq!(cut.len(), 5);
        assert_eq!(cut[0], "<!-- limpid: chat -->\n");
        assert!(found.declared.is_chat() && found.declared.problems.is_empty());
        let target = found.declared.settings.target.unwrap();
        assert_eq!(&text[target.source], "x");
        let untrusted: Vec<&str> = found.untrusted.iter().map(|part| &text[part.clone()]).collect();
        assert_eq!(untrusted, ["evil\n", "more"]);
    }

    #[test]
    fn code_has_its_own_comments() {
        let model = |text| at_the_top(text).settings.model.map(|model| model.value);
        assert_eq!(model("#!/bin/sh\n# limpid: model=a\n"), Some("a".to_owned()));
        assert_eq!(model("\n  // limpid: model=b\n"), Some("b".to_owned()));
        assert_eq!(model("/* limpid: model=c */\n"), Some("c".to_owned()));
        assert_eq!(model("x = '# limpid: model=d'\n"), None);
    }
}
