//! The language server on a real model says what the command line says.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program")]

#[path = "running/editor.rs"]
mod editor;
#[path = "running/limpid.rs"]
mod running;

use editor::Editor;
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
    let status = editor.ask("limpid/status", json!({})).unwrap();
    assert_eq!(status["cache"]["misses"], 0, "no forward pass: {status}");
    editor.leave();
}
