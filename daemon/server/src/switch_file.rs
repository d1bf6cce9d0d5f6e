//! Named sets of switches, kept in a text file beside the prompt: `capital.prompt` has `capital.prompt.switches.toml`. Read whole or
//! refused with the place; a set is added at the end, so that what a person wrote stays as it is.

use limpid_protocol::{
    intervention::{Intervention, InterventionSet},
    views::switches::SwitchSet,
};
use serde_json::{Map, Number};
use std::{
    ffi::OsString,
    fmt::Write,
    ops::Range,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A longer file is not read.
pub const MOST_BYTES: usize = 1 << 20;

/// What a file of switches holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SwitchFile {
    /// The model that the switches are of.
    pub model: Option<String>,
    /// The sets, in their order.
    pub sets: Vec<SwitchSet>,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchProblem {
    /// Line and column, from 1.
    pub place: (usize, usize),
    /// A sentence.
    pub message: String,
}

impl std::fmt::Display for SwitchProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.place.0, self.place.1, self.message)
    }
}

/// The file beside a prompt's.
pub fn path_beside(prompt: &Path) -> PathBuf {
    let mut name = prompt.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(".switches.toml");
    prompt.with_file_name(name)
}

impl SwitchFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// It is no TOML, a key is none of ours, a switch cannot be read; the first such place.
    pub fn read(text: &str) -> Result<Self, SwitchProblem> {
        let at = |span: Range<usize>, message: String| SwitchProblem {
            place: line_and_column(text, span.start),
            message,
        };
        if text.len() > MOST_BYTES {
            return Err(at(0..0, format!("the file is longer than {MOST_BYTES} bytes")));
        }
        let table = DeTable::parse(text).map_err(|e| {
            at(
                e.span().unwrap_or(0..0),
                format!("this is not TOML: {}", e.message().replace('\n', "; ")),
            )
        })?;
        let mut file = Self::default();
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("model", DeValue::String(model)) => file.model = Some(model.to_string()),
                ("set", DeValue::Array(sets)) => {
                    for set in sets {
                        let set = read_set(set).map_err(|(span, message)| at(span, message))?;
                        if file.sets.iter().any(|known| known.name == set.name) {
                            let message =
                                format!("there is another set `{}`; names differ", set.name);
                            return Err(at(value.span(), message));
                        }
                        file.sets.push(set);
                    }
                }
                ("model", _) => {
                    return Err(at(value.span(), "`model` is a model's name".to_owned()));
                }
                ("set", _) => {
                    return Err(at(value.span(), "write each set under [[set]]".to_owned()));
                }
                (other, _) => {
                    let message = format!("no key `{other}`; there are `model` and [[set]]");
                    return Err(at(key.span(), message));
                }
            }
        }
        Ok(file)
    }

    /// The set of a name, for a model.
    ///
    /// # Errors
    /// There is none; the file is of another model.
    pub fn set(&self, name: &str, model: &str) -> Result<&InterventionSet, String> {
        if let Some(own) = self.model.as_deref().filter(|own| *own != model) {
            return Err(format!(
                "these switches are of the model `{own}`, and this is `{model}`; a head of one is nothing to the other"
            ));
        }
        let found = self.sets.iter().find(|set| set.name == name);
        found.map(|set| &set.switches).ok_or_else(|| {
            let names: Vec<String> =
                self.sets.iter().map(|set| format!("`{}`", set.name)).collect();
            match names.is_empty() {
                true => format!("no set `{name}`; the file has none"),
                false => format!("no set `{name}`; there are {}", names.join(", ")),
            }
        })
    }

    /// A file's text with one more set at its end.
    ///
    /// # Errors
    /// The text cannot be read, is another model's, or has a set of that name.
    pub fn with_set(text: &str, model: &str, set: &SwitchSet) -> Result<String, String> {
        let file = Self::read(text).map_err(|problem| problem.to_string())?;
        if let Some(own) = file.model.as_deref().filter(|own| *own != model) {
            return Err(format!(
                "the file holds switches of the model `{own}`, and this is `{model}`"
            ));
        }
        if set.name.is_empty() {
            return Err("a set has a name; give it one".to_owned());
        }
        if file.sets.iter().any(|known| known.name == set.name) {
            return Err(format!(
                "there is a set `{}` already; choose another name, or edit the file",
                set.name
            ));
        }
        let mut out = text.to_owned();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        if file.model.is_none() {
            // Keys of the file itself stand before its tables.
            out = format!("model = {}\n{out}", quoted(model));
        }
        let _ = writeln!(out, "\n[[set]]\nname = {}\nswitches = [", quoted(&set.name));
        for switch in &set.switches.interventions {
            let _ = writeln!(out, "    {},", written(switch));
        }
        out.push_str("]\n");
        Ok(out)
    }
}

fn read_set(set: &Spanned<DeValue<'_>>) -> Result<SwitchSet, (Range<usize>, String)> {
    let DeValue::Table(table) = set.get_ref() else {
        return Err((set.span(), "a set has a `name` and `switches`".to_owned()));
    };
    let (mut name, mut switches) = (None, None);
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("name", DeValue::String(text)) if !text.is_empty() => name = Some(text.to_string()),
            ("name", _) => return Err((value.span(), "a set's `name` is a text".to_owned())),
            ("switches", DeValue::Array(items)) => {
                let mut found = Vec::new();
                for item in items {
                    let wrong = |message: String| (item.span(), message);
                    let json = to_json(item.get_ref()).map_err(wrong)?;
                    let one: InterventionSet =
                        serde_json::from_value(json).map_err(|e| wrong(e.to_string()))?;
                    found.extend(one.interventions);
                }
                if found.is_empty() {
                    return Err((
                        value.span(),
                        "`switches` is empty; name at least one".to_owned(),
                    ));
                }
                switches = Some(InterventionSet::together(found));
            }
            ("switches", _) => {
                let problem = "`switches` is a list, like [\"head 23.4\", \"mlp 3\"]";
                return Err((value.span(), problem.to_owned()));
            }
            (other, _) => {
                let problem = format!("no key `{other}` in a set; there are `name` and `switches`");
                return Err((key.span(), problem));
            }
        }
    }
    match (name, switches) {
        (Some(name), Some(switches)) => Ok(SwitchSet { name, switches }),
        (None, _) => Err((set.span(), "a set needs a `name`".to_owned())),
        (_, None) => Err((set.span(), "a set needs `switches`".to_owned())),
    }
}

