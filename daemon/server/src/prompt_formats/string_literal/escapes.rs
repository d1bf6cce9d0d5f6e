//! What the characters of a string literal mean, language by language.

use crate::prompt_text::MappedText;
use std::ops::Range;

/// Whose escapes they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    Python,
    JavaScript,
    Rust,
    Go,
    Java,
}

/// A literal's quotes and what they say about its inside.
struct Quotes {
    open: usize,
    close: usize,
    /// Backslashes are plain.
    is_raw: bool,
    /// `{{` is a brace.
    has_braces: bool,
}

/// The quotes of a literal.
fn quotes(rules: Rules, literal: &str) -> Option<Quotes> {
    let n_prefix = literal.find(['"', '\'', '`'])?;
    let (prefix, quoted) = literal.split_at(n_prefix);
    let quote = quoted.get(..1)?;
    let has = |c: char| prefix.chars().any(|own| own.eq_ignore_ascii_case(&c));
    let is_triple = matches!(rules, Rules::Python | Rules::Java)
        && quoted.len() >= 6
        && quoted.starts_with(&quote.repeat(3));
    // What a Java text block means depends on how its lines are indented; nobody is told half of that.
    if is_triple && rules == Rules::Java {
        return None;
    }
    let n = if is_triple { 3 } else { 1 };
    let hashes = prefix.matches('#').count();
    let (is_raw, has_braces) = match rules {
        Rules::Python => (has('r'), has('f') || has('t')),
        Rules::Rust => (has('r'), false),
        Rules::Go => (quote == "`", false),
        Rules::JavaScript | Rules::Java => (false, false),
    };
    Some(Quotes { open: n_prefix + n, close: n + hashes, is_raw, has_braces })
}

/// Puts what the literal at `place` means on `out`, where it lies in `part`; `codes` are kept as they stand.
pub(super) fn append(
    rules: Rules,
    text: &str,
    place: Range<usize>,
    codes: &[Range<usize>],
    part: &Range<usize>,
    out: &mut MappedText,
) -> Option<()> {
    let quotes = quotes(rules, text.get(place.clone())?)?;
    let end = place.end.checked_sub(quotes.close)?;
    let mut at = place.start + quotes.open;
    let mut codes = codes.iter().peekable();
    let mut plain = at;
    let flush = |out: &mut MappedText, span: Range<usize>| {
        let (start, end) = (span.start.max(part.start), span.end.min(part.end));
        if start < end {
            out.push_verbatim(text, start..end);
        }
    };
    while at < end {
        if let Some(code) = codes.next_if(|code| code.start <= at) {
            at = at.max(code.end.min(end));
            continue;
        }
        let rest = text.get(at..end)?;
        let meant = match rest.as_bytes().first()? {
            b'\r' if rest.starts_with("\r\n") => Some((Meaning::Char('\n'), 2)),
            b'\\' if !quotes.is_raw => meaning(rules, rest),
            b'{' | b'}'
                if quotes.has_braces && (rest.starts_with("{{") || rest.starts_with("}}")) =>
            {
                rest.chars().next().map(|c| (Meaning::Char(c), 2))
            }
            _ => None,
        };
        let Some((meaning, n)) = meant else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        flush(out, plain..at);
        let source = at..(at + n).min(end);
        if let Meaning::Char(c) = meaning
            && source.start < part.end
            && part.start < source.end
        {
            out.push_whole(c.encode_utf8(&mut [0; 4]), source.clone());
        }
        (at, plain) = (source.end, source.end);
    }
    flush(out, plain..end.max(plain));
    Some(())
}

/// What an escape means.
enum Meaning {
    Char(char),
    /// A line that goes on: no character at all.
    Nothing,
}

/// The meaning of the escape that a text starts with, and its bytes; none where it stands for itself.
fn meaning(rules: Rules, text: &str) -> Option<(Meaning, usize)> {
    let c = text[1..].chars().next()?;
    let simple = |c: char| Some((Meaning::Char(c), 2));
    match (c, rules) {
        ('n', _) => simple('\n'),
        ('t', _) => simple('\t'),
        ('r', _) => simple('\r'),
        ('\\' | '"' | '\'', _) => simple(c),
        ('\n' | '\r', Rules::Rust) => {
            let after = text[1..].trim_start_matches([' ', '\t', '\n', '\r']);
            Some((Meaning::Nothing, text.len() - after.len()))
        }
        ('\n', _) => Some((Meaning::Nothing, 2)),
        ('\r', _) if text[1..].starts_with("\r\n") => Some((Meaning::Nothing, 3)),
        ('0', Rules::Rust) => simple('\0'),
        ('0'..='7', Rules::Python | Rules::Go | Rules::Java | Rules::JavaScript) => {
            let digits = &text.as_bytes()[1..text.len().min(4)];
            let n = digits.iter().take_while(|digit| matches!(digit, b'0'..=b'7')).count();
            let code = u32::from_str_radix(&text[1..=n], 8).ok()?;
            Some((Meaning::Char(char::from_u32(code)?), 1 + n))
        }
        ('x', _) => number(text, 2, 2),
        ('u', _) if text[2..].starts_with('{') => {
            let digits = text[3..].split_once('}')?.0;
            let code = u32::from_str_radix(&digits.replace('_', ""), 16).ok()?;
            Some((Meaning::Char(char::from_u32(code)?), digits.len() + 4))
        }
        ('u', _) => number(text, 2, 4).or_else(|| pair(text)),
        ('U', Rules::Python | Rules::Go) => number(text, 2, 8),
        ('b', _) => simple('\u{8}'),
        ('f', _) => simple('\u{c}'),
        ('a', Rules::Python | Rules::Go) => simple('\u{7}'),
        ('v', Rules::Python | Rules::Go | Rules::JavaScript) => simple('\u{b}'),
        ('s', Rules::Java) => simple(' '),
        (c, Rules::JavaScript) => Some((Meaning::Char(c), 1 + c.len_utf8())),
        _ => None,
    }
}

/// `n` hexadecimal digits from byte `from` on.
fn number(text: &str, from: usize, n: usize) -> Option<(Meaning, usize)> {
    let code = u32::from_str_radix(text.get(from..from + n)?, 16).ok()?;
    Some((Meaning::Char(char::from_u32(code)?), from + n))
}

/// `\ud83d\ude00`; half of a pair stands for U+FFFD.
fn pair(text: &str) -> Option<(Meaning, usize)> {
    let unit = |text: &str| u16::from_str_radix(text.get(2..6)?, 16).ok();
    let first = unit(text)?;
    let second = text.get(6..).filter(|rest| rest.starts_with("\\u")).and_then(unit);
    let both = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    Some(match both {
        Some(c) => (Meaning::Char(c), 12),
        None => (Meaning::Char(char::REPLACEMENT_CHARACTER), 6),
    })
}
