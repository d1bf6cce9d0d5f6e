//! YAML front matter: limpid's own keys, at the top or under `limpid`, and the sample values of prompty's and dotprompt's
//! variables. Others' keys are left alone.

use crate::{
    prompt_document::{Placed, Problem, Severity},
    prompt_formats::{
        declared::Declared,
        lines::lines,
        yaml::{self, Node, Yaml},
    },
};
use std::ops::Range;

/// Front matter that is longer is not read.
const MAX_BYTES: usize = 64 << 10;

/// Keys of prompty, dotprompt and what people write beside them, which mean nothing to limpid.
const OTHERS_KEYS: &[&str] = &[
    "name",
    "title",
    "description",
    "author",
    "authors",
    "tags",
    "version",
    "date",
    "id",
    "base",
    "inputs",
    "outputs",
    "sample",
    "template",
    "tools",
    "metadata",
    "config",
    "input",
    "output",
    "ext",
    "variant",
    "toolDefs",
    "maxTurns",
    "use",
    "default",
    "kind",
    "format",
    "api",
    "parameters",
    "temperature",
    "language",
    "license",
    "messages",
    "resources",
    "mode",
    "apply",
    "agent",
    "argument-hint",
];
const OWN_KEYS: &[&str] = &["model", "target", "foil", "chat", "untrusted"];

/// Where front matter stands: all of it with its fences, and what is between them.
pub(super) struct FrontMatter {
    pub(super) whole: Range<usize>,
    inner: Range<usize>,
}

/// The front matter of a document; an empty one at its start where there is none.
pub(super) fn find(text: &str) -> FrontMatter {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let none = FrontMatter { whole: 0..start, inner: start..start };
    let mut own = lines(text, start);
    let Some(first) = own.next().filter(|line| line.text.trim_end() == "---") else { return none };
    let is_end = |line: &str| matches!(line.trim_end(), "---" | "...");
    match own.find(|line| is_end(line.text)) {
        Some(last) => FrontMatter { whole: 0..last.next, inner: first.next..last.start },
        None => none,
    }
}

/// What front matter declares.
pub(super) fn read(text: &str, place: &FrontMatter) -> Declared {
    let mut declared = Declared::default();
    let start = place.inner.start;
    if place.inner.len() > MAX_BYTES {
        let message = format!("front matter is longer than {MAX_BYTES} bytes; make it shorter");
        declared.problems.push(error(message, place.whole.clone()));
        return declared;
    }
    let tree = match yaml::parse(&text[place.inner.clone()]) {
        Ok(tree) => tree,
        Err((what, at)) => {
            let at = (start + at).min(place.inner.end);
            let line = text[..at].matches('\n').count() + 1;
            let end = lines(text, at).next().map_or(at, |line| at + line.text.len());
            let message =
                format!("front matter is not YAML: line {line}: {what}; correct it or remove it");
            declared.problems.push(error(message, at..end));
            return declared;
        }
    };
    if !matches!(tree.value, Yaml::Map(_) | Yaml::Nothing) {
        let message = "front matter holds no keys; write `key: value` lines".to_owned();
        declared.problems.push(error(message, place.inner.clone()));
    }
    let reader = Reader { start };
    for (key, value) in tree.entries() {
        reader.top_level(key, value, &mut declared);
    }
    declared
}

fn error(message: String, source: Range<usize>) -> Problem {
    Problem { severity: Severity::Error, code: "front-matter", message, source }
}

/// Reads keys of a tree that starts at this byte of the document.
struct Reader {
    start: usize,
}

impl Reader {
    fn place(&self, node: &Node) -> Range<usize> {
        node.source.start + self.start..node.source.end + self.start
    }

    fn placed(&self, node: &Node) -> Option<Placed<String>> {
        Some(Placed { value: node.text()?.to_owned(), source: self.place(node) })
    }

    fn top_level(&self, key: &Node, value: &Node, declared: &mut Declared) {
        let Some(name) = self.placed(key) else { return };
        match name.value.as_str() {
            "limpid" => {
                for (key, value) in value.entries() {
                    if let Some(name) = self.placed(key) {
                        self.own(&name, value, declared);
                    }
                }
            }
            // Prompty's `model` is a map that says how to reach a service.
            "model" if value.text().is_none() => {}
            own if OWN_KEYS.contains(&own) => self.own(&name, value, declared),
            "sample" => self.samples(value, declared),
            "inputs" => self.inputs(value, declared),
            "input" => {
                value.get("default").into_iter().for_each(|of| self.samples(of, declared));
            }
            other if OTHERS_KEYS.contains(&other) || other.contains('.') => {}
            other => {
                let message = format!("`{other}` is no key that limpid knows in front matter");
                declared.warn("unknown-key", message, name.source);
            }
        }
    }

