//! The binary as a person calls it, on tiny models: answers on standard output, exit codes. What it refuses is in `bad_input`.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{limpid, real, refused, text, tiny};
use serde_json::Value;

#[test]
fn inspect_prints_one_object_with_every_part() {
    for family in ["llama", "gpt2", "gemma3_text"] {
        let model = tiny(family);
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
    let (model, path) = (tiny("llama"), out.display().to_string());
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
    let model = tiny("gpt2");
    let output = limpid(&["inspect", "--model", &model, "--token-ids", "1,2,3", "--format", "dot"]);
    let dot = text(&output.stdout);
    assert!(dot.starts_with("digraph routes {") && dot.ends_with("}\n"), "{dot}");
}

#[test]
fn usage_is_exit_code_two() {
    assert_eq!(limpid(&["inspect", "--no-such-flag"]).status.code(), Some(2));
    assert_eq!(limpid(&[]).status.code(), Some(2));
    assert_eq!(limpid(&["--help"]).status.code(), Some(0));
    assert!(text(&limpid(&["completions", "bash"]).stdout).contains("limpid"));
}

#[test]
fn continue_prints_text_or_one_object() {
    let model = tiny("llama");
    let args = ["continue", "--model", &model, "--token-ids", "5,17,5", "--max-tokens", "4"];
    let plain = limpid(&args);
    assert!(plain.status.success(), "{}", text(&plain.stderr));
    let output = limpid(&[&args[..], &["--format", "json"]].concat());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tokens = answer["tokens"].as_array().unwrap();
    assert_eq!((tokens.len(), &answer["stopped_by"]), (4, &Value::from("length")));
    let joined: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
    assert_eq!(text(&plain.stdout), format!("{joined}\n"));
    assert_eq!(answer["text"], joined);
    assert!(answer["tokens_per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(answer["model"]["n_layers"], 3);
    let drawn = |seed: &str| {
        let more = ["--temperature", "2", "--top-k", "50", "--top-p", "0.9", "--seed", seed];
        text(&limpid(&[&args[..], &more].concat()).stdout)
    };
    assert_eq!(drawn("1"), drawn("1"));
    assert!((2..9).any(|seed| drawn(&seed.to_string()) != drawn("1")));
}

#[test]
fn an_answer_is_explained_as_one_and_against_another() {
    let model = real("SmolLM2-135M-Instruct.Q4_1.gguf").display().to_string();
    let inspect = |args: &[&str]| -> Value {
        let all = [&["inspect", "--model", &model, "--format", "json"], args].concat();
        let output = limpid(&all);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let prompt = ["--text", "The capital of France is"];
    let own = inspect(&[&prompt[..], &["--answer", " Paris."]].concat());
    let span = &own["target"]["answer"];
    assert_eq!((&span["start"], &span["end"]), (&Value::from(5), &Value::from(7)));
    assert_eq!(own["tokens"][5]["text"], " Paris");
    let sum: f64 = (5..7).map(|at| own["tokens"][at]["logprob"].as_f64().unwrap()).sum();
    let value = own["attribution"]["value"].as_f64().unwrap();
    assert!((value - sum).abs() < 1e-3, "{value} {sum}");
    assert_eq!(own["attribution"]["objective"], "logprob");
    // The same tokens written in the prompt.
    let range = ["--text", "The capital of France is Paris.", "--answer-range", "5:7"];
    assert_eq!(inspect(&range)["attribution"]["scores"], own["attribution"]["scores"]);
    let foil = ["--answer", " Paris.", "--foil-answer", " Rome, of course."];
    let against = inspect(&[&prompt[..], &foil].concat());
    let other = &against["target"]["foil_answer"];
    assert_eq!(other["tokens"][0]["text"], " Rome");
    let difference = sum - other["logprob"].as_f64().unwrap();
    let value = against["attribution"]["value"].as_f64().unwrap();
    assert!((value - difference).abs() < 1e-3 && value > 0.0, "{value} {difference}");
}
