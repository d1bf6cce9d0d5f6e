//! Prompt sets: files that hold many prompts, as JSON lines, CSV, or a prompt a line. A file that is no set is an error; an entry
//! that is no prompt is an entry with an error, so that one bad line never ends a run. What must not live here: models, output.

use crate::prompt::{Given, Said};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};
use std::{fs::File, io::Read, path::Path};

/// A larger set is not read; its parts can be run one after another.
const MAX_SET_BYTES: u64 = 256 << 20;
/// Fields that may hold the prompt.
const PROMPT_FIELDS: [&str; 3] = ["prompt", "text", "messages"];

/// One entry of a set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Its `id` as written; null without one.
    pub(crate) id: Value,
    /// The prompt, or what is wrong with the entry, with its place.
    pub(crate) item: Result<Item, String>,
}

/// A prompt of a set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// What the model is to read.
    pub(crate) prompt: Given,
    /// The token that is explained.
    pub(crate) target: Option<String>,
    /// The token it is compared with.
    pub(crate) foil: Option<String>,
}

/// Reads a set's file: its bytes and its entries, in order.
///
/// # Errors
/// The file cannot be read, is too large, is not UTF-8, holds no prompt, or is CSV without a column for prompts.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, Vec<Entry>)> {
    let place = path.display().to_string();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_SET_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("{place}: cannot be read"))?;
    if bytes.len() as u64 > MAX_SET_BYTES {
        bail!("{place}: is longer than {MAX_SET_BYTES} bytes; split the set");
    }
    let text = std::str::from_utf8(&bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow!("{place}:{line}: byte {} is not UTF-8; save the file as UTF-8", e.valid_up_to())
    })?;
    let entries = entries(&place, text.trim_start_matches('\u{feff}'))?;
    Ok((bytes, entries))
}

/// The entries of a set's text; `place` is its file name, whose ending says how it is written.
fn entries(place: &str, text: &str) -> Result<Vec<Entry>> {
    let ending = place.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let found = match ending.as_str() {
        "csv" if text.trim().is_empty() => Vec::new(),
        "csv" => of_csv(place, text)?,
        "jsonl" | "ndjson" | "json" => of_lines(place, text, of_json_line),
        _ => of_lines(place, text, |_, line| {
            let prompt = Given::Text(line.to_owned());
            Entry { id: Value::Null, item: Ok(Item { prompt, target: None, foil: None }) }
        }),
    };
    if found.is_empty() {
        bail!(
            "{place}: holds no prompt; write one a line, as text, or as JSON like {{\"prompt\": \"..\"}}"
        );
    }
    Ok(found)
}

/// An entry for every line that is not blank; `read` is given the line's place and its text.
fn of_lines(place: &str, text: &str, read: fn(&str, &str) -> Entry) -> Vec<Entry> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| read(&format!("{place}:{}", index + 1), line))
        .collect()
}

fn of_json_line(place: &str, line: &str) -> Entry {
    match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(fields)) => {
            let id = fields.get("id").cloned().unwrap_or(Value::Null);
            Entry { id, item: item(&fields).map_err(|problem| format!("{place}: {problem}")) }
        }
        Ok(other) => {
            let what = says(&other);
            broken(format!(
                "{place}: is {what}; write an object a line, like {{\"prompt\": \"..\"}}"
            ))
        }
        Err(e) => {
            let what = e.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            broken(format!("{place}: column {}: this is not JSON: {what}", e.column()))
        }
    }
}

fn broken(problem: String) -> Entry {
    Entry { id: Value::Null, item: Err(problem) }
}

fn item(fields: &Map<String, Value>) -> Result<Item, String> {
    let given = |name: &&&str| fields.get(**name).is_some_and(|value| !value.is_null());
    let named: Vec<&&str> = PROMPT_FIELDS.iter().filter(given).collect();
    let prompt = match named.as_slice() {
        [] => return Err("has no `prompt`; write `prompt`, `text` or `messages`".to_owned()),
        [name] if **name == "messages" => Given::Messages(messages(&fields["messages"])?),
        [name] => Given::Text(full_text(name, &fields[**name])?),
        [first, second, ..] => {
            return Err(format!("has both `{first}` and `{second}`; leave one out"));
        }
    };
    Ok(Item { prompt, target: token(fields, "target")?, foil: token(fields, "foil")? })
}

fn messages(value: &Value) -> Result<Vec<Said>, String> {
    let list =
        value.as_array().ok_or_else(|| format!("`messages` is {}; write a list", says(value)))?;
    if list.is_empty() {
        return Err("`messages` is empty; write at least one".to_owned());
    }
    let field = |index: usize, message: &Value, name: &str| match message.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("`messages[{index}].{name}` is {}; write text", says(other))),
        None => Err(format!("`messages[{index}]` has no `{name}`; write role and content")),
    };
    let said = |(index, message): (usize, &Value)| {
        Ok(Said {
            role: field(index, message, "role")?,
            content: field(index, message, "content")?,
        })
    };
    list.iter().enumerate().map(said).collect()
}

