//! `limpid.toml` and editor settings to [`Settings`]; what is wrong is said with its place, and the rest holds.
//! What must not live here: which keys there are (`keys`).

use crate::{
    prompt_document::{Placed, Problem, Severity},
    settings::{
        HeatShow, PromptRule, Settings,
        keys::{EDITOR_ONLY, FOLDER_KEYS, Kind, RULE_KEYS, RULES, find, methods, nearest},
        value::{Entries, Value, of_json, of_toml},
    },
};
use std::ops::Range;
use toml::de::DeTable;

/// A longer `limpid.toml` is not read: a stranger wrote it, and the parser is not ours.
pub(super) const MAX_TOML_BYTES: usize = 64 << 10;

/// Reads a `limpid.toml`. Never fails: what cannot be read is among the problems, and what can holds.
pub fn read_toml(text: &str) -> (Settings, Vec<Problem>) {
    let mut reader = Reader::default();
    if text.len() > MAX_TOML_BYTES {
        let message = format!("the file is longer than {MAX_TOML_BYTES} bytes; it is not read");
        reader.say(Severity::Error, "toml", message, 0..text.len());
        return (reader.settings, reader.problems);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let source = error.span().unwrap_or(0..text.len());
        let what = error.message().replace('\n', "; ");
        reader.say(Severity::Error, "toml", format!("this is not TOML: {what}"), source);
    }
    reader.folder(of_toml(table.get_ref()), "");
    (reader.settings, reader.problems)
}

/// Reads an editor's settings: the object below `limpid`, nested (`{"inlay": {"predictions": 3}}`) or with dots
/// (`{"inlay.predictions": 3}`), with or without `limpid` around it. Null says nothing. Also what is wrong, a sentence each.
pub fn read_editor(settings: &serde_json::Value) -> (Settings, Vec<String>) {
    let inner = settings.get("limpid").unwrap_or(settings);
    let mut reader = Reader { is_editor: true, ..Reader::default() };
    reader.folder(of_json(inner), "");
    (reader.settings, reader.problems.into_iter().map(|problem| problem.message).collect())
}

#[derive(Default)]
struct Reader {
    settings: Settings,
    problems: Vec<Problem>,
    is_editor: bool,
}

impl Reader {
    fn say(
        &mut self,
        severity: Severity,
        code: &'static str,
        message: String,
        source: Range<usize>,
    ) {
        self.problems.push(Problem { severity, code, message, source });
    }

    /// Takes the entries of a table of folder keys; `prefix` is empty or ends with a dot.
    fn folder(&mut self, entries: Entries, prefix: &str) {
        for (key, value) in entries {
            let name = format!("{prefix}{}", key.value.trim_start_matches("limpid."));
            let tables = format!("{name}.");
            if self.is_editor && is_editors_own(&name) {
                continue;
            }
            match (find(FOLDER_KEYS, &name), value.value) {
                (_, Value::Other("null")) if self.is_editor => {}
                (Some(known), given) => {
                    let given = Placed { value: given, source: value.source };
                    if let Some(fits) = self.fitting(&name, known.kind, given) {
                        set(&mut self.settings, &name, fits);
                    }
                }
                (None, Value::List(rules)) if name == RULES && !self.is_editor => {
                    rules.into_iter().for_each(|rule| self.rule(rule));
                }
                (None, Value::Table(rule)) if name == RULES && !self.is_editor => {
                    let message = format!("`{RULES}` is a list of rules; write [[{RULES}]]");
                    self.say(Severity::Warning, "value", message, key.source);
                    self.rule(Placed { value: Value::Table(rule), source: value.source });
                }
                (None, Value::Table(inner))
                    if FOLDER_KEYS.iter().any(|k| k.name.starts_with(&tables)) =>
                {
                    self.folder(inner, &tables);
                }
                (None, _) => {
                    let names = FOLDER_KEYS.iter().map(|key| key.name).chain([RULES]);
                    let names = names.filter(|known| known.starts_with(prefix));
                    self.unknown(&name, names, key.source);
                }
            }
        }
    }

    fn rule(&mut self, rule: Placed<Value>) {
        let Value::Table(entries) = rule.value else {
            let message =
                format!("`{RULES}` holds {}; write [[{RULES}]] with keys below", rule.value.says());
            return self.say(Severity::Warning, "value", message, rule.source);
        };
        let mut files = None;
        let mut found = Settings::default();
        for (key, value) in entries {
            let Some(known) = find(RULE_KEYS, &key.value) else {
                self.unknown(&key.value, RULE_KEYS.iter().map(|key| key.name), key.source);
                continue;
            };
            let source = value.source.clone();
            match self.fitting(&key.value, known.kind, value) {
                Some(Value::Text(glob)) if known.kind == Kind::Glob => match PromptRule::new(&glob)
                {
                    Ok(rule) => files = Some(rule),
                    Err(why) => {
                        let message =
                            format!("`files` is no glob: {why}; write one like \"*.txt\"");
                        self.say(Severity::Warning, "value", message, source);
                        return;
                    }
                },
                Some(fits) => set(&mut found, &key.value, fits),
                None => {}
            }
        }
        let Some(rule) = files else {
            let message =
                format!("this [[{RULES}]] says nothing about files; write files = \"*.txt\"");
            return self.say(Severity::Warning, "value", message, rule.source);
        };
        let Settings { model, target, foil, chat, untrusted, .. } = found;
        self.settings.prompts.push(PromptRule { model, target, foil, chat, untrusted, ..rule });
    }

