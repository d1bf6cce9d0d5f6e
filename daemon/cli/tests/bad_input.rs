//! Bad input of every kind: one clear sentence that names the file, field or range and what to do, exit code 1, nothing on
//! standard output, nothing half-written.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{command, golden, limpid, real, refusal, refused, text, tiny};
use std::{path::Path, process::Stdio};

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

#[test]
fn requests_out_of_range_say_what_and_where() {
    let llama = tiny("llama");
    let on = |args: &[&str]| refused(&[&["inspect", "--model", &llama], args].concat());
    for (args, says) in [
        (
            &["--token-ids", "1,2,96"][..],
            "token id 96 at index 2 is out of range; the model has ids 0 to 95",
        ),
        (&["--token-ids", "4294967295"], "token id 4294967295 at index 0"),
        (&["--token-ids", ""], "--token-ids: the prompt is empty"),
        (&["--token-ids", " , "], "--token-ids: the prompt is empty"),
        (&["--token-ids", "1,x"], "--token-ids: `x` is not a token id; write whole numbers"),
        (&["--token-ids", "-1"], "`-1` is not a token id"),
        (&["--token-ids", "99999999999999999999"], "`99999999999999999999` is not a token id"),
        (
            &["--token-ids", "1,2", "--target", "2"],
            "--target `2` is out of range; the prompt has positions 0 to 1",
        ),
        (&["--token-ids", "1,2", "--target", "-1"], "--target `-1` is out of range"),
        (&["--token-ids", "1,2", "--target", "99999999999999999999"], "positions 0 to 1"),
        (&["--token-ids", "1,2", "--target", "last"], "positions 0 to 1"),
        (
            &["--token-ids", "1,2", "--token", "96"],
            "token id 96 is out of range; the model has ids 0 to 95",
        ),
        (&["--token-ids", "1,2", "--token", "99999999999"], "token id 99999999999 is out of range"),
        (&["--token-ids", "1,2", "--foil", "96"], "ids 0 to 95"),
        (&["--token-ids", "1,2", "--token", "4", "--foil", "4"], "same token"),
        (&["--token-ids", "1,2", "--prune", "mass=2"], "mass=SHARE"),
        (&["--token-ids", "1,2", "--prune", "mass=nan"], "mass=SHARE"),
        (&["--token-ids", "1,2", "--prune", "lmtt=-1"], "lmtt=TAU"),
        (&["--token-ids", "1,2", "--attribution", "magic"], "methods are atp"),
        (&["--token-ids", "1,2", "--objective", "logit_diff"], "needs a foil"),
        (&["--token-ids", "1,2", "--top", "-1"], "--top: `-1`"),
        (&["--text", "hello"], "no tokenizer.json"),
        (&["--token-ids", "1", "--device", "tpu"], "cpu, cuda and metal"),
        (&["--token-ids", "1", "--dtype", "f8"], "f32 and f64"),
        (&["--token-ids", "1", "--memory-budget", "much"], "not a size"),
        (
            &["--token-ids", "1,2", "--memory-budget", "0"],
            "needs 1536 bytes; the memory budget leaves 0 bytes; raise the budget",
        ),
        (
            &["--token-ids", "1,2", "--answer-range", "0:2"],
            "answer 0:2 is out of range; it starts at token 1 or later",
        ),
        (&["--token-ids", "1,2", "--answer-range", "1:3"], "at most at 2, the end of the prompt"),
        (&["--token-ids", "1,2", "--answer-range", "1"], "--answer-range: `1` is no range"),
        (&["--token-ids", "1,2", "--answer", ""], "--answer: the answer is empty"),
        (&["--token-ids", "1,2", "--answer", "x"], "no tokenizer.json"),
        (&["--token-ids", "1,2", "--foil-answer", "x"], "--foil-answer needs an answer"),
        (&[], "there is no prompt; give a FILE, --text or --token-ids"),
    ] {
        let error = on(args);
        assert!(error.contains(says), "{args:?}: {error}");
    }
    let many = vec!["1"; 65].join(",");
    let error = on(&["--token-ids", &many]);
    assert!(
        error.contains("the prompt is 65 tokens; the model's context window is 64; shorten"),
        "{error}"
    );
    for family in ["llama", "gpt2", "gemma3_text"] {
        let one = limpid(&[
            "inspect",
            "--model",
            &tiny(family),
            "--token-ids",
            "5",
            "--lens",
            "--top",
            "all",
        ]);
        assert!(one.status.success(), "one token: {}", text(&one.stderr));
    }
}

