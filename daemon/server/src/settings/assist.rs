//! Completion, hover and diagnostics of a `limpid.toml`, from the table of keys. A text that is being written is hardly ever
//! whole TOML, so completion looks at lines alone. What must not live here: LSP types, positions, names of models.

use crate::{
    prompt_document::Problem,
    settings::{
        keys::{FOLDER_KEYS, Key, Kind, RULE_KEYS, RULES, RULES_DOC, find, methods},
        read_toml,
        reading::MAX_TOML_BYTES,
        value::{Entries, Value, of_toml},
    },
};
use std::ops::Range;
use toml::de::DeTable;

/// Something that may be written at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What a list shows.
    pub label: String,
    /// What it may hold, on the same line.
    pub detail: String,
    /// What it is for.
    pub doc: String,
    /// What is written.
    pub insert: String,
    /// Which bytes of the text that takes the place of.
    pub replace: Range<usize>,
}

/// What is wrong with a `limpid.toml`.
pub fn diagnose(text: &str) -> Vec<Problem> {
    read_toml(text).1
}

/// Where a line stands: below which header.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Table<'a> {
    Top,
    Inner(&'a str),
    Rule,
}

/// What may be written at a byte of a `limpid.toml`: keys, tables, and values that can be listed.
pub fn complete(text: &str, byte: usize) -> Vec<Completion> {
    let byte = text.floor_char_boundary(byte);
    let start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
    let written = &text[start..byte];
    let table = table_above(&text[..start]);
    if written.contains('#') {
        return Vec::new();
    }
    if let Some((key, value)) = written.split_once('=') {
        let Some(key) = key_below(&table, key.trim()) else { return Vec::new() };
        let replace = byte - value.trim_start().len()..byte;
        return values(key, value.trim(), replace);
    }
    let word = written.trim_start();
    let replace = byte - word.len()..byte;
    if word.starts_with('[') {
        return headers(word, &replace);
    }
    let has = names_in(text, start, &table);
    let mut found: Vec<Completion> = keys_of(&table)
        .filter(|(name, _)| name.starts_with(word) && !has.contains(name))
        .map(|(name, key)| Completion {
            label: name.to_owned(),
            detail: key.kind.says(),
            doc: key.doc.to_owned(),
            insert: format!("{name} = {}", sample(key)),
            replace: replace.clone(),
        })
        .collect();
    if word.is_empty() {
        found.extend(headers("", &replace));
    }
    found
}

/// What the key or table at a byte of a `limpid.toml` is, and the bytes that is about.
pub fn hover(text: &str, byte: usize) -> Option<(String, Range<usize>)> {
    if text.len() > MAX_TOML_BYTES {
        return None;
    }
    let (table, _) = DeTable::parse_recoverable(text);
    hover_in(&of_toml(table.get_ref()), FOLDER_KEYS, "", byte)
}

fn hover_in(
    entries: &Entries,
    keys: &'static [Key],
    prefix: &str,
    byte: usize,
) -> Option<(String, Range<usize>)> {
    for (key, value) in entries {
        let name = format!("{prefix}{}", key.value);
        let is_key = key.source.contains(&byte);
        if let Some(known) = find(keys, &name) {
            if is_key || value.source.contains(&byte) {
                return Some((explained(&name, known), key.source.start..value.source.end));
            }
            continue;
        }
        if name == RULES {
            if is_key {
                return Some((format!("`[[{RULES}]]`\n\n{RULES_DOC}"), key.source.clone()));
            }
            let rules = match &value.value {
                Value::List(rules) => rules.as_slice(),
                _ => &[],
            };
            let inside = rules.iter().filter_map(|rule| match &rule.value {
                Value::Table(entries) => hover_in(entries, RULE_KEYS, "", byte),
                _ => None,
            });
            if let Some(found) = inside.into_iter().next() {
                return Some(found);
            }
        } else if let Value::Table(inner) = &value.value
            && let Some(found) = hover_in(inner, keys, &format!("{name}."), byte)
        {
            return Some(found);
        }
    }
    None
}

/// A key for people, as Markdown.
pub(super) fn explained(name: &str, key: &Key) -> String {
    let default = key.default.map_or_else(String::new, |text| format!(" Default: `{text}`."));
    format!("`{name}`: {}\n\n{}{default}", key.kind.says(), key.doc)
}

