//! Few-shot examples: text that repeats its shape, `Q: .. A: ..` or `Example 1 .. Example 2 ..`.

use crate::{
    prompt_document::SectionKind,
    prompt_formats::{lines::lines, sections::Part},
};
use std::ops::Range;

/// Longest label, bytes.
const MAX_LABEL: usize = 24;

/// A line that starts with a label.
struct Labelled<'a> {
    label: &'a str,
    start: usize,
    /// Whether anything follows the label before the next one.
    has_text: bool,
    /// Where its last line with text ends.
    end: usize,
}

/// The examples of a text.
pub(super) fn of(text: &str) -> Vec<Part> {
    let mut spans = numbered(text);
    if spans.len() < 2 {
        spans = labelled(text);
    }
    if spans.len() < 2 {
        return Vec::new();
    }
    let named =
        |(at, span)| Part { name: format!("Example {}", at + 1), kind: SectionKind::Example, span };
    spans.into_iter().enumerate().map(named).collect()
}

/// Parts under lines such as `Example 1:` or `### Example 2`, each up to the next one or the next heading.
fn numbered(text: &str) -> Vec<Range<usize>> {
    let starts: Vec<(usize, bool)> = lines(text, 0)
        .filter_map(|line| {
            let own = line.text.trim();
            let is_example = is_numbered(own.trim_start_matches('#').trim_start());
            (is_example || own.starts_with('#')).then_some((line.start, is_example))
        })
        .collect();
    let ends = starts.iter().skip(1).map(|next| next.0).chain([text.len()]);
    let mut spans: Vec<Range<usize>> = starts
        .iter()
        .zip(ends)
        .filter(|((_, is_example), _)| *is_example)
        .map(|((start, _), end)| *start..start + text[*start..end].trim_end().len())
        .collect();
    // Where no earlier example holds a blank line, one ends the last.
    let gap = |span: &Range<usize>| {
        let own = &text[span.clone()];
        own.find("\n\n").or_else(|| own.find("\n\r\n"))
    };
    if let Some((last, earlier)) = spans.split_last_mut()
        && earlier.iter().all(|span| gap(span).is_none())
        && let Some(at) = gap(last)
    {
        last.end = last.start + text[last.start..last.start + at].trim_end().len();
    }
    spans
}

fn is_numbered(line: &str) -> bool {
    let after = line.strip_prefix("Example").or_else(|| line.strip_prefix("EXAMPLE"));
    let Some(after) = after.and_then(|after| after.strip_prefix([' ', '#'])) else { return false };
    let number = after.trim_start_matches(['#', ' ']);
    let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < number.len() && matches!(rest.trim(), "" | ":" | "." | ")")
}

/// Parts that start with the first label that comes back and hold the same labels as the first one; the last one, when its last
/// label has nothing after it, is the question that is asked.
fn labelled(text: &str) -> Vec<Range<usize>> {
    let found = labels(text);
    let Some(first) = found.first() else { return Vec::new() };
    let starts: Vec<usize> =
        (0..found.len()).filter(|at| found[*at].label == first.label).collect();
    let (Some(&second), true) = (starts.get(1), starts.len() >= 2) else { return Vec::new() };
    let shape: Vec<&str> = found[..second].iter().map(|of| of.label).collect();
    if shape.len() < 2 {
        return Vec::new();
    }
    let ends = starts.iter().skip(1).copied().chain([found.len()]);
    let of_shape = |(start, end): (&usize, usize)| {
        let own = &found[*start..end];
        let fits = own.len() >= shape.len()
            && own.iter().zip(&shape).all(|(of, label)| of.label == *label);
        let last = own.get(shape.len() - 1).filter(|last| fits && last.has_text)?;
        Some(own[0].start..last.end)
    };
    starts.iter().zip(ends).filter_map(of_shape).collect()
}

/// Lines that start with a label, with what belongs to each: the lines up to a blank one or the next label.
fn labels(text: &str) -> Vec<Labelled<'_>> {
    let mut found: Vec<Labelled<'_>> = Vec::new();
    let mut is_open = false;
    for line in lines(text, 0) {
        if let Some((label, rest)) = label(line.text) {
            let end = line.start + line.text.trim_end().len();
            let has_text = !rest.trim().is_empty();
            found.push(Labelled { label, start: line.start, has_text, end });
            is_open = true;
        } else if line.is_blank() {
            is_open = false;
        } else if let Some(last) = found.last_mut().filter(|_| is_open) {
            last.has_text = true;
            last.end = line.start + line.text.trim_end().len();
        }
    }
    found
}

/// The label of a line and what follows it: `Q: ..`, `Input text: ..`.
fn label(line: &str) -> Option<(&str, &str)> {
    let near = &line[..line.floor_char_boundary(MAX_LABEL)];
    let (label, _) = near.split_once(':')?;
    let rest = &line[label.len() + 1..];
    let is_word = |c: char| c.is_alphabetic() || matches!(c, ' ' | '_' | '-');
    let fits = label.starts_with(char::is_alphabetic)
        && label.chars().all(is_word)
        && label.split(' ').count() <= 3
        && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    fits.then_some((label, rest))
}

#[cfg(test)]
mod tests {
    use super::of;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = of(text).into_iter().map(|part| &text[part.span]).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn repeated_labels_are_examples() {
        check(
            "Answer.\n\nQ: a\nA: 1\n\nQ: b\nb\nA: 2\n\nQ: c\nA:",
            &["Q: a\nA: 1", "Q: b\nb\nA: 2"],
        );
        check(
            "Input: a\nOutput: b\nInput: c\nOutput: d\nInput: e\nOutput:",
            &["Input: a\nOutput: b", "Input: c\nOutput: d"],
        );
        check("Q: a\nA: 1\n\nWell.\nQ: b\nA: 2\n\nNow you.", &["Q: a\nA: 1", "Q: b\nA: 2"]);
    }

    #[test]
    fn numbered_examples_are_examples() {
        check(
            "Go.\n\nExample 1:\nin x\nout y\n\nExample 2:\nin z\nout w\n",
            &["Example 1:\nin x\nout y", "Example 2:\nin z\nout w"],
        );
        check(
            "### Example 1\na\n### Example 2\nb\n## Task\nc",
            &["### Example 1\na", "### Example 2\nb"],
        );
    }

    #[test]
    fn what_does_not_repeat_is_no_example() {
        for text in
            ["Q: a\nA: b", "Note: a\nNote: b\nNote: c", "http://x\nhttp://y", "", "10:30\n10:31"]
        {
            check(text, &[]);
        }
    }
}
