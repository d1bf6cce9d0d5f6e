//! Variables in braces: `{{name}}`, filled in from sample values. What else templates can say is left as it stands, and said so.

use crate::{
    prompt_document::{Placed, Problem, Severity, Variable},
    prompt_text::SourceMap,
};
use std::{collections::HashMap, ops::Range};

/// Text that grows beyond this is not filled in further: a value may be long, and used often.
const MAX_FILLED_BYTES: usize = 16 << 20;
/// Braces that close later are no variable.
const MAX_USE_BYTES: usize = 128;

/// A variable's use: its bytes, and the value that is filled in there.
pub(super) struct Use {
    pub(super) place: Range<usize>,
    pub(super) value: String,
}

/// The variables of a text, where each is filled in, and what is wrong with them. `map` leads from the text to the document.
pub(super) fn find(
    text: &str,
    map: &SourceMap,
    samples: &[Placed<(String, String)>],
    problems: &mut Vec<Problem>,
) -> (Vec<Variable>, Vec<Use>) {
    let mut variables: Vec<Variable> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for sample in samples {
        let (name, value) = &sample.value;
        let placed = Placed { value: value.clone(), source: sample.source.clone() };
        let at = index(&mut variables, &mut known, name);
        variables[at].sample = Some(placed);
    }
    let mut uses = Vec::new();
    let mut n_bytes = text.len();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let start = at + open;
        at = start + 2;
        let Some(inner) = inner(&text[at..]) else { continue };
        at += inner.len() + 2;
        let place = start..at;
        let source = map.to_source(place.clone());
        let name = inner.trim();
        if !is_name(name) {
            if !name.starts_with("role ") && !name.trim_start_matches('~').starts_with("role ") {
                let message = "only `{{name}}` is filled in; the model reads this as it stands";
                problems.push(warning(message.to_owned(), source));
            }
            continue;
        }
        let at_name = index(&mut variables, &mut known, name);
        let variable = &mut variables[at_name];
        if variable.sample.is_none() && variable.uses.is_empty() {
            let message = format!(
                "`{name}` has no value, so the model reads the braces; add `{name}` under `sample` in front matter"
            );
            problems.push(warning(message, source.clone()));
        }
        variable.uses.push(source.clone());
        let value = variable.sample.as_ref().map(|sample| sample.value.clone());
        let Some(value) = value else { continue };
        n_bytes = n_bytes.saturating_add(value.len());
        if n_bytes > MAX_FILLED_BYTES {
            let message = format!(
                "filled in, the prompt is longer than {MAX_FILLED_BYTES} bytes; shorten the values"
            );
            problems.push(warning(message, source));
            break;
        }
        uses.push(Use { place, value });
    }
    (variables, uses)
}

fn index(variables: &mut Vec<Variable>, known: &mut HashMap<String, usize>, name: &str) -> usize {
    if let Some(at) = known.get(name) {
        return *at;
    }
    known.insert(name.to_owned(), variables.len());
    variables.push(Variable { name: name.to_owned(), sample: None, uses: Vec::new() });
    variables.len() - 1
}

/// What stands between braces that have been opened; none where they do not close soon.
fn inner(text: &str) -> Option<&str> {
    let near = &text[..text.floor_char_boundary(MAX_USE_BYTES)];
    let inner = &near[..near.find("}}")?];
    (!inner.contains(['\n', '{'])).then_some(inner)
}

fn is_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(is_inner)
}

fn warning(message: String, source: Range<usize>) -> Problem {
    Problem { severity: Severity::Warning, code: "variable", message, source }
}