/// What a key may be set to as a start, as TOML spells it.
fn sample(key: &Key) -> String {
    match (key.default, key.kind) {
        (_, Kind::Glob) => "\"*.txt\"".to_owned(),
        (Some(default), _) => default.to_owned(),
        (None, Kind::Texts) => "[\"tool\"]".to_owned(),
        (None, _) => "\"\"".to_owned(),
    }
}

fn table_above(text: &str) -> Table<'_> {
    let header = text.lines().rev().map(str::trim).find(|line| line.starts_with('['));
    let Some(header) = header else { return Table::Top };
    let name =
        |open: &str, close: &str| Some(header.strip_prefix(open)?.split_once(close)?.0.trim());
    match (name("[[", "]]"), name("[", "]")) {
        (Some(RULES), _) => Table::Rule,
        (None, Some(name)) => Table::Inner(name),
        // A list that is none of ours has no keys of ours.
        (Some(other), _) => Table::Inner(other),
        (None, None) => Table::Top,
    }
}

/// Keys as they are written below a header, each with what it is.
fn keys_of<'a>(table: &Table<'a>) -> impl Iterator<Item = (&'static str, &'static Key)> {
    let (keys, prefix) = match table {
        Table::Top => (FOLDER_KEYS, String::new()),
        Table::Inner(name) => (FOLDER_KEYS, format!("{name}.")),
        Table::Rule => (RULE_KEYS, String::new()),
    };
    keys.iter().filter_map(move |key| Some((key.name.strip_prefix(prefix.as_str())?, key)))
}

fn key_below(table: &Table<'_>, name: &str) -> Option<&'static Key> {
    keys_of(table).find(|(known, _)| *known == name).map(|(_, key)| key)
}

/// Keys that stand below the same header already, on other lines than the one that starts at `start`.
fn names_in<'a>(text: &'a str, start: usize, table: &Table<'_>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut at = 0;
    // A rule is one of several alike: its own keys are those between its header and the next.
    let own_header = text[..start].rmatch_indices('[').next().map_or(0, |(at, _)| at);
    for line in text.split_inclusive('\n') {
        let here = at;
        at += line.len();
        let is_own = match table {
            Table::Rule => {
                here >= own_header
                    && !text[own_header + 1..here.max(own_header + 1)].contains("\n[")
            }
            _ => table_above(&text[..here]) == *table,
        };
        if let Some((name, _)) = line.split_once('=')
            && is_own
            && here != start
        {
            found.push(name.trim());
        }
    }
    found
}

fn headers(word: &str, replace: &Range<usize>) -> Vec<Completion> {
    let mut tables: Vec<&str> =
        FOLDER_KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0)).collect();
    tables.dedup();
    let inner = tables.into_iter().map(|name| {
        let keys =
            FOLDER_KEYS.iter().filter_map(|key| key.name.strip_prefix(name)?.strip_prefix('.'));
        let doc = format!("Holds {}.", keys.collect::<Vec<_>>().join(", "));
        (format!("[{name}]"), "a table".to_owned(), doc)
    });
    let rules = (format!("[[{RULES}]]"), "a rule".to_owned(), RULES_DOC.to_owned());
    inner
        .chain([rules])
        .filter(|(label, ..)| label.starts_with(word))
        .map(|(label, detail, doc)| Completion {
            insert: label.clone(),
            label,
            detail,
            doc,
            replace: replace.clone(),
        })
        .collect()
}

fn values(key: &Key, written: &str, replace: Range<usize>) -> Vec<Completion> {
    let values: Vec<String> = match key.kind {
        Kind::Flag => vec!["true".to_owned(), "false".to_owned()],
        Kind::Method => methods().into_iter().map(|name| format!("\"{name}\"")).collect(),
        Kind::OneOf(words) => words.iter().map(|word| format!("\"{word}\"")).collect(),
        _ => key.default.into_iter().map(str::to_owned).collect(),
    };
    let fits = |value: &String| value.starts_with(written);
    let completion = |value: String| Completion {
        detail: match key.default {
            Some(default) if default == value => "the default".to_owned(),
            _ => key.kind.says(),
        },
        doc: key.doc.to_owned(),
        label: value.clone(),
        insert: value,
        replace: replace.clone(),
    };
    values.into_iter().filter(fits).map(completion).collect()
}
