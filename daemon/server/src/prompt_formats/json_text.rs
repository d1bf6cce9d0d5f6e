//! JSON strings: what one means, with the place of every character of it.

use crate::prompt_text::MappedText;
use std::ops::Range;

/// What the string literal at `place`, quotes included, means; `part` of the document alone. None: it is no JSON string.
pub(super) fn meaning(
    document: &str,
    place: Range<usize>,
    part: Range<usize>,
) -> Option<MappedText> {
    let inner = place.start + 1..place.end.checked_sub(1)?;
    let own = document.get(inner.clone())?;
    let mut out = MappedText::default();
    let mut at = inner.start;
    // Runs of plain text between escapes.
    for (found, _) in own.match_indices('\\') {
        let found = inner.start + found;
        if found < at {
            continue;
        }
        push(&mut out, document, at..found, &part);
        let (c, n) = escaped(&document[found..inner.end])?;
        let source = found..found + n;
        if source.start < part.end && part.start < source.end {
            out.push_whole(c.encode_utf8(&mut [0; 4]), source.clone());
        }
        at = source.end;
    }
    push(&mut out, document, at..inner.end, &part);
    Some(out)
}

fn push(out: &mut MappedText, document: &str, span: Range<usize>, part: &Range<usize>) {
    let (start, end) = (span.start.max(part.start), span.end.min(part.end));
    if start < end {
        out.push_verbatim(document, start..end);
    }
}

/// The character that an escape stands for, and the bytes it takes. Half of a surrogate pair stands for U+FFFD.
fn escaped(text: &str) -> Option<(char, usize)> {
    let simple = |c| Some((c, 2));
    match text.as_bytes().get(1)? {
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => {
            let unit = |text: &str| u16::from_str_radix(text.get(2..6)?, 16).ok();
            let first = unit(text)?;
            if let Some(c) = char::from_u32(u32::from(first)) {
                return Some((c, 6));
            }
            let second = text.get(6..).filter(|rest| rest.starts_with("\\u")).and_then(unit);
            let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
            Some(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |c| (c, 12)))
        }
        _ => None,
    }
}

/// What a selection inside a string means; none where it does not lie inside one. The quotes may be selected with it.
pub(super) fn of_selection(document: &str, span: Range<usize>) -> Option<MappedText> {
    let bytes = document.as_bytes();
    let mut at = 0;
    while let Some(found) = document[at..].find('"') {
        let start = at + found;
        if start > span.start {
            return None;
        }
        let mut end = start + 1;
        while end < bytes.len() && bytes[end] != b'"' && bytes[end] != b'\n' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if bytes.get(end) == Some(&b'"') {
            end += 1;
            if span.end <= end && span.start < end {
                return meaning(document, start..end, span);
            }
        }
        at = document.ceil_char_boundary(end.min(document.len()));
        if at == document.len() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::of_selection;

    /// What the selection between `«` and `»` means, and what each character of it stands for.
    fn check(marked: &str, expected: Option<(&str, &[&str])>) {
        let start = marked.find('«').unwrap();
        let document = marked.replacen('«', "", 1);
        let end = document.find('»').unwrap();
        let document = document.replacen('»', "", 1);
        let found = of_selection(&document, start..end).map(|mapped| {
            let places = mapped
                .text
                .char_indices()
                .map(|(at, c)| document[mapped.to_source(at..at + c.len_utf8())].to_owned());
            let places: Vec<String> = places.collect();
            (mapped.text.clone(), places)
        });
        let expected = expected.map(|(text, places)| {
            (text.to_owned(), places.iter().map(|&place| place.to_owned()).collect())
        });
        assert_eq!(found, expected, "{marked}");
    }

    #[test]
    fn escapes_are_mapped_back() {
        check(
            r#"{"a": "«é\n\u00e9\ud83d\ude00\ud83d\"»"}"#,
            Some((
                "é\né😀\u{fffd}\"",
                &["é", r"\n", r"\u00e9", r"\ud83d\ude00", r"\ud83d", "\\\""],
            )),
        );
        check(r#"["a", «"b\t"»]"#, Some(("b\t", &["b", r"\t"])));
        check(r#"["ab«c»d"]"#, Some(("c", &["c"])));
        check(r#"["a\«n»"]"#, Some(("\n", &[r"\n"])));
    }

    #[test]
    fn what_is_no_string_is_left_alone() {
        check(r#"["a"«,» "b"]"#, None);
        check(r#"["«a", "b»"]"#, None);
        check(r#"["«a\x»"]"#, None);
        check("[\"«a»", None);
        check("\"é\\«»é", None);
    }
}
