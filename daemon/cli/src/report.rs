//! `limpid report`: what an editor recorded of a run, made into the page that `inspect --format html` writes. An editor without a
//! browser of its own needs no copy of the page then.
//! What must not live here: the page (`report_page`), asking anything anew.

use crate::{args::ReportArgs, page::print, report_page, whole_file::WholeFile};
use anyhow::{Context, Result, anyhow, bail, ensure};
use limpid_protocol::{PROTOCOL_VERSION, request::Request};
use serde_json::{Map, Value, json};
use std::{
    fs::File,
    io::{Read, stdin},
};

/// More bytes than any recording has: what is named may be a device or a pipe without an end.
const MAX_BYTES: u64 = 1 << 30;
/// The answer that holds the prompt's tokens and predictions.
const TOKENS: &str = "limpid/tokens";

/// Runs the command.
///
/// # Errors
/// What is wrong with the recording and where, or that the page cannot be written.
pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    let out = args.out.as_deref().map(WholeFile::new).transpose()?;
    let (place, bytes) = match &args.file {
        Some(file) => (file.display().to_string(), File::open(file).and_then(read)),
        None => ("standard input".to_owned(), read(stdin().lock())),
    };
    let bytes = bytes.with_context(|| format!("{place}: cannot be read"))?;
    let recorded = recorded(&bytes).with_context(|| place)?;
    let page = report_page::holding(&recorded.to_string())?;
    match out {
        Some(out) => out.write(page.as_bytes()),
        None => print(&page),
    }
}

fn read(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What of a recording the page needs, checked.
///
/// # Errors
/// It is not JSON, of another version, or a field is missing or is not what it should be.
fn recorded(bytes: &[u8]) -> Result<Value> {
    ensure!(bytes.len() as u64 <= MAX_BYTES, "is longer than {MAX_BYTES} bytes");
    let whole: Value = serde_json::from_slice(bytes)
        .map_err(|e| anyhow!("is not JSON: {e}; give what an editor saved as JSON"))?;
    let Value::Object(mut whole) = whole else {
        bail!("is {}; a recording is an object with version, run, text and answers", kind(&whole))
    };
    match whole.get("version") {
        Some(version) if version.as_u64() == Some(PROTOCOL_VERSION.into()) => {}
        Some(Value::Number(version)) => bail!(
            "version: {version} is not the protocol's {PROTOCOL_VERSION}; save the run anew from an editor that uses this limpid"
        ),
        other => return Err(not("version", other, "a number")),
    }
    let run = match whole.get("run") {
        Some(Value::Object(run)) => run_of(run)?,
        other => return Err(not("run", other, "an object")),
    };
    let text = match whole.get("text") {
        Some(text @ Value::String(_)) => text.clone(),
        other => return Err(not("text", other, "a string")),
    };
    let answers = match whole.remove("answers") {
        Some(Value::Array(answers)) => answers,
        other => return Err(not("answers", other.as_ref(), "a list")),
    };
    let answers = answers
        .into_iter()
        .enumerate()
        .map(|(at, answer)| answer_of(&format!("answers[{at}]"), answer))
        .collect::<Result<Vec<Value>>>()?;
    if !answers.iter().any(|answer| answer["method"] == TOKENS) {
        bail!("answers: none is of {TOKENS}, without which there is nothing to show");
    }
    let notes = whole.remove("notes").unwrap_or(Value::Null);
    Ok(json!({
        "version": PROTOCOL_VERSION, "run": run, "text": text, "answers": answers, "notes": notes,
    }))
}

/// The line about the run.
fn run_of(run: &Map<String, Value>) -> Result<Value> {
    for name in ["title", "model"] {
        match run.get(name) {
            Some(Value::String(_)) => {}
            other => return Err(not(&format!("run.{name}"), other, "a string")),
        }
    }
    for name in ["took_ms", "at"] {
        match run.get(name) {
            Some(Value::Number(_)) => {}
            other => return Err(not(&format!("run.{name}"), other, "a number")),
        }
    }
    Ok(json!({
        "title": run["title"], "model": run["model"], "took_ms": run["took_ms"], "at": run["at"],
    }))
}

/// An answer that is what its method answers with. The token table is in one of them only, to keep the page small.
fn answer_of(place: &str, answer: Value) -> Result<Value> {
    let Value::Object(mut answer) = answer else {
        return Err(not(place, Some(&answer), "an object"));
    };
    let method = match answer.remove("method") {
        Some(Value::String(method)) => method,
        other => return Err(not(&format!("{place}.method"), other.as_ref(), "a string")),
    };
    let params = match answer.remove("params") {
        Some(params @ Value::Object(_)) => params,
        other => return Err(not(&format!("{place}.params"), other.as_ref(), "an object")),
    };
    let mut result = match answer.remove("result") {
        Some(result @ Value::Object(_)) => result,
        other => return Err(not(&format!("{place}.result"), other.as_ref(), "an object")),
    };
    check_result(&method, &result)
        .map_err(|e| anyhow!("{place}.result is no answer of {method}: {e}"))?;
    if method != TOKENS
        && let Some(table) = result.get_mut("token_table")
    {
        *table = json!([]);
    }
    Ok(json!({ "method": method, "params": params, "result": result }))
}

/// Whether a result is of its method's type. A method that this program does not know is a later one's, and the page leaves it alone.
fn check_result(method: &str, result: &Value) -> serde_json::Result<()> {
    macro_rules! each {
        ($known:ty) => {
            if method == <$known as Request>::METHOD {
                return serde_json::from_value::<<$known as Request>::Result>(result.clone())
                    .map(drop);
            }
        };
    }
    limpid_protocol::for_each_method!(each);
    Ok(())
}

/// What stands where something else should.
fn not(place: &str, found: Option<&Value>, should: &str) -> anyhow::Error {
    let found = found.map_or("missing", kind);
    anyhow!("{place} is {found}; it must be {should}")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