    fn own(&self, name: &Placed<String>, value: &Node, declared: &mut Declared) {
        match &value.value {
            Yaml::Scalar(_) => declared.set(name, self.placed(value)),
            Yaml::List(items) if name.value == "untrusted" => {
                items.iter().for_each(|item| declared.set(name, self.placed(item)));
            }
            _ => {
                let message = format!("`{}` is no single value; write `{0}: VALUE`", name.value);
                declared.warn("value", message, name.source.clone());
            }
        }
    }

    /// `name: value` lines.
    fn samples(&self, of: &Node, declared: &mut Declared) {
        for (key, value) in of.entries() {
            self.sample(key, value, declared);
        }
    }

    /// Prompty's inputs: values, or what is known about each with a sample or default among it, or a list of these.
    fn inputs(&self, of: &Node, declared: &mut Declared) {
        for (key, value) in of.entries() {
            let inner = value.get("sample").or_else(|| value.get("default"));
            self.sample(key, inner.unwrap_or(value), declared);
        }
        for item in of.items() {
            let inner = item.get("sample").or_else(|| item.get("default"));
            if let (Some(key), Some(value)) = (item.get("name"), inner) {
                self.sample(key, value, declared);
            }
        }
    }

    fn sample(&self, key: &Node, value: &Node, declared: &mut Declared) {
        if let (Some(name), Some(text)) = (key.text(), value.text()) {
            let source = self.place(value);
            declared.samples.push(Placed { value: (name.to_owned(), text.to_owned()), source });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{find, read};
    use crate::prompt_formats::declared::Declared;

    fn check(text: &str) -> Declared {
        read(text, &find(text))
    }

    #[test]
    fn keys_stand_at_the_top_or_under_limpid() {
        let text = "---\nname: x\nmodel: a\nchat: true\nlimpid:\n  target: \" the\"\n  foil: 12\n---\nbody";
        let found = check(text);
        assert_eq!(found.problems, []);
        let target = found.settings.target.clone().unwrap();
        assert_eq!((target.value.as_str(), &text[target.source]), (" the", "\" the\""));
        assert_eq!(found.settings.foil.clone().unwrap().value, "12");
        assert_eq!(found.settings.model.clone().unwrap().value, "a");
        assert!(found.is_chat());
        assert_eq!(&text[find(text).whole], &text[..text.len() - 4]);
    }

    #[test]
    fn the_model_that_prompty_configures_is_left_alone() {
        let found = check("---\nmodel:\n  api: chat\n  configuration: {type: x}\n---\n");
        assert!(found.settings.model.is_none() && found.problems.is_empty());
    }

    #[test]
    fn samples_are_found_in_every_spelling() {
        for text in [
            "---\nsample:\n  who: Zoë\n---\n",
            "---\ninputs:\n  who: Zoë\n---\n",
            "---\ninputs:\n  who: {type: string, sample: Zoë}\n---\n",
            "---\ninputs:\n  who:\n    default: Zoë\n---\n",
            "---\ninputs:\n  - name: who\n    default: Zoë\n---\n",
            "---\ninput:\n  schema: {who: string}\n  default:\n    who: Zoë\n---\n",
        ] {
            let found = check(text);
            assert_eq!(found.problems, [], "{text}");
            let sample = &found.samples[0];
            assert_eq!(sample.value, ("who".to_owned(), "Zoë".to_owned()), "{text}");
            assert_eq!(&text[sample.source.clone()], "Zoë");
        }
    }

    #[test]
    fn what_is_wrong_is_said_where_it_stands() {
        let text = "---\ntagret: x\nlimpid: {modle: y, model: [1]}\n---\n";
        let problems = check(text).problems;
        let places: Vec<&str> = problems.iter().map(|p| &text[p.source.clone()]).collect();
        assert_eq!(places, ["tagret", "modle", "model"]);
        let text = "---\na: [1\nb: }\n---\nbody";
        let problems = check(text).problems;
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("front matter is not YAML: line "), "{problems:?}");
        assert_eq!(check("---\njust text\n---\n").problems.len(), 1);
    }

    #[test]
    fn a_rule_is_no_front_matter() {
        for text in ["---\nno end", "text\n---\na: b\n---\n", ""] {
            assert_eq!(find(text).whole, 0..0);
        }
        assert!(check("---\n---\nbody").problems.is_empty());
    }
}
