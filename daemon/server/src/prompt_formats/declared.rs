//! What a prompt declares about itself, in front matter, a magic comment or a fence's info string: the keys there are, and what
//! each may hold. What must not live here: how the declaration is written.

use crate::{
    prompt_document::{Placed, Problem, PromptSettings, Severity},
    prompt_formats::lines::lines,
    prompt_text::{Message, SourceMap},
};
use std::ops::Range;

/// The keys, for messages.
const KEYS: &str = "model, target, foil, chat, untrusted";

/// Settings as declared; which bytes are untrusted is known once the messages are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) settings: PromptSettings,
    /// Lines of the file, like `8-12`, or roles.
    untrusted: Vec<Placed<String>>,
    /// Variables' sample values, in order.
    pub(super) samples: Vec<Placed<(String, String)>>,
    pub(super) problems: Vec<Problem>,
}

impl Declared {
    /// Whether the prompt says that it is a chat.
    pub(super) fn is_chat(&self) -> bool {
        self.settings.chat.as_ref().is_some_and(|chat| chat.value)
    }

    /// Takes a key; `value` is none where it stands alone.
    pub(super) fn set(&mut self, key: &Placed<String>, value: Option<Placed<String>>) {
        let name = key.value.as_str();
        if !["model", "target", "foil", "chat", "untrusted"].contains(&name) {
            let message = format!("`{name}` is no key of limpid; the keys are {KEYS}");
            return self.warn("unknown-key", message, key.source.clone());
        }
        let Some(value) = value else {
            if name == "chat" {
                self.settings.chat = Some(Placed { value: true, source: key.source.clone() });
            } else {
                let message = format!("`{name}` has no value; write {name}=VALUE");
                self.warn("value", message, key.source.clone());
            }
            return;
        };
        match name {
            "model" => self.settings.model = Some(value),
            "target" => self.settings.target = Some(value),
            "foil" => self.settings.foil = Some(value),
            "untrusted" => self.add_untrusted(value),
            _ => match value.value.as_str() {
                "true" => self.settings.chat = Some(Placed { value: true, source: value.source }),
                "false" => self.settings.chat = Some(Placed { value: false, source: value.source }),
                other => {
                    let message = format!("`chat` is `{other}`; write true or false");
                    self.warn("value", message, value.source);
                }
            },
        }
    }

    fn add_untrusted(&mut self, value: Placed<String>) {
        for item in value.value.split([',', ' ']).filter(|item| !item.is_empty()) {
            self.untrusted.push(Placed { value: item.to_owned(), source: value.source.clone() });
        }
    }

    /// Says that something is hardly what its writer meant.
    pub(super) fn warn(&mut self, code: &'static str, message: String, source: Range<usize>) {
        self.problems.push(Problem { severity: Severity::Warning, code, message, source });
    }

    /// Adds what is declared further inside; that wins.
    pub(super) fn and(mut self, inner: Self) -> Self {
        let own = &mut self.settings;
        own.model = inner.settings.model.or(own.model.take());
        own.target = inner.settings.target.or(own.target.take());
        own.foil = inner.settings.foil.or(own.foil.take());
        own.chat = inner.settings.chat.or(own.chat.take());
        self.untrusted.extend(inner.untrusted);
        self.samples.extend(inner.samples);
        self.problems.extend(inner.problems);
        self
    }

    /// The same, read from a text with this map to the document.
    pub(super) fn moved(mut self, map: &SourceMap) -> Self {
        let own = &mut self.settings;
        let texts = [&mut own.model, &mut own.target, &mut own.foil];
        let places = texts.into_iter().flatten().map(|placed| &mut placed.source);
        let places = places
            .chain(own.chat.iter_mut().map(|placed| &mut placed.source))
            .chain(self.untrusted.iter_mut().map(|placed| &mut placed.source))
            .chain(self.samples.iter_mut().map(|placed| &mut placed.source))
            .chain(self.problems.iter_mut().map(|problem| &mut problem.source));
        for place in places {
            *place = map.to_source(place.clone());
        }
        self
    }

