//! What jinja2 itself writes, with transformers' settings: every prompt of `tests/golden/chat/documents` in every template there, and
//! every expression that templates are made of.

use crate::{
    chat_template::{ChatMessage, ChatTemplate, environment, render_with},
    prompt_formats::find_prompts,
};
use serde_json::Value;
use std::path::PathBuf;

fn golden(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/chat").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn template(text: String) -> ChatTemplate {
    let today = Some("2026-11-25".to_owned());
    ChatTemplate { text, bos: "<s>".to_owned(), eos: "</s>".to_owned(), path: "x".into(), today }
}

#[test]
fn documents_hold_the_messages_that_were_read_off_them() {
    let messages: Value = serde_json::from_str(&golden("messages.json")).unwrap();
    for (document, expected) in messages.as_object().unwrap() {
        let text = golden(&format!("documents/{document}"));
        let found: Vec<Value> = find_prompts(document, "", &text)
            .iter()
            .map(|prompt| match &prompt.text.messages {
                None => prompt.text.text.as_str().into(),
                Some(messages) => messages
                    .iter()
                    .map(|m| {
                        Value::from(vec![m.role.as_str(), &prompt.text.text[m.content.clone()]])
                    })
                    .collect(),
            })
            .collect();
        assert_eq!(Value::from(found), *expected, "{document}");
    }
}

#[test]
fn every_document_is_rendered_as_jinja_renders_it() {
    let golden_texts: Value = serde_json::from_str(&golden("rendered.json")).unwrap();
    let mut n_rendered = 0;
    for (name, documents) in golden_texts["rendered"].as_object().unwrap() {
        let template = template(golden(&format!("templates/{name}.jinja")));
        for (key, expected) in documents.as_object().unwrap() {
            let (document, number) = key.rsplit_once('#').unwrap();
            let text = golden(&format!("documents/{document}"));
            let prompts = find_prompts(document, "", &text);
            let prompt = &prompts[number.parse::<usize>().unwrap() - 1].text;
            let messages = ChatMessage::of(prompt);
            let rendered = render_with(&template, &messages);
            let Some(wanted) = expected["text"].as_str() else {
                let told = rendered.expect_err(key).to_string();
                assert!(
                    told.contains(expected["error"].as_str().unwrap()),
                    "{name}, {key}: {told}"
                );
                continue;
            };
            let chat = rendered.unwrap_or_else(|e| panic!("{name}, {key}: {e}"));
            assert_eq!(chat.text, wanted, "{name}, {key}");
            n_rendered += 1;
            // Whatever is the source's says what the source says.
            let mut shown = vec![false; prompt.text.len()];
            let mut joined = String::new();
            for part in chat.parts() {
                joined.push_str(part.text);
                if let Some(source) = part.source {
                    let own = &prompt.text[source..source + part.text.len()];
                    assert_eq!(own, part.text, "{name}, {key}");
                    shown[source..source + part.text.len()].fill(true);
                }
            }
            assert_eq!(joined, chat.text);
            // What is left out of a message is said, outer whitespace apart.
            for (index, message) in messages.iter().enumerate() {
                let own = message.content.trim();
                let start =
                    message.source + (own.as_ptr().addr() - message.content.as_ptr().addr());
                let is_whole = shown[start..start + own.len()].iter().all(|shown| *shown);
                let is_told = chat.notes.iter().any(|note| {
                    let number = format!("message {}", index + 1);
                    note.to_string().ends_with(&number)
                });
                assert_eq!(!is_whole, is_told, "{name}, {key}: {:?} of {own:?}", chat.notes);
            }
        }
    }
    assert!(n_rendered > 500, "{n_rendered}");
}

#[test]
fn expressions_are_read_as_jinja_reads_them() {
    let golden: Value = serde_json::from_str(&golden("rendered.json")).unwrap();
    let chat: Vec<(String, String)> = serde_json::from_value(golden["chat"].clone()).unwrap();
    let chat: Vec<(&str, &str)> = chat.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let mut wrong = Vec::new();
    for feature in golden["features"].as_array().unwrap() {
        let text = feature[0].as_str().unwrap();
        let found = environment::render(&template(text.to_owned()), &chat);
        match (feature[1]["text"].as_str(), &found) {
            (Some(expected), Ok(found)) if expected == found => {}
            (None, Err(_)) => {}
            (expected, _) => {
                wrong.push(format!("{text}\n  jinja: {expected:?}\n  ours:  {found:?}"))
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
