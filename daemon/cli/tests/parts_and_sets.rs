//! Roll-ups and prompt sets as a person asks for them, on the real model where text is read; `limpid.toml` beside a prompt.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{limpid, real, refused, text, tiny};
use serde_json::Value;
use std::{fs, path::Path};

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

fn inspect(args: &[&str]) -> std::process::Output {
    let model = real(SMOLLM2).display().to_string();
    limpid(&[&["inspect", "--model", &model, "--top", "1"], args].concat())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn scores_roll_up_to_the_parts_asked_for() {
    let prompt = "Q: capital of Spain?\nA: Madrid\nQ: capital of France?\nA:";
    let output = inspect(&[
        "--text",
        prompt,
        "--by",
        "line",
        "--format",
        "json",
        "--attribution",
        "atp,flow",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let inspection: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = inspection["parts"].as_array().unwrap();
    let shown: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    assert_eq!(shown, prompt.lines().collect::<Vec<_>>());
    let sum = |name: &str| rows.iter().map(|row| row[name].as_f64().unwrap()).sum::<f64>();
    let whole = |scores: &Value| {
        scores.as_array().unwrap().iter().map(|score| score.as_f64().unwrap()).sum::<f64>()
    };
    assert!((sum("share") - 1.0).abs() < 1e-5);
    assert!((sum("attribution") - whole(&inspection["attribution"]["scores"])).abs() < 1e-4);
    assert!((sum("flow") - whole(&inspection["attribution"]["others"]["flow"])).abs() < 1e-4);
    assert!(inspection["tokens"].as_array().unwrap().len() as f64 == sum("n_tokens"));
    let page = text(&inspect(&["--text", prompt, "--by", "word"]).stdout);
    assert!(page.contains("by word") && page.contains("Madrid") && !page.contains("by line"));
}

#[test]
fn a_chat_is_shown_by_message() {
    let page = text(&inspect(&["--text", "Say hello.", "--chat"]).stdout);
    assert!(page.contains("by message") && page.contains("user: Say hello."), "{page}");
    assert!(page.contains("template"), "{page}");
}

/// Three prompts, of which the second is none.
fn set(folder: &Path) -> String {
    let path = folder.join("set.jsonl");
    let chat = r#"{"messages": [{"role": "user", "content": "Say hello."}], "foil": " Hi"}"#;
    fs::write(
        &path,
        format!(
            "{}\n{{\"id\": 2, \"prompt\": 7}}\n{chat}\n",
            r#"{"id": "a", "prompt": "The capital of France is", "target": " Paris"}"#
        ),
    )
    .unwrap();
    path.display().to_string()
}

#[test]
fn a_set_is_a_line_a_prompt_and_a_bad_one_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(folder.path());
    let output = inspect(&["--set", &set, "--format", "jsonl", "--by", "message"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(error, "limpid: 1 of 3 prompts failed; their entries say why\n");
    let found = lines(&text(&output.stdout));
    assert_eq!(found.iter().map(|line| &line["index"]).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((&found[0]["id"], &found[0]["target"]["text"]), (&"a".into(), &" Paris".into()));
    assert_eq!(found[1]["error"]["kind"], "bad-request");
    let message = found[1]["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("set.jsonl:2: `prompt` is a number; write text"), "{message}");
    assert_eq!(found[2]["target"]["foil"]["text"], " Hi");
    assert_eq!(found[2]["parts"][1]["name"], "user");
    let page = text(&inspect(&["--set", &set]).stdout);
    assert!(page.contains("0 · a") && page.contains("⚠") && page.contains("by message"), "{page}");
}

#[test]
fn a_run_that_was_stopped_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(folder.path());
    let out = folder.path().join("out.jsonl");
    let path = out.display().to_string();
    let args = ["--set", &set, "--format", "jsonl", "--out", &path];
    assert_eq!(inspect(&args).status.code(), Some(1));
    let whole = fs::read_to_string(&out).unwrap();
    assert_eq!(whole.lines().count(), 3);
    let first = whole.find('\n').unwrap() + 1;
    for cut in [5, first, whole.len() - 1] {
        fs::write(&out, &whole[..cut]).unwrap();
        let output = inspect(&args);
        assert_eq!(text(&output.stderr), "limpid: 1 of 3 prompts failed; their entries say why\n");
        assert!(output.stdout.is_empty());
        assert!(fs::read_to_string(&out).unwrap() == whole, "cut at {cut}");
    }
    let output = inspect(&[&args[..], &["--lens"]].concat());
    assert!(text(&output.stderr).contains("out.jsonl:1: was made with other flags"));
    assert!(fs::read_to_string(&out).unwrap() == whole);
}

#[test]
fn what_is_no_set_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (model, path) = (tiny("llama"), folder.path().join("set.csv"));
    let name = path.display().to_string();
    let refused = |bytes: &[u8], args: &[&str]| {
        fs::write(&path, bytes).unwrap();
        refused(&[&["inspect", "--model", &model, "--set", &name], args].concat())
    };
    assert!(refused(b"", &[]).contains("holds no prompt"));
    assert!(refused(b"prompt\n", &[]).contains("holds no prompt"));
    assert!(refused(b"prompt\na\xff", &[]).contains("set.csv:2: byte 8 is not UTF-8"));
    assert!(
        refused(b"question\na\n", &[])
            .contains("has no column `prompt` or `text`; its columns are question")
    );
    assert!(
        refused(b"prompt\na\n", &["--format", "json"]).contains("choose --format jsonl or text")
    );
    assert!(refused(b"prompt\na\n", &["--out", "x"]).contains("add --format jsonl"));
}

#[test]
fn the_nearest_limpid_toml_names_the_model_and_a_flag_wins() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let (llama, gpt) = (tiny("llama"), tiny("gpt2"));
    fs::write(folder.path().join("limpid.toml"), format!("model = {llama:?}\n")).unwrap();
    let prompt = inner.join("a.txt");
    fs::write(&prompt, "hello").unwrap();
    let prompt = prompt.display().to_string();
    // Neither model has a tokenizer, so the error names the one that was asked.
    assert!(refused(&["inspect", &prompt]).contains("`llama`"));
    assert!(refused(&["inspect", &prompt, "--model", &gpt]).contains("`gpt2`"));
    fs::write(
        inner.join("limpid.toml"),
        format!("[[prompt]]\nfiles = \"*.txt\"\nmodel = {gpt:?}\n"),
    )
    .unwrap();
    assert!(refused(&["inspect", &prompt]).contains("`gpt2`"));
    fs::write(inner.join("limpid.toml"), "modle = \"x\"\n").unwrap();
    let error = text(&limpid(&["inspect", &prompt]).stderr);
    assert!(
        error.contains("limpid.toml: `modle` is no key of limpid; did you mean `model`?"),
        "{error}"
    );
    assert!(error.contains("`llama`"), "{error}");
}
