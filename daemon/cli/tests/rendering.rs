//! `limpid render`, and prompt files in `inspect`: what the model sees of a file, and which bytes of it each part is.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{golden, limpid, real, refused, text};
use serde_json::Value;

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

fn document(name: &str) -> String {
    golden("chat/documents").join(name).display().to_string()
}

fn json(args: &[&str]) -> Value {
    let output = limpid(args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn span(source: &Value) -> std::ops::Range<usize> {
    let byte = |name: &str| source[name].as_u64().unwrap() as usize;
    byte("start")..byte("end")
}

#[test]
fn a_template_is_rendered_without_any_model() {
    let template = golden("chat/templates/chatml.jinja").display().to_string();
    let file = document("greeting.prompty");
    let args = ["render", &file, "--chat-template", &template];
    let expected = "<|im_start|>system\nYou greet people from Köln.<|im_end|>\n<|im_start|>user\nI am Zoë. Greet me, Zoë!<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(text(&limpid(&args).stdout), format!("{expected}\n"));
    let rendered = json(&["render", &file, "--chat-template", &template, "--format", "json"]);
    assert_eq!(rendered["text"], expected);
    assert_eq!(rendered["tokens"].as_array().unwrap().len(), 0);
    let content = std::fs::read_to_string(&file).unwrap();
    let message = &rendered["messages"][1];
    assert_eq!(message["content"], "I am Zoë. Greet me, Zoë!");
    assert_eq!(&content[span(&message["source"])], "I am {{ name }}. Greet me, {{name}}!");
}

#[test]
fn tokens_say_which_bytes_of_the_file_they_are() {
    let model = real(SMOLLM2).display().to_string();
    for name in ["list.json", "quoted.md", "untrusted.prompt", "plain.txt", "escapes.json"] {
        let file = document(name);
        let content = std::fs::read(&file).unwrap();
        let rendered = json(&["render", &file, "--model", &model, "--format", "json"]);
        let tokens = rendered["tokens"].as_array().unwrap();
        let all: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
        if name != "escapes.json" {
            assert_eq!(all, rendered["text"].as_str().unwrap());
        }
        let mut n_sourced = 0;
        for token in tokens.iter().filter(|token| !token["source"].is_null()) {
            let source = String::from_utf8_lossy(&content[span(&token["source"])]).into_owned();
            let own = token["text"].as_str().unwrap();
            let is_own = own.contains(&source) || source.contains(['\\', '>']) || own.contains('⟨');
            assert!(is_own, "{name}: {token}: {source:?}");
            n_sourced += 1;
        }
        assert!(n_sourced > 3, "{name}");
    }
}

#[test]
fn one_prompt_of_several_is_chosen() {
    let model = real(SMOLLM2).display().to_string();
    let file = document("lines.jsonl");
    let out = |n: &str| text(&limpid(&["render", &file, "--model", &model, "--prompt", n]).stdout);
    assert_eq!(out("2"), "Second\tline\n");
    assert!(out("1").contains("<|im_start|>user\nFirst<|im_end|>"));
    for n in ["0", "4", "x"] {
        let error = refused(&["render", &file, "--model", &model, "--prompt", n]);
        let says = format!(
            "--prompt `{n}` is out of range; the file has prompts 1 to 3: 1 (line 1) \"First\", 2 (line 2)"
        );
        assert!(error.contains(&says), "{error}");
    }
}

#[test]
fn inspect_reads_prompt_files_and_what_they_say_about_themselves() {
    let model = real(SMOLLM2).display().to_string();
    let file = document("chat.prompt");
    let content = std::fs::read_to_string(&file).unwrap();
    let inspection = json(&["inspect", &file, "--model", &model, "--format", "json"]);
    assert_eq!(inspection["target"]["text"], " Paris");
    let tokens = inspection["tokens"].as_array().unwrap();
    let of = |token: &Value| {
        let start = token["start"].as_u64()? as usize;
        Some(content[start..token["end"].as_u64()? as usize].to_owned())
    };
    let shown: String = tokens.iter().filter_map(of).collect();
    assert_eq!(shown, "Answer with one word.What is the capital of France?");
    assert!(tokens[0]["start"].is_null(), "the template's first token is no part of the file");
    let own = json(&["inspect", &file, "--model", &model, "--token", " the", "--format", "json"]);
    assert_eq!(own["target"]["text"], " the");
}

#[test]
fn what_cannot_be_rendered_is_said() {
    let file = document("chat.prompt");
    let template = golden("chat/templates/gemma2.jinja").display().to_string();
    let error = refused(&["render", &file, "--chat-template", &template]);
    assert!(error.contains("gemma2.jinja: chat_template: refuses a system message: line 1: System role not supported; move its text into the first user message"), "{error}");
    let error = refused(&["render", &file, "--chat-template", "nowhere.jinja"]);
    assert!(error.contains("nowhere.jinja: cannot be read"), "{error}");
}