#[test]
fn continuations_out_of_range_say_what_and_where() {
    let llama = tiny("llama");
    for (args, says) in [
        (&["--max-tokens", "0"][..], "`max_tokens` is 0; it is from 1 to 64"),
        (&["--max-tokens", "65"], "`max_tokens` is 65; it is from 1 to 64"),
        (&["--temperature", "-1"], "`temperature` is -1; it is a number from 0"),
        (&["--temperature", "nan"], "`temperature` is NaN"),
        (&["--top-k", "0"], "`top_k` is 0"),
        (&["--top-p", "1.5"], "`top_p` is 1.5; it is above 0 and at most 1"),
        (&["--stop", ""], "`stop` has a string of 0 bytes"),
        (&["--stop", "x"], "no tokenizer.json"),
        (&["--token", "5"], "--token has no part in a continuation"),
        (&["--memory-budget", "3000"], "a continuation of 2 tokens by 32 needs"),
    ] {
        let prompt = ["continue", "--model", &llama, "--token-ids", "1,2"];
        let error = refused(&[&prompt[..], args].concat());
        assert!(error.contains(says), "{args:?}: {error}");
    }
}

#[test]
fn prompts_that_are_no_text_are_refused_before_a_model_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let nowhere = folder.path().join("nowhere.txt").display().to_string();
    let folder_itself = folder.path().display().to_string();
    for (args, says) in [
        (vec![file("empty", b"")], "empty: the prompt is empty"),
        (vec![file("break", b"\r\n")], "break: the prompt is empty"),
        (vec![file("latin", b"caf\xe9")], "latin: byte 3 is not UTF-8; save the file as UTF-8"),
        (vec![file("surrogate", b"a\xed\xa0\xbdb")], "surrogate: byte 1 is not UTF-8"),
        (vec![file("utf16", b"\xff\xfeh\0i\0")], "utf16: byte 0 is not UTF-8"),
        (vec![file("large", &vec![b'x'; (16 << 20) + 1])], "large: is longer than 16777216 bytes"),
        (vec![nowhere], "nowhere.txt: cannot be read"),
        (vec![folder_itself], "cannot be read"),
        (vec![file("one", b"a"), "--range".into(), "1:1-1:1".into()], "one: the prompt is empty"),
        (
            vec![file("two", b"a"), "--range".into(), "9:1-9:2".into()],
            "two: line 9 is out of range",
        ),
        (vec![file("three", b"a"), "--range".into(), "1".into()], "not of the form L:C-L:C"),
        (vec!["--text".into(), String::new()], "--text: the prompt is empty"),
    ] {
        let args: Vec<&str> =
            ["inspect"].into_iter().chain(args.iter().map(String::as_str)).collect();
        let error = refused(&args);
        assert!(error.contains(says), "{args:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn arguments_and_devices_that_are_no_text_are_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    for bytes in [&b"caf\xe9"[..], b"caf\xed\xa0\xbd"] {
        let mut run = command();
        let output =
            run.args(["inspect", "--text"]).arg(OsStr::from_bytes(bytes)).output().unwrap();
        let error = refusal("--text", &output);
        assert!(error.contains("argument 3: byte 3 is not UTF-8"), "{error}");
    }
    let error = refused(&["inspect", "/dev/zero"]);
    assert!(error.contains("/dev/zero: is longer than 16777216 bytes"), "{error}");
    let out = folder_with_nothing_left(|path| {
        refused(&[
            "trace",
            "--model",
            &tiny("llama"),
            "--token-ids",
            "1",
            "--out",
            &format!("{path}/no/x"),
        ])
    });
    assert!(out.contains("create it first"), "{out}");
    // Never replaced by a file, even by a user who might.
    let out =
        refused(&["trace", "--model", &tiny("llama"), "--token-ids", "1", "--out", "/dev/null"]);
    assert!(out.contains("/dev/null: is no regular file"), "{out}");
}