fn full_text(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.is_empty() => {
            Err(format!("`{name}` is empty; write some text"))
        }
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("`{name}` is {}; write text", says(other))),
    }
}

fn token(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(Value::Number(id)) if id.is_u64() => Ok(Some(id.to_string())),
        Some(other) => Err(format!("`{name}` is {}; write a token's text or id", says(other))),
    }
}

fn says(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "empty",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn of_csv(place: &str, text: &str) -> Result<Vec<Entry>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().with_context(|| format!("{place}:1: is not CSV"))?.clone();
    let column = |names: &[&str]| {
        headers
            .iter()
            .position(|header| names.contains(&header.trim().to_ascii_lowercase().as_str()))
    };
    let Some(prompt) = column(&["prompt", "text"]) else {
        let names: Vec<&str> = headers.iter().collect();
        bail!(
            "{place}:1: has no column `prompt` or `text`; its columns are {}; name them in the first line",
            names.join(", ")
        );
    };
    let (id, target, foil) = (column(&["id"]), column(&["target"]), column(&["foil"]));
    let mut found = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => {
                found.push(broken(format!("{place}: {e}")));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: Option<usize>| {
            column.and_then(|at| record.get(at)).filter(|cell| !cell.is_empty()).map(str::to_owned)
        };
        let item = match cell(Some(prompt)) {
            Some(text) => {
                Ok(Item { prompt: Given::Text(text), target: cell(target), foil: cell(foil) })
            }
            None => {
                Err(format!("{place}:{line}: `{}` is empty; write some text", &headers[prompt]))
            }
        };
        found.push(Entry { id: cell(id).map_or(Value::Null, Value::String), item });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Entry, entries};
    use crate::prompt::{Given, Said};

    fn check(place: &str, text: &str, expected: &[&str]) {
        let brief = |entry: Entry| match entry.item {
            Err(problem) => problem,
            Ok(item) => {
                let prompt = match item.prompt {
                    Given::Text(text) => text,
                    Given::Messages(said) => {
                        let told = |Said { role, content }| format!("{role}={content}");
                        said.into_iter().map(told).collect::<Vec<_>>().join(",")
                    }
                    Given::Ids(_) | Given::Prompt(_) => String::new(),
                };
                let of = |token: Option<String>| token.unwrap_or_default();
                format!("{}|{prompt}|{}|{}", entry.id, of(item.target), of(item.foil))
            }
        };
        let found: Vec<String> = entries(place, text).unwrap().into_iter().map(brief).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn json_lines_hold_prompts_texts_and_messages() {
        check(
            "a.jsonl",
            "{\"prompt\": \"a\\nb\", \"id\": 7, \"target\": \" x\", \"foil\": 3, \"extra\": []}\r\n\n{\"text\": \"c\", \"prompt\": null}\n{\"messages\": [{\"role\": \"user\", \"content\": \"d\"}], \"id\": \"e\"}",
            &["7|a\nb| x|3", "null|c||", "\"e\"|user=d||"],
        );
    }

    #[test]
    fn a_bad_line_is_named_with_its_field_and_the_rest_is_read() {
        check(
            "a.jsonl",
            "{\"prompt\": 1}\n[]\n{\"prompt\"\n{}\n{\"prompt\": \"a\", \"text\": \"b\"}\n{\"prompt\": \"a\", \"foil\": -1}\n{\"messages\": [{\"role\": \"user\"}]}\n{\"messages\": []}\n{\"prompt\": \"\"}\n{\"prompt\": \"fine\"}",
            &[
                "a.jsonl:1: `prompt` is a number; write text",
                "a.jsonl:2: is a list; write an object a line, like {\"prompt\": \"..\"}",
                "a.jsonl:3: column 9: this is not JSON: EOF while parsing an object",
                "a.jsonl:4: has no `prompt`; write `prompt`, `text` or `messages`",
                "a.jsonl:5: has both `prompt` and `text`; leave one out",
                "a.jsonl:6: `foil` is a number; write a token's text or id",
                "a.jsonl:7: `messages[0]` has no `content`; write role and content",
                "a.jsonl:8: `messages` is empty; write at least one",
                "a.jsonl:9: `prompt` is empty; write some text",
                "null|fine||",
            ],
        );
    }

    #[test]
    fn csv_has_columns_in_any_order_and_quoted_line_breaks() {
        check(
            "a.CSV",
            "id,Prompt,foil\n1,\"a\nb, \"\"c\"\"\", the\n2,,\n3,d\n",
            &[
                "\"1\"|a\nb, \"c\"|| the",
                "a.CSV:4: `Prompt` is empty; write some text",
                "\"3\"|d||",
            ],
        );
        let error = entries("a.csv", "id,question\n1,a\n").unwrap_err().to_string();
        assert!(
            error.contains(
                "a.csv:1: has no column `prompt` or `text`; its columns are id, question"
            ),
            "{error}"
        );
    }

    #[test]
    fn text_is_a_prompt_a_line_as_it_stands() {
        check("a.txt", "one \r\n\n  two", &["null|one ||", "null|  two||"]);
        assert!(entries("a.txt", "\n \n").unwrap_err().to_string().contains("holds no prompt"));
    }
}