    /// The value, if it is what the key may hold; a token's id becomes text.
    fn fitting(&mut self, name: &str, kind: Kind, given: Placed<Value>) -> Option<Value> {
        let is_text = |item: &Placed<Value>| matches!(&item.value, Value::Text(t) if !t.is_empty());
        match (kind, &given.value) {
            (Kind::Text | Kind::Glob | Kind::Token, Value::Text(text)) if !text.is_empty() => {}
            (Kind::Token, Value::Whole(id)) if u32::try_from(*id).is_ok() => {
                return Some(Value::Text(id.to_string()));
            }
            (Kind::Flag, Value::Flag(_)) => {}
            (Kind::Count(most), Value::Whole(n))
                if usize::try_from(*n).is_ok_and(|n| n <= most) => {}
            (Kind::Share, Value::Number(n)) if *n > 0.0 && *n <= 1.0 => {}
            (Kind::Share, Value::Whole(1)) => return Some(Value::Number(1.0)),
            (Kind::Nats, Value::Number(n)) if *n >= 0.0 && n.is_finite() => {}
            (Kind::Nats, Value::Whole(n)) if *n >= 0 => return Some(Value::Number(*n as f64)),
            (Kind::Method, Value::Text(text)) if methods().contains(&text.as_str()) => {}
            (Kind::OneOf(words), Value::Text(text)) if words.contains(&text.as_str()) => {}
            (Kind::Texts, Value::List(items)) if items.iter().all(is_text) => {}
            (_, value) => {
                let is = match value {
                    Value::Text(text) if text.is_empty() => "is empty".to_owned(),
                    Value::Text(text) => format!("is `{text}`"),
                    Value::Whole(n) => format!("is {n}"),
                    Value::Number(n) => format!("is {n}"),
                    other => format!("is {}", other.says()),
                };
                let meant = match (kind, value) {
                    (Kind::Method, Value::Text(text)) => nearest(text, methods()),
                    (Kind::OneOf(words), Value::Text(text)) => nearest(text, words.iter().copied()),
                    _ => None,
                };
                let message = match meant {
                    Some(meant) => format!("`{name}` {is}; did you mean `{meant}`?"),
                    None => format!("`{name}` {is}; write {}", kind.says()),
                };
                self.say(Severity::Warning, "value", message, given.source);
                return None;
            }
        }
        Some(given.value)
    }

    fn unknown<'a>(
        &mut self,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
        source: Range<usize>,
    ) {
        let names: Vec<&str> = known.clone().collect();
        let message = match nearest(name, known) {
            Some(meant) => format!("`{name}` is no key of limpid; did you mean `{meant}`?"),
            None => format!("`{name}` is no key of limpid; the keys here are {}", names.join(", ")),
        };
        self.say(Severity::Warning, "unknown-key", message, source);
    }
}

fn is_editors_own(name: &str) -> bool {
    EDITOR_ONLY.iter().any(|own| {
        name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Sets a key to a value of its kind.
fn set(settings: &mut Settings, name: &str, value: Value) {
    match (name, value) {
        ("model", Value::Text(text)) => settings.model = Some(text),
        ("target", Value::Text(text)) => settings.target = Some(text),
        ("foil", Value::Text(text)) => settings.foil = Some(text),
        ("chat", Value::Flag(flag)) => settings.chat = Some(flag),
        ("untrusted", Value::List(items)) => {
            let text = |item: Placed<Value>| match item.value {
                Value::Text(text) => Some(text),
                _ => None,
            };
            settings.untrusted = Some(items.into_iter().filter_map(text).collect());
        }
        ("inlay.predictions", Value::Whole(n)) => {
            settings.inlay_predictions = usize::try_from(n).ok();
        }
        ("inlay.surprisal", Value::Flag(flag)) => settings.inlay_surprisal = Some(flag),
        ("heat.method", Value::Text(text)) => settings.heat_method = Some(text),
        ("heat.show", Value::Text(word)) => settings.heat_show = HeatShow::named(&word),
        ("routes.mass", Value::Number(share)) => settings.routes_mass = Some(share as f32),
        ("effects.floor", Value::Number(nats)) => settings.effects_floor = Some(nats as f32),
        // The test `every_key_is_read` shows that no key ends here.
        _ => {}
    }
}