/// Runs something with an empty folder, which must be empty again afterwards.
fn folder_with_nothing_left(run: impl Fn(&str) -> String) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = run(&folder.path().display().to_string());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written");
    out
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let shell =
        |script: String| std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let binary = env!("CARGO_BIN_EXE_limpid");
    let llama = tiny("llama");

    for format in ["text", "json", "dot"] {
        let output = shell(format!(
            "'{binary}' inspect --model '{llama}' --token-ids 1,2 --format {format} >/dev/full"
        ));
        let error = refusal(format, &output);
        assert!(error.contains("standard output cannot be written: No space left"), "{error}");
    }
    let error = folder_with_nothing_left(|path| {
        // A limit on the size of files stands in for a full disk; its signal is ignored, so that writing fails.
        let output = shell(format!(
            "trap '' XFSZ; ulimit -f 1; '{binary}' trace --model '{llama}' --token-ids 1,2 --out '{path}/x'"
        ));
        refusal("trace", &output)
    });
    assert!(
        error.contains("/x: cannot write 15448 bytes") && error.contains("is the disk full?"),
        "{error}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut run = command();
    let mut child = run
        .args([
            "inspect",
            "--model",
            &tiny("llama"),
            "--token-ids",
            "1,2",
            "--format",
            "json",
            "--top",
            "all",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn models_that_are_not_there_are_named_with_what_is() {
    for (name, says) in [
        ("nobody-knows", "no model `nobody-knows`: it is no file or folder"),
        ("gema-3-270m", "did you mean gemma-3-270m?"),
        ("SmolLM2-135M", "did you mean SmolLM2-135M-Instruct?"),
        ("", "no model ``"),
        ("a\nb\u{1b}[31m", "no model `a\\nb\\u{1b}[31m`"),
        ("./nowhere", "there is no such file or folder"),
        ("nowhere.gguf", "there is no such file or folder"),
        ("owner/model", "network is switched off by HF_HUB_OFFLINE or LIMPID_OFFLINE; unset it"),
        ("smollm2", "network is switched off by HF_HUB_OFFLINE or LIMPID_OFFLINE; unset it"),
    ] {
        for args in [
            &["inspect", "--text", "x", "--model", name][..],
            &["models", "show", name],
            &["models", "pull", name],
        ] {
            let error = refused(args);
            assert!(error.contains(says), "{args:?}: {error}");
        }
    }
    assert!(refused(&["models", "rm", "../../etc"]).contains("is not in"));
    assert!(refused(&["inspect", "--text", "x"]).contains("cannot fetch `SmolLM2-135M-Instruct`"));
    assert!(!std::env::temp_dir().join("limpid-tests-no-home").exists(), "looking creates nothing");
}

#[test]
fn a_home_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("file");
    std::fs::write(&home, "x").unwrap();
    let output = command()
        .args(["models", "pull", "smollm2"])
        .env("LIMPID_HOME", &home)
        .env("HF_ENDPOINT", "http://127.0.0.1:1")
        .env("LIMPID_OFFLINE", "0")
        .output()
        .unwrap();
    let error = refusal("pull", &output);
    assert!(
        error.contains("file/models") && error.contains("set LIMPID_HOME to a folder"),
        "{error}"
    );
}

#[test]
fn malformed_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let config = std::fs::read(golden("tiny/llama/config.json")).unwrap();
    let weights = std::fs::read(golden("tiny/llama/model.safetensors")).unwrap();
    let path = folder.path().display().to_string();
    let inspect = || refused(&["inspect", "--model", &path, "--token-ids", "1,2"]);
    assert!(inspect().contains("config.json: is missing"));
    copy("config.json", b"{");
    assert!(inspect().contains("config.json: json: "));
    copy("config.json", &config);
    assert!(inspect().contains("model.safetensors: is missing"));
    for cut in [0, 7, 100, weights.len() - 1] {
        copy("model.safetensors", &weights[..cut]);
        assert!(inspect().contains("model.safetensors: header: "), "{cut}");
    }
    copy("model.safetensors", &weights);
    let other = String::from_utf8(config).unwrap();
    copy("config.json", other.replace("\"llama\"", "\"mamba\"").as_bytes());
    assert!(inspect().contains("`mamba` is not supported; supported: llama, gpt2, gemma3_text"));
    copy(
        "config.json",
        other.replace("\"intermediate_size\": 64", "\"intermediate_size\": 65").as_bytes(),
    );
    assert!(inspect().contains("has shape [64, 32]; the config says [65, 32]"));
    let gguf = |bytes: &[u8]| {
        copy("broken.gguf", bytes);
        let path = folder.path().join("broken.gguf").display().to_string();
        refused(&["inspect", "--model", &path, "--token-ids", "1"])
    };
    assert!(
        gguf(b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f")
            .contains("broken.gguf: tensor count: ")
    );
    assert!(gguf(b"PK\x03\x04").contains("give a .gguf file, or the folder"));
    assert!(gguf(b"").contains("broken.gguf: magic: needs 4 bytes"));
}

/// Runs `inspect` on a file for the real model; it must be refused for its length.
fn too_long(path: &Path, says: &str) {
    let (model, path) = (real(SMOLLM2).display().to_string(), path.display().to_string());
    for chat in [&[][..], &["--chat"]] {
        let args = [&["inspect", "--model", &model, &path], chat].concat();
        let error = refused(&args);
        assert!(
            error.contains(says) && error.contains("context window is 8192; shorten"),
            "{error}"
        );
    }
}

#[test]
fn a_mebibyte_of_text_is_refused_with_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prompt.txt");
    let words = "The capital of France is Paris and ";
    std::fs::write(&path, &words.repeat((1 << 20) / words.len() + 1)[..1 << 20]).unwrap();
    too_long(&path, "tokens; the model's");
    let error = refused(&[
        "inspect",
        "--model",
        &real(SMOLLM2).display().to_string(),
        &path.display().to_string(),
    ]);
    assert!(error.contains("the prompt is 209715 tokens"), "{error}");
    std::fs::write(&path, "x".repeat(1 << 20)).unwrap();
    too_long(&path, "tokens");
    std::fs::write(&path, words.repeat((10 << 20) / words.len())).unwrap();
    too_long(&path, "the prompt is at least ");
}

#[test]
fn special_tokens_are_tokens_in_a_prompt_and_text_in_a_message() {
    let model = real(SMOLLM2).display().to_string();
    let ids = |args: &[&str]| -> Vec<(u64, bool)> {
        let args =
            [&["inspect", "--model", &model, "--text", "<|im_end|>", "--format", "json"], args]
                .concat();
        let output = limpid(&args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let inspection: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let tokens = inspection["tokens"].as_array().unwrap();
        tokens
            .iter()
            .map(|token| (token["id"].as_u64().unwrap(), token["start"].is_u64()))
            .collect()
    };
    let plain = ids(&[]);
    assert_eq!(plain, [(2, true)]);
    let chat = ids(&["--chat"]);
    let (special, is_own) = (2, |token: &&(u64, bool)| token.1);
    assert!(chat.iter().filter(is_own).all(|token| token.0 != special), "{chat:?}");
    assert!(chat.contains(&(special, false)), "{chat:?}");
}
