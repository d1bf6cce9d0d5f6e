//! The places of messages that a template takes apart (it keeps only what follows `</think>`, cuts, or escapes them): the chat is
//! rendered once more with every character of a message replaced by a private one that names its place. What the template looks
//! for in messages stays as it is, in as few characters as the template can be made to treat alike.

use crate::chat_template::{ChatMessage, ChatTemplate, Piece};
use std::collections::HashMap;

/// Literals of a template that are looked for in messages.
const MAX_LITERALS: usize = 200;
/// What whitespace becomes: whitespace that nobody writes in a template, so that it is trimmed alike.
const SPACES: [(char, char); 4] =
    [(' ', '\u{2000}'), ('\n', '\u{2001}'), ('\t', '\u{2002}'), ('\r', '\u{2003}')];

/// What stays as it is, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Keep {
    Nothing,
    /// Texts that stand in quotes in the template.
    Literals,
    LiteralsAndSpaces,
    /// All but letters, digits and what is not ASCII.
    Punctuation,
}

/// A character of a message: itself, its message, its byte in the source, and whether it is replaced.
struct Character {
    own: char,
    message: usize,
    source: usize,
    is_marked: bool,
}

/// The pieces of `text`, which the template made of the messages; none where no marking shows them.
pub(super) fn lay_over(
    template: &ChatTemplate,
    messages: &[ChatMessage<'_>],
    text: &str,
    marks: &[char],
) -> Option<Vec<Piece>> {
    let literals = literals(&template.text);
    let names: HashMap<char, usize> = marks.iter().enumerate().map(|(at, c)| (*c, at)).collect();
    [Keep::Nothing, Keep::Literals, Keep::LiteralsAndSpaces, Keep::Punctuation].iter().find_map(
        |keep| {
            let (characters, contents) = replaced(messages, *keep, &literals, marks);
            let marked = template.written(messages, &contents).ok()?;
            let places = places(text, &marked, &characters, &names, marks.len())?;
            Some(pieces(text, &filled(text, &marked, &characters, places), &characters))
        },
    )
}

/// Texts in quotes in a template.
fn literals(template: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find(['\'', '"']) {
        let quote = &rest[start..=start];
        let inner = &rest[start + 1..];
        let end = inner.find(['\n', '\'', '"']).unwrap_or(inner.len());
        if inner[end..].starts_with(quote) {
            let literal = inner[..end].replace("\\n", "\n");
            if !literal.trim().is_empty() && !found.contains(&literal) {
                found.push(literal);
            }
            rest = &inner[end + 1..];
        } else {
            rest = inner;
        }
        if found.len() == MAX_LITERALS {
            break;
        }
    }
    found
}

/// The characters of all messages, and the contents with the marked ones replaced.
fn replaced(
    messages: &[ChatMessage<'_>],
    keep: Keep,
    literals: &[String],
    marks: &[char],
) -> (Vec<Character>, Vec<String>) {
    let mut characters = Vec::new();
    let mut contents = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let mut is_kept =
            vec![false; if keep == Keep::Nothing { 0 } else { message.content.len() }];
        for literal in literals.iter().filter(|_| keep != Keep::Nothing) {
            for (at, _) in message.content.match_indices(literal.as_str()) {
                is_kept[at..at + literal.len()].fill(true);
            }
        }
        let mut content = String::with_capacity(message.content.len() * 4);
        for (at, own) in message.content.char_indices() {
            let stays = is_kept.get(at).is_some_and(|kept| *kept)
                || (keep == Keep::Punctuation && own.is_ascii() && !own.is_ascii_alphanumeric());
            let space = SPACES.iter().find(|(space, _)| *space == own).map(|(_, mark)| *mark);
            let (c, is_marked) = match space {
                _ if stays => (own, false),
                Some(mark) if keep < Keep::LiteralsAndSpaces => (mark, false),
                _ if own.is_whitespace() => (own, false),
                _ => (marks[characters.len() % marks.len()], true),
            };
            content.push(c);
            let source = message.source + at;
            characters.push(Character { own, message: index, source, is_marked });
        }
        contents.push(content);
    }
    (characters, contents)
}

/// For each character of the text, the index of the message's character that it is; none where the marked text is another one.
fn places(
    text: &str,
    marked: &str,
    characters: &[Character],
    names: &HashMap<char, usize>,
    n_marks: usize,
) -> Option<Vec<Option<usize>>> {
    let mut places = Vec::with_capacity(marked.len() / 2);
    let mut expected = 0;
    let mut real = text.chars();
    for c in marked.chars() {
        let is = real.next()?;
        let Some(name) = names.get(&c) else {
            let is_alike = is == c || SPACES.contains(&(is, c));
            places.push(is_alike.then_some(None)?);
            continue;
        };
        // Marks are used again in very long chats: the next of that name is meant, or else the last one.
        let turns = expected.max(*name) - name;
        let mut at = name + turns.div_ceil(n_marks) * n_marks;
        if at >= characters.len() {
            at = at.checked_sub(n_marks)?;
        }
        expected = at + 1;
        // A letter may have changed its case; another one means that the template saw something else.
        let own = characters.get(at)?.own;
        let is_alike = own == is || own.to_lowercase().eq(is.to_lowercase());
        places.push(is_alike.then_some((own.len_utf8() == is.len_utf8()).then_some(at))?);
    }
    real.next().is_none().then_some(places)
}

/// The places with those of characters that were not marked: between, before and after marked ones, as far as they agree.
fn filled(
    text: &str,
    marked: &str,
    characters: &[Character],
    mut places: Vec<Option<usize>>,
) -> Vec<Option<usize>> {
    let text: Vec<char> = text.chars().collect();
    let marked: Vec<char> = marked.chars().collect();
    let known: Vec<(usize, usize)> =
        places.iter().enumerate().filter_map(|(at, place)| Some((at, (*place)?))).collect();
    // Whether the text's character `at` may be the message's character `place`.
    let agrees = |at: usize, place: usize, beside: usize| {
        let (Some(c), Some(beside)) = (characters.get(place), characters.get(beside)) else {
            return false;
        };
        !c.is_marked && c.message == beside.message && text[at] == c.own
    };
    // At the edge of what is known whitespace is the message's only where it was marked as such, or more of it follows.
    let is_sure = |at: usize| !text[at].is_whitespace() || SPACES.contains(&(text[at], marked[at]));
    let ends = known.iter().skip(1).copied().chain([(text.len(), usize::MAX)]);
    let is_same = |place: usize, other: usize| {
        let message = |place: usize| characters.get(place).map(|own| own.message);
        message(place).is_some() && message(place) == message(other)
    };
    let mut before = usize::MAX;
    let mut free_from = 0;
    for ((at, place), (next_at, next_place)) in known.iter().copied().zip(ends) {
        for back in 1..=(at - free_from).min(place) {
            if !agrees(at - back, place - back, place)
                || !(is_same(before, place) || is_sure(at - back))
                || (free_from > 0 && places[free_from - 1] >= Some(place - back))
            {
                break;
            }
            places[at - back] = Some(place - back);
        }
        let gap = next_at - at;
        let is_whole = next_place.checked_sub(place) == Some(gap)
            && (1..gap).all(|step| agrees(at + step, place + step, place));
        free_from = at + 1;
        for step in 1..gap {
            let is_sure = is_same(place, next_place) || is_sure(at + step);
            if !(is_whole || agrees(at + step, place + step, place) && is_sure) {
                break;
            }
            places[at + step] = Some(place + step);
            free_from = at + step + 1;
        }
        before = place;
    }
    places
}

/// Runs of neighbours.
fn pieces(text: &str, places: &[Option<usize>], characters: &[Character]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for ((at, c), place) in text.char_indices().zip(places) {
        let source = place.and_then(|place| characters.get(place)).map(|own| own.source);
        let end = at + c.len_utf8();
        match pieces.last_mut() {
            Some((range, of)) if of.map(|start| start + range.len()) == source => range.end = end,
            _ => pieces.push((at..end, source)),
        }
    }
    pieces
}
