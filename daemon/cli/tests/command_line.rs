//! The binary as a person calls it, on tiny models: answers on standard output, one clear sentence on standard error, exit codes.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Command, Output},
};

fn golden(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(path)
}

fn limpid(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_limpid"))
        .args(args)
        .env("LIMPID_HOME", std::env::temp_dir().join("limpid-no-models"))
        .env("LIMPID_OFFLINE", "1")
        .env_remove("LIMPID_MODEL")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that must fail with exit code 1, one line on standard error and nothing on standard output.
fn refused(args: &[&str]) -> String {
    let output = limpid(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert_eq!(error.trim_end().lines().count(), 1, "{args:?}: {error}");
    error
}

fn model(family: &str) -> String {
    golden(&format!("tiny/{family}")).display().to_string()
}

#[test]
fn inspect_prints_one_object_with_every_part() {
    for family in ["llama", "gpt2", "gemma3_text"] {
        let model = model(family);
        let args = [
            "inspect",
            "--model",
            &model,
            "--token-ids",
            "5,17,5,40,3",
            "--format",
            "json",
            "--top",
            "all",
            "--lens",
            "--timings",
            "--foil",
            "7",
            "--token",
            "9",
            "--attribution",
            "atp,atp_true,flow,logit_attribution,gradient_x_input_linear,atp_linear",
        ];
        let output = limpid(&args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let inspection: Value = serde_json::from_slice(&output.stdout).unwrap();
        let n_layers = inspection["model"]["n_layers"].as_u64().unwrap() as usize;
        assert_eq!(inspection["tokens"].as_array().unwrap().len(), 5);
        assert_eq!(inspection["predictions"].as_array().unwrap().len(), 10);
        assert_eq!(inspection["lens"].as_array().unwrap().len(), n_layers + 1);
        assert_eq!(inspection["heads"].as_array().unwrap().len(), n_layers * 4);
        assert_eq!(inspection["attribution"]["objective"], "logit_diff");
        assert_eq!(inspection["attribution"]["others"].as_object().unwrap().len(), 6);
        let shown = inspection["routes"]["shown"].as_f64().unwrap();
        assert!((0.9..=1.0001).contains(&shown), "{shown}");
        for edge in inspection["routes"]["edges"].as_array().unwrap() {
            let to = &inspection["routes"]["nodes"][edge["to"].as_u64().unwrap() as usize];
            if edge["kind"] != "mlp_in" {
                let flow = to["flow"].as_f64().unwrap() * edge["contribution"].as_f64().unwrap();
                assert!((flow - edge["flow"].as_f64().unwrap()).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn trace_writes_the_golden_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("trace.safetensors");
    let (model, path) = (model("llama"), out.display().to_string());
    let args = ["trace", "--model", &model, "--token-ids", "5,17,5", "--out", &path];
    assert!(limpid(&[&args[..], &["--hooks", "*"]].concat()).status.success());
    let bytes = std::fs::read(&out).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (name, shape) in [
        ("logits", vec![3, 96]),
        ("blocks.0.hook_resid_pre", vec![3, 32]),
        ("blocks.1.attn.hook_q", vec![3, 4, 8]),
        ("blocks.1.attn.hook_k", vec![3, 2, 8]),
        ("blocks.2.attn.hook_pattern", vec![4, 3, 3]),
        ("blocks.2.mlp.hook_pre_linear", vec![3, 64]),
        ("blocks.0.contribution.attn", vec![3, 3, 4]),
        ("blocks.0.contribution.mlp_resid", vec![3]),
    ] {
        assert_eq!(tensors.tensor(name).unwrap().shape(), shape, "{name}");
    }
    assert!(limpid(&args).status.success());
    let bytes = std::fs::read(&out).unwrap();
    let linear = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert!(linear.tensor("blocks.0.attn.hook_pattern").is_err());
    let error = refused(&[&args[..], &["--hooks", "blocks.9.hook_q"]].concat());
    assert!(error.contains("layers are 0 to 2"), "{error}");
}

#[test]
fn dot_is_a_graph() {
    let model = model("gpt2");
    let output = limpid(&["inspect", "--model", &model, "--token-ids", "1,2,3", "--format", "dot"]);
    let dot = text(&output.stdout);
    assert!(dot.starts_with("digraph routes {") && dot.ends_with("}\n"), "{dot}");
}

#[test]
fn bad_requests_say_what_and_where() {
    let llama = model("llama");
    let on = |args: &[&str]| refused(&[&["inspect", "--model", &llama], args].concat());
    for (args, says) in [
        (
            &["--token-ids", "1,2,96"][..],
            "token id 96 at index 2 is out of range; the model has ids 0 to 95",
        ),
        (&["--token-ids", ""], "the prompt is empty"),
        (&["--token-ids", "1,x"], "`x` is not a token id"),
        (&["--token-ids", "1,2", "--target", "2"], "positions 0 to 1"),
        (&["--token-ids", "1,2", "--token", "96"], "ids 0 to 95"),
        (&["--token-ids", "1,2", "--token", "4", "--foil", "4"], "same token"),
        (&["--token-ids", "1,2", "--prune", "mass=2"], "mass=SHARE"),
        (&["--token-ids", "1,2", "--attribution", "magic"], "methods are atp"),
        (&["--token-ids", "1,2", "--objective", "logit_diff"], "needs a foil"),
        (&["--text", "hello"], "no tokenizer.json"),
        (&["--token-ids", "1", "--device", "tpu"], "cpu, cuda and metal"),
        (&["--token-ids", "1", "--memory-budget", "much"], "not a size"),
        (&[], "no prompt"),
    ] {
        let error = on(args);
        assert!(error.contains(says), "{args:?}: {error}");
    }
    let many = vec!["1"; 65].join(",");
    assert!(on(&["--token-ids", &many]).contains("65 tokens; the model's context window is 64"));
    assert!(
        refused(&["inspect", "--model", "nobody-knows", "--text", "x"]).contains("nobody-knows")
    );
    assert!(refused(&["inspect", "--text", "x"]).contains("switched off"));
}

#[test]
fn malformed_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let config = std::fs::read(golden("tiny/llama/config.json")).unwrap();
    let weights = std::fs::read(golden("tiny/llama/model.safetensors")).unwrap();
    let path = folder.path().display().to_string();
    let inspect = || refused(&["inspect", "--model", &path, "--token-ids", "1,2"]);
    assert!(inspect().contains("config.json"));
    copy("config.json", b"{");
    assert!(inspect().contains("json"));
    copy("config.json", &config);
    assert!(inspect().contains("model.safetensors"));
    for cut in [0, 7, 100, weights.len() - 1] {
        copy("model.safetensors", &weights[..cut]);
        assert!(inspect().contains("header"), "{cut}");
    }
    copy("model.safetensors", &weights);
    let other = String::from_utf8(config).unwrap();
    copy("config.json", other.replace("\"llama\"", "\"mamba\"").as_bytes());
    assert!(inspect().contains("`mamba` is not supported; supported: llama"));
    copy(
        "config.json",
        other.replace("\"intermediate_size\": 64", "\"intermediate_size\": 65").as_bytes(),
    );
    assert!(inspect().contains("has shape"));
    copy("broken.gguf", b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f");
    let gguf = folder.path().join("broken.gguf").display().to_string();
    assert!(refused(&["inspect", "--model", &gguf, "--token-ids", "1"]).contains("tensor count"));
    copy("prompt.txt", b"caf\xe9");
    let prompt = folder.path().join("prompt.txt").display().to_string();
    assert!(refused(&["inspect", &prompt, "--model", &path]).contains("byte 3 is not UTF-8"));
}

#[test]
fn usage_is_exit_code_two() {
    assert_eq!(limpid(&["inspect", "--no-such-flag"]).status.code(), Some(2));
    assert_eq!(limpid(&[]).status.code(), Some(2));
    assert_eq!(limpid(&["--help"]).status.code(), Some(0));
    assert!(text(&limpid(&["completions", "bash"]).stdout).contains("limpid"));
}
