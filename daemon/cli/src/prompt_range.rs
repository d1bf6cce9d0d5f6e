//! `--range L:C-L:C`: lines and columns as a person counts them, to a byte span of the file.

use anyhow::{Context, Result, bail};
use std::ops::Range;

/// The byte span of `range` in `text`. Lines and columns count from 1, columns in characters; the end is not included.
///
/// # Errors
/// Not of the form, or outside the text: the message says where the text ends.
pub(crate) fn byte_span(text: &str, range: &str) -> Result<Range<usize>> {
    let form = || format!("--range `{range}` is not of the form L:C-L:C, like 1:1-3:12");
    let (start, end) = range.split_once('-').with_context(form)?;
    let point = |point: &str| -> Result<(usize, usize)> {
        let (line, column) = point.split_once(':').with_context(form)?;
        let number =
            |text: &str| text.trim().parse::<usize>().ok().filter(|&n| n > 0).with_context(form);
        Ok((number(line)?, number(column)?))
    };
    let (start, end) = (offset(text, point(start)?)?, offset(text, point(end)?)?);
    if start > end {
        bail!("--range `{range}` ends before it starts");
    }
    Ok(start..end)
}

fn offset(text: &str, (line, column): (usize, usize)) -> Result<usize> {
    let mut start = 0;
    let mut n_lines = 0;
    for (index, content) in text.split('\n').enumerate() {
        n_lines = index + 1;
        if n_lines == line {
            let content = content.strip_suffix('\r').unwrap_or(content);
            let n_columns = content.chars().count() + 1;
            if column > n_columns {
                bail!("column {column} is out of range; line {line} has columns 1 to {n_columns}");
            }
            let within: usize = content.chars().take(column - 1).map(char::len_utf8).sum();
            return Ok(start + within);
        }
        start += content.len() + 1;
    }
    bail!("line {line} is out of range; the file has lines 1 to {n_lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_the_end_is_open() {
        let text = "Zoë wrote\r\na café";
        assert_eq!(&text[byte_span(text, "1:1-1:4").unwrap()], "Zoë");
        assert_eq!(&text[byte_span(text, "1:5-2:7").unwrap()], "wrote\r\na café");
        assert_eq!(byte_span(text, "2:7-2:7").unwrap().len(), 0);
    }

    #[test]
    fn what_is_outside_is_said() {
        let error = |range| byte_span("ab\ncd", range).unwrap_err().to_string();
        assert_eq!(error("1:4-2:1"), "column 4 is out of range; line 1 has columns 1 to 3");
        assert_eq!(error("1:1-3:1"), "line 3 is out of range; the file has lines 1 to 2");
        assert_eq!(error("2:1-1:1"), "--range `2:1-1:1` ends before it starts");
        assert!(error("nonsense").contains("L:C-L:C"));
        assert!(error("0:1-1:1").contains("L:C-L:C"));
    }
}
