//! Messages as JSON, as chat services take them: a list of `{role, content}`, or an object with `messages`; in JSON lines also
//! `prompt` or `text`.

use crate::{
    prompt_document::{Problem, PromptDocument, PromptSettings, Severity},
    prompt_formats::{json_text::meaning, lines::lines, sections},
    prompt_text::{MappedText, Message, PromptText},
};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, ops::Range};

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// The roles that chat services take.
const ROLES: &[&str] = &["system", "developer", "user", "assistant", "tool", "function"];

/// The prompt of a document; none where it holds no messages.
pub(super) fn read(text: &str) -> Option<PromptDocument> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let whole: &RawValue = serde_json::from_str(&text[start..]).ok()?;
    let reader = Reader { text };
    match reader.object(whole) {
        Some(object) => reader.messages(object.get("messages")?, reader.place(whole)),
        None => reader.messages(whole, reader.place(whole)),
    }
}

/// The prompts of a document with one object a line. A line that is not JSON is told with the prompt before it, or after it.
pub(super) fn read_lines(text: &str) -> Vec<PromptDocument> {
    let reader = Reader { text };
    let mut prompts: Vec<PromptDocument> = Vec::new();
    let mut waiting: Vec<Problem> = Vec::new();
    for (index, line) in lines(text, 0).enumerate() {
        if line.is_blank() {
            continue;
        }
        match serde_json::from_str::<&RawValue>(line.text.trim_start_matches('\u{feff}')) {
            Ok(value) => {
                if let Some(mut prompt) = reader.line(value) {
                    prompt.problems.append(&mut waiting);
                    prompts.push(prompt);
                }
            }
            Err(e) => {
                let own = line.start..line.start + line.text.len();
                let told =
                    format!("line {} is not JSON: {}; correct or remove it", index + 1, bare(&e));
                let problem =
                    Problem { severity: Severity::Error, code: "json", message: told, source: own };
                let problems = prompts.last_mut().map_or(&mut waiting, |last| &mut last.problems);
                if problems.len() < 100 {
                    problems.push(problem);
                }
            }
        }
    }
    prompts
}

/// What is wrong, without serde's own line, which counts from the start of ours.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (what, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    format!("{what} at column {}", error.column())
}