    /// The bytes that `untrusted` names, of a document with these messages.
    pub(super) fn untrusted(&mut self, document: &str, messages: &[Message]) -> Vec<Range<usize>> {
        if self.untrusted.is_empty() {
            return Vec::new();
        }
        // Where each line starts, and the end.
        let mut starts: Vec<usize> = lines(document, 0).map(|line| line.start).collect();
        starts.push(document.len());
        let mut found = Vec::new();
        for item in std::mem::take(&mut self.untrusted) {
            let (first, last) = item.value.split_once('-').unwrap_or((&item.value, &item.value));
            let message = match (first.parse::<usize>(), last.parse::<usize>()) {
                (Ok(first), Ok(last)) if 0 < first && first <= last && last < starts.len() => {
                    found.push(starts[first - 1]..starts[last]);
                    continue;
                }
                (Ok(_), Ok(_)) => {
                    let n = starts.len() - 1;
                    format!("`untrusted` names lines {}; the file has lines 1 to {n}", item.value)
                }
                _ => {
                    let of_role = messages.iter().filter(|m| m.role == item.value);
                    let before = found.len();
                    found.extend(of_role.map(|message| message.source.clone()));
                    if found.len() > before {
                        continue;
                    }
                    format!(
                        "`untrusted` names `{}`, which is neither lines like 8-12 nor a role of this prompt",
                        item.value
                    )
                }
            };
            self.warn("untrusted", message, item.source);
        }
        found
    }
}

/// Attributes of one line, like `model=x, target=" the", chat`; their places count from `start`.
pub(super) fn attributes(text: &str, start: usize, declared: &mut Declared) {
    let mut rest = text;
    let at = |rest: &str| start + (text.len() - rest.len());
    let is_between = |c: char| c == ',' || c.is_whitespace();
    loop {
        rest = rest.trim_start_matches(is_between);
        if rest.is_empty() {
            return;
        }
        let n_name = rest.find(|c: char| c == '=' || is_between(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(n_name);
        let key = Placed { value: name.to_owned(), source: at(rest)..at(after) };
        let Some(written) = after.strip_prefix('=') else {
            declared.set(&key, None);
            rest = after;
            continue;
        };
        let (value, after) = match written.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let n = written.find(is_between).unwrap_or(written.len());
                (written[..n].to_owned(), &written[n..])
            }
        };
        declared.set(&key, Some(Placed { value, source: at(written)..at(after) }));
        rest = after;
    }
}

/// The text of a quoted value that has begun, and what follows it.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => match chars.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                other => value.extend(other),
            },
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::{Declared, attributes};

    fn declared(text: &str) -> Declared {
        let mut declared = Declared::default();
        attributes(text, 10, &mut declared);
        declared
    }

    #[test]
    fn attributes_are_quoted_bare_or_alone() {
        let found = declared("model=a/b, target=\" \\\"the\\n\",foil=12 chat");
        let settings = found.settings;
        let model = settings.model.unwrap();
        assert_eq!((model.value.as_str(), model.source), ("a/b", 16..19));
        let target = settings.target.unwrap();
        assert_eq!((target.value.as_str(), target.source), (" \"the\n", 28..38));
        assert_eq!(settings.foil.unwrap().value, "12");
        assert_eq!(settings.chat.unwrap().source, 47..51);
        assert_eq!(found.problems, []);
    }

    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        let told: Vec<_> = declared("modle=x target chat=maybe")
            .problems
            .into_iter()
            .map(|problem| (problem.message, problem.source))
            .collect();
        assert_eq!(
            told[0].0,
            "`modle` is no key of limpid; the keys are model, target, foil, chat, untrusted"
        );
        assert_eq!(told[0].1, 10..15);
        assert_eq!(told[1], ("`target` has no value; write target=VALUE".to_owned(), 18..24));
        assert_eq!(told[2], ("`chat` is `maybe`; write true or false".to_owned(), 30..35));
    }

    #[test]
    fn untrusted_names_lines_and_roles() {
        let mut found = declared("untrusted=\"2-3,9,nobody\"");
        let untrusted = found.untrusted("a\nb\nc\nd", &[]);
        assert_eq!((untrusted.len(), untrusted[0].clone()), (1, 2..6));
        let told: Vec<_> = found.problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(told[0], "`untrusted` names lines 9; the file has lines 1 to 4");
        assert!(told[1].starts_with("`untrusted` names `nobody`, which is neither"));
    }
}
