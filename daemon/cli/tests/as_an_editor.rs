//! The language server on a real model says what the command line says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program")]

#[path = "running/editor.rs"]
mod editor;
#[path = "running/limpid.rs"]
mod running;

use editor::Editor;
use limpid_protocol::inspection::{Attribution, Target};
use running::{command, golden, limpid, real, text};
use serde_json::{Value, json};

fn model() -> String {
    real("SmolLM2-135M-Instruct.Q4_1.gguf").display().to_string()
}

fn editor() -> Editor {
    let mut command = command();
    command.args(["lsp", "--standalone", "--device", "cpu", "--model", &model()]);
    let mut editor = Editor::start(command);
    editor.load();
    editor
}

fn open(editor: &mut Editor, uri: &str, text: &str) -> Value {
    let item = json!({ "uri": uri, "languageId": "plaintext", "version": 1, "text": text });
    editor.notify("textDocument/didOpen", json!({ "textDocument": item }));
    json!({ "prompt": { "uri": uri, "version": 1 }, "model": model() })
}

fn said(args: &[&str]) -> Value {
    let output = limpid(&[args, &["--model", &model(), "--format", "json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_prompt_is_rendered_as_on_the_command_line() {
    let mut editor = editor();
    for name in ["chat.prompt", "greeting.prompty", "escapes.json", "plain.txt"] {
        let file = golden("chat/documents").join(name);
        let content = std::fs::read_to_string(&file).unwrap();
        let subject = open(&mut editor, &format!("file:///{name}"), &content);
        let answer = editor.ask("limpid/render", json!({ "subject": subject })).unwrap();
        assert_eq!(answer["view"], said(&["render", &file.display().to_string()]), "{name}");
    }
    editor.leave();
}

#[test]
fn an_answer_is_measured_against_another_as_on_the_command_line() {
    let mut editor = editor();
    let mut subject = open(&mut editor, "file:///a.txt", "The capital of France is Paris.");
    subject["target"] = json!({ "answer": { "start": 5, "end": 7 } });
    subject["foil"] = json!(" Rome, of course.");
    let view =
        editor.ask("limpid/attribution", json!({ "subject": subject })).unwrap()["view"].clone();
    let other = ["--answer", " Paris.", "--foil-answer", " Rome, of course."];
    let own = said(&[&["inspect", "--text", "The capital of France is"], &other[..]].concat());
    // Through their types: an answer spells its numbers with more digits.
    let target = |of: &Value| serde_json::from_value::<Target>(of["target"].clone()).unwrap();
    assert_eq!(target(&view), target(&own));
    let scores =
        |of: &Value| serde_json::from_value::<Attribution>(of["attribution"].clone()).unwrap();
    assert_eq!(scores(&view), scores(&own));
    let mut refused = |foil: Value| {
        subject["foil"] = foil;
        let error = editor.ask("limpid/attribution", json!({ "subject": subject })).unwrap_err();
        assert_eq!(error["data"]["kind"], "bad-request", "{error}");
        error["message"].as_str().unwrap().to_owned()
    };
    assert!(refused(json!("")).contains("`foil` is empty"));
    assert!(refused(json!(" Paris.")).contains("are the same tokens"));
    assert!(refused(json!(4_000_000)).contains("token id 4000000 at index 5 is out of range"));
    editor.leave();
}