/// Reads values that lie in a document.
struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn place(&self, value: &RawValue) -> Range<usize> {
        let start = value.get().as_ptr().addr() - self.text.as_ptr().addr();
        start..start + value.get().len()
    }

    fn object(&self, value: &'a RawValue) -> Option<Object<'a>> {
        value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok())?
    }

    fn list(&self, value: &'a RawValue) -> Option<Vec<&'a RawValue>> {
        value.get().starts_with('[').then(|| serde_json::from_str(value.get()).ok())?
    }

    /// A string's text, on `out`.
    fn string(&self, value: &RawValue, out: &mut MappedText) -> Option<()> {
        if !value.get().starts_with('"') {
            return None;
        }
        let place = self.place(value);
        let own = meaning(self.text, place.clone(), place)?;
        out.push_part(&own, 0..own.text.len());
        Some(())
    }

    fn line(&self, value: &'a RawValue) -> Option<PromptDocument> {
        let source = self.place(value);
        let Some(object) = self.object(value) else { return self.messages(value, source) };
        if let Some(messages) = object.get("messages") {
            return self.messages(messages, source);
        }
        let value = object.get("prompt").or_else(|| object.get("text"))?;
        let mut out = MappedText::default();
        self.string(value, &mut out)?;
        let body = self.place(value);
        Some(prompt(out, None, source, body, Vec::new()))
    }

    /// A prompt of these messages; none where any of them is none.
    fn messages(&self, value: &'a RawValue, source: Range<usize>) -> Option<PromptDocument> {
        let items = self.list(value)?;
        let mut out = MappedText::default();
        let mut problems = Vec::new();
        let mut messages = Vec::with_capacity(items.len());
        for item in items {
            let object = self.object(item)?;
            let role_value = *object.get("role")?;
            let role: String = serde_json::from_str(role_value.get()).ok()?;
            if !ROLES.contains(&role.as_str()) {
                let message = format!(
                    "`{}` is no role that chat models know; write one of {}",
                    cut(&role),
                    ROLES.join(", ")
                );
                problems.push(warning("role", message, self.place(role_value)));
            }
            let start = out.text.len();
            match object.get("content") {
                Some(content) => self.content(content, &mut out, &mut problems)?,
                // An assistant that calls tools says nothing.
                None if object.contains_key("tool_calls") => {}
                None => return None,
            }
            let source = self.place(item);
            messages.push(Message { role, content: start..out.text.len(), source });
        }
        if messages.is_empty() {
            return None;
        }
        problems.truncate(100);
        Some(prompt(out, Some(messages), source, self.place(value), problems))
    }

    /// A message's content: a string, null, or a list of parts of which the texts are read.
    fn content(
        &self,
        value: &'a RawValue,
        out: &mut MappedText,
        problems: &mut Vec<Problem>,
    ) -> Option<()> {
        if value.get() == "null" {
            return Some(());
        }
        let Some(parts) = self.list(value) else { return self.string(value, out) };
        for part in parts {
            match self.object(part).as_ref().and_then(|object| object.get("text")) {
                Some(text) => self.string(text, out)?,
                None if part.get().starts_with('"') => self.string(part, out)?,
                None => {
                    let message = "only parts with `text` are read; the model does not see this";
                    problems.push(warning("json", message.to_owned(), self.place(part)));
                }
            }
        }
        Some(())
    }
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

fn warning(code: &'static str, message: String, source: Range<usize>) -> Problem {
    Problem { severity: Severity::Warning, code, message, source }
}

fn prompt(
    out: MappedText,
    messages: Option<Vec<Message>>,
    source: Range<usize>,
    body: Range<usize>,
    problems: Vec<Problem>,
) -> PromptDocument {
    let text = PromptText { text: out.text, map: out.map, messages };
    PromptDocument {
        sections: sections::of(&text),
        source,
        body,
        text,
        settings: PromptSettings::default(),
        problems,
    }
}

#[cfg(test)]
mod tests {
    use super::{read, read_lines};
    use crate::prompt_document::PromptDocument;

    fn said(prompt: &PromptDocument) -> Vec<(String, String)> {
        let messages = prompt.text.messages.as_deref().unwrap_or_default();
        let said = messages.iter().map(|message| {
            (message.role.clone(), prompt.text.text[message.content.clone()].to_owned())
        });
        said.collect()
    }

    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let found = read(text).map(|prompt| said(&prompt));
        let expected = expected.map(|expected| {
            expected.iter().map(|&(role, said)| (role.to_owned(), said.to_owned())).collect()
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn messages_are_found_in_lists_and_requests() {
        check(r#"[{"role": "user", "content": "h\u00e9\n"}]"#, Some(&[("user", "hé\n")]));
        check(
            r#"{"model": "x", "messages": [{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "role": "system"}, {"role": "assistant", "content": null}]}"#,
            Some(&[("system", "ab"), ("assistant", "")]),
        );
    }

    #[test]
    fn other_json_holds_no_prompt() {
        for text in [
            "{}",
            "[]",
            "[1]",
            "3",
            "",
            "{",
            r#"[{"role": "user"}]"#,
            r#"{"messages": 1}"#,
            r#"{"prompt": "x"}"#,
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_line_is_a_prompt_of_its_own() {
        let text = "oops\n{\"messages\": [{\"role\": \"bot\", \"content\": \"x\"}]}\r\n\n{\"prompt\": \"a\\tb\"}\n{\"id\": 1}\n{\"text\": \"c\"}\n{\n";
        let prompts = read_lines(text);
        assert_eq!(said(&prompts[0]), [("bot".to_owned(), "x".to_owned())]);
        assert_eq!(
            (prompts[1].text.text.as_str(), &text[prompts[1].body.clone()]),
            ("a\tb", "\"a\\tb\"")
        );
        assert_eq!(prompts[2].text.text, "c");
        let told: Vec<&str> =
            prompts.iter().flat_map(|p| &p.problems).map(|p| p.message.as_str()).collect();
        assert_eq!(
            told[0],
            "`bot` is no role that chat models know; write one of system, developer, user, assistant, tool, function"
        );
        assert_eq!(told[1], "line 1 is not JSON: expected value at column 1; correct or remove it");
        assert!(told[2].starts_with("line 7 is not JSON: EOF"), "{told:?}");
        assert_eq!(
            prompts[1].text.map.to_source(1..2),
            text.find("\\t").unwrap()..text.find("\\t").unwrap() + 2
        );
    }
}