/// A TOML value as JSON, for the readers of our own types.
fn to_json(value: &DeValue<'_>) -> Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    Ok(match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Boolean(is) => Json::Bool(*is),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            let parsed = i64::from_str_radix(&digits, number.radix());
            parsed
                .map(|n| Json::Number(n.into()))
                .map_err(|_| format!("{number} is out of range"))?
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().replace('_', "").parse().ok().and_then(Number::from_f64);
            Json::Number(parsed.ok_or_else(|| format!("{number} is no finite number"))?)
        }
        DeValue::Datetime(_) => return Err("a date has no part in a switch".to_owned()),
        DeValue::Array(items) => {
            Json::Array(items.iter().map(|item| to_json(item.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let mut entries = Map::new();
            for (key, value) in table {
                entries.insert(key.get_ref().to_string(), to_json(value.get_ref())?);
            }
            Json::Object(entries)
        }
    })
}

/// A switch as TOML: its text where that says all of it, else a table.
fn written(switch: &Intervention) -> String {
    let text = switch.to_string();
    if text.parse().as_ref() == Ok(switch) {
        return quoted(&text);
    }
    in_toml(&serde_json::to_value(switch).unwrap_or_default())
}

fn in_toml(value: &serde_json::Value) -> String {
    let all =
        |items: Vec<String>, open: &str, close: &str| format!("{open}{}{close}", items.join(", "));
    match value {
        serde_json::Value::String(text) => quoted(text),
        serde_json::Value::Array(items) => all(items.iter().map(in_toml).collect(), "[", "]"),
        serde_json::Value::Object(entries) => {
            let entry = |(key, value): (&String, _)| format!("{key} = {}", in_toml(value));
            all(entries.iter().map(entry).collect(), "{ ", " }")
        }
        other => other.to_string(),
    }
}

/// A basic string of TOML; JSON spells what must be escaped the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007f")
}

fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# mine
model = "Tiny"

[[set]]
name = "no induction"
switches = ["head 23.4", "neuron 2.12=10@4", { kind = "mlp_scale", layer = 3, value = 0.5 }]
"#;

    #[test]
    fn sets_are_read_and_added_behind_what_is_there() {
        let file = SwitchFile::read(FILE).unwrap();
        let set = file.set("no induction", "Tiny").unwrap();
        assert_eq!(set.to_string(), "head 23.4 + neuron 2.12=10@4 + mlp 3=0.5x");
        let more = SwitchSet {
            name: "say \"no\"".into(),
            switches: serde_json::from_str(
                r#"["span 2:5", {"kind":"patch","layer":1,"hook":"z","head":2,"from":{"text":"a\nb"}}]"#,
            )
            .unwrap(),
        };
        let text = SwitchFile::with_set(FILE, "Tiny", &more).unwrap();
        assert!(text.starts_with(FILE), "{text}");
        let again = SwitchFile::read(&text).unwrap();
        assert_eq!(again.sets.last(), Some(&more));
        let fresh = SwitchFile::with_set("", "Tiny", &more).unwrap();
        let fresh = SwitchFile::read(&fresh).unwrap();
        assert_eq!((fresh.model.as_deref(), fresh.sets), (Some("Tiny"), vec![more.clone()]));
        assert!(SwitchFile::with_set(&text, "Tiny", &more).unwrap_err().contains("already"));
        assert!(SwitchFile::with_set(&text, "Other", &more).unwrap_err().contains("model `Tiny`"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, place, says) in [
            ("model = 3", (1, 9), "`model` is a model's name"),
            (
                "[[set]]\nname = \"a\"\nswitches = [\"head x\"]",
                (3, 13),
                "`head x` is no intervention",
            ),
            (
                "[[set]]\nname = \"a\"\nswitches = [{ kind = \"mlp_zero\", lay = 3 }]",
                (3, 13),
                "unknown field `lay`",
            ),
            ("[[set]]\nname = \"a\"\nswitches = []", (3, 12), "is empty"),
            ("[[set]]\nswitches = [\"mlp 3\"]", (1, 1), "needs a `name`"),
            ("sets = 3", (1, 1), "no key `sets`"),
            ("[[set", (1, 6), "this is not TOML"),
            (
                "[[set]]\nname = \"a\"\nswitches = [{ kind = \"neuron_set\", value = nan }]",
                (3, 13),
                "no finite number",
            ),
        ] {
            let problem = SwitchFile::read(text).unwrap_err();
            assert!(problem.message.contains(says), "{problem}");
            assert_eq!(problem.place, place, "{problem}");
        }
        let file = SwitchFile::read(FILE).unwrap();
        assert!(file.set("x", "Tiny").unwrap_err().contains("`no induction`"));
        assert!(file.set("no induction", "Other").unwrap_err().contains("model `Tiny`"));
    }

    #[test]
    fn it_lies_beside_the_prompt() {
        let path = path_beside(Path::new("a/capital.prompt"));
        assert_eq!(path, Path::new("a/capital.prompt.switches.toml"));
    }
}
