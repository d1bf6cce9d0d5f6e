//! Lines of a text with their places.

use std::ops::Range;

/// A line: its bytes without the line break, and one past its break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// Where the next line starts.
    pub(super) next: usize,
}

impl Line<'_> {
    /// The line's bytes, break included.
    pub(super) fn whole(&self) -> Range<usize> {
        self.start..self.next
    }

    /// Nothing but whitespace.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The lines of `text[from..]`. A text that ends in a line break has no empty line after it.
pub(super) fn lines(text: &str, from: usize) -> impl Iterator<Item = Line<'_>> {
    let mut at = from;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let n = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let whole = &rest[..n];
        let own = whole.strip_suffix('\n').unwrap_or(whole);
        let line = Line { text: own.strip_suffix('\r').unwrap_or(own), start: at, next: at + n };
        at += n;
        Some(line)
    })
}

/// The end of a text without the one line break that editors put at the end of a file.
pub(super) fn without_final_break(text: &str) -> usize {
    let own = text.strip_suffix('\n').map(|own| own.strip_suffix('\r').unwrap_or(own));
    own.or_else(|| text.strip_suffix('\r')).unwrap_or(text).len()
}

/// A part of a text without the blank lines around it.
pub(super) fn without_outer_blank_lines(text: &str, part: Range<usize>) -> Range<usize> {
    let own = &text[part.clone()];
    let leading = own.len() - own.trim_start().len();
    let start = own[..leading].rfind('\n').map_or(0, |last| last + 1);
    if leading == own.len() {
        return part.start..part.start;
    }
    let trailing = own.trim_end().len();
    // Spaces at the end of the last line change what is predicted, so they stay.
    let end = own[trailing..].find(['\n', '\r']).map_or(own.len(), |first| trailing + first);
    part.start + start..part.start + end
}

#[cfg(test)]
mod tests {
    use super::{lines, without_final_break, without_outer_blank_lines};

    #[test]
    fn lines_know_their_places() {
        let found: Vec<_> = lines("a\r\n\nb", 0).map(|l| (l.text, l.start, l.next)).collect();
        assert_eq!(found, [("a", 0, 3), ("", 3, 4), ("b", 4, 5)]);
        assert_eq!(lines("a\n", 0).count(), 1);
        assert_eq!(lines("a\nb", 2).count(), 1);
    }

    #[test]
    fn one_final_line_break_is_left_out() {
        for (text, end) in [("a\n", 1), ("a\r\n", 1), ("a\n\n", 2), ("a ", 2), ("", 0), ("a\r", 1)]
        {
            assert_eq!(without_final_break(text), end, "{text:?}");
        }
    }

    #[test]
    fn blank_lines_around_are_left_out_and_spaces_are_not() {
        for (text, own) in
            [("\n \n  a b \n\n", "  a b "), ("a", "a"), (" \n ", ""), ("", ""), ("é\r\n", "é")]
        {
            assert_eq!(&text[without_outer_blank_lines(text, 0..text.len())], own, "{text:?}");
        }
    }
}
