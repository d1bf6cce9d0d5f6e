//! `limpid effect` and `limpid continue --switch` as a person runs them: the golden effects, budgets, answers, sweeps, fits, switch
//! files, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{golden, limpid, real, refusal, refused, text, tiny};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const PARIS: &str = "The capital of France is";

fn run(command: &str, args: &[&str]) -> std::process::Output {
    let model = real(SMOLLM2).display().to_string();
    limpid(&[&[command, "--model", &model], args].concat())
}

fn effect(args: &[&str]) -> Value {
    let output = run("effect", &[args, &["--format", "json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("limpid-effects-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn the_flags_measure_what_the_golden_files_hold() {
    let golden: Value =
        serde_json::from_slice(&fs::read(golden("smollm2/effects_p4.json")).unwrap()).unwrap();
    let ids: Vec<String> =
        golden["token_ids"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let (ids, target, foil) =
        (ids.join(","), golden["target"].to_string(), golden["foil"].to_string());
    let prompt = ["--token-ids", &ids, "--token", &target, "--foil", &foil];
    let flags = [
        "--knockout",
        "all",
        "--delete",
        "all",
        "--head",
        "all",
        "--head",
        "all@last",
        "--mlp",
        "all",
    ];
    let report = effect(&[&prompt[..], &flags].concat());
    let rows = report["effects"].as_array().unwrap();
    let mut want = Vec::new();
    for key in ["knockout", "delete", "head_zero", "head_zero_last", "mlp_zero"] {
        want.extend(golden[key].as_array().unwrap().clone());
    }
    assert_eq!(rows.len(), want.len());
    for (row, want) in rows.iter().zip(&want) {
        for (at, key) in ["logit", "logprob", "logit_diff", "kl"].into_iter().enumerate() {
            let (got, want) = (row[key].as_f64().unwrap(), want[at].as_f64().unwrap());
            assert!((got - want).abs() < 1e-3, "{}: {key} {got} {want}", row["intervention"]);
        }
        let effect =
            report["clean"]["logit_diff"].as_f64().unwrap() - row["logit_diff"].as_f64().unwrap();
        assert!((row["effect"].as_f64().unwrap() - effect).abs() < 1e-4);
    }
    let neuron = &golden["neuron_set"][0];
    let name = format!("{}.{}={}", neuron["layer"], neuron["neuron"], neuron["value"]);
    let span = effect(&[&prompt[..], &["--span", "0:2", "--neuron", &name]].concat());
    let logit = |row: usize| span["effects"][row]["logit"].as_f64().unwrap();
    assert!((logit(0) - golden["span_knockout"][0]["values"][0].as_f64().unwrap()).abs() < 1e-3);
    assert!((logit(1) - neuron["values"][0].as_f64().unwrap()).abs() < 1e-3);
    assert_eq!(
        span["effects"][0]["intervention"],
        json!({ "kind": "span_knockout", "span": [0, 2] })
    );
}

#[test]
fn a_budget_says_what_was_not_measured_and_rows_come_in_the_order_asked_for() {
    let whole = effect(&["--text", PARIS, "--knockout", "3,0,1,2"]);
    let tokens = |report: &Value| -> Vec<u64> {
        let rows = report["effects"].as_array().unwrap().iter();
        rows.map(|row| row["intervention"]["token"].as_u64().unwrap()).collect()
    };
    assert_eq!(tokens(&whole), [3, 0, 1, 2]);
    assert!(whole.get("unmeasured").is_none());
    let two = effect(&["--text", PARIS, "--knockout", "3,0,1,2", "--budget", "2"]);
    assert_eq!(
        (two["effects"].as_array().unwrap().len(), two["unmeasured"].as_array().unwrap().len()),
        (2, 2)
    );
    // The strongest estimates go first: the first token's and `capital`'s.
    assert_eq!(tokens(&two), [0, 1]);
    let none = run("effect", &["--text", PARIS, "--budget", "0"]);
    let page = text(&none.stdout);
    assert!(page.contains("4 not measured"), "{page}");
    assert!(!page.contains(" 0.00"), "{page}");
}

#[test]
fn parts_are_measured_from_the_outside_in() {
    let prompt = "Translate.\n\nsea => mer\ncheese => fromage\nbread => pain\n\ncheese =>";
    let report = effect(&["--text", prompt, "--floor", "0.3"]);
    let rows = report["effects"].as_array().unwrap();
    let effect_of = |start: u64, end: u64| {
        let part = |row: &&Value| row["part"]["tokens"] == json!({ "start": start, "end": end });
        rows.iter().find(part).map(|row| row["effect"].as_f64().unwrap())
    };
    let mut n_inside = 0;
    for row in rows.iter().filter(|row| row["part"]["depth"] != 0) {
        let own = &row["part"]["tokens"];
        // Whatever was measured lies in a part that matters.
        let around = rows.iter().filter(|other| {
            let other = &other["part"]["tokens"];
            other != own
                && other["start"].as_u64() <= own["start"].as_u64()
                && other["end"].as_u64() >= own["end"].as_u64()
        });
        assert!(
            around.clone().any(|other| other["effect"].as_f64().unwrap().abs() >= 0.3),
            "{row}"
        );
        n_inside += 1;
    }
    assert!(n_inside > 0 && effect_of(0, 1).is_some());
}

#[test]
fn an_answer_is_measured_against_another_one() {
    let flags =
        ["--text", PARIS, "--answer", " Paris", "--foil-answer", " London", "--knockout", "3,1"];
    let report = effect(&flags);
    let single =
        effect(&["--text", PARIS, "--token", " Paris", "--foil", " London", "--knockout", "3,1"]);
    // Both answers are one token: log-probabilities differ as logits do.
    for at in 0..2 {
        let (got, want) = (&report["effects"][at]["effect"], &single["effects"][at]["effect"]);
        assert!((got.as_f64().unwrap() - want.as_f64().unwrap()).abs() < 1e-3, "{got} {want}");
    }
    let model = real(SMOLLM2).display().to_string();
    let error = refused(&[
        "effect",
        "--model",
        &model,
        "--text",
        PARIS,
        "--answer",
        " Paris.",
        "--knockout",
        "5",
    ]);
    assert!(
        error.contains("the answer that is explained; change only tokens before it"),
        "{error}"
    );
}

#[test]
fn a_causal_trace_goes_from_one_prompt_to_the_other() {
    let folder = folder("sweep");
    let other = folder.join("italy.txt");
    fs::write(&other, "The capital of Italy is").unwrap();
    let other = other.display().to_string();
    let flags = ["--text", PARIS, "--sweep", "resid_post", "--from", &other];
    let report = effect(&flags);
    let restored = report["sweep"]["restored"].as_array().unwrap();
    let cell = |layer: usize, at: usize| restored[layer][at].as_f64().unwrap();
    assert_eq!((restored.len(), restored[0].as_array().unwrap().len()), (30, 5));
    // All of the difference is the country's token below, the last position's on top, and nowhere else.
    assert!((cell(0, 3) - 1.0).abs() < 0.05 && cell(0, 4).abs() < 0.05);
    assert!(
        (cell(29, 4) - 1.0).abs() < 1e-3 && cell(29, 3).abs() < 1e-6 && cell(5, 1).abs() < 1e-6
    );
    let page = text(&run("effect", &flags).stdout);
    assert!(
        page.contains("L0  · · · ██· ") && page.contains("·France") && page.contains("← ·Italy"),
        "{page}"
    );
    let back = effect(&[
        "--text",
        "The capital of Italy is",
        "--token",
        " Paris",
        "--sweep",
        "mlp_out",
        "--from",
        &other,
    ]);
    // Both directions are possible; of the same prompt there is no way to go.
    assert!(back["sweep"]["restored"][0][0].is_null());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn parts_that_work_together_are_fitted_and_the_fit_says_how_good_it_is() {
    let prompt = "red -> colour\ncircle -> shape\nviolin -> instrument\nblue ->";
    let report = effect(&["--text", prompt, "--subsets", "40"]);
    let fit = &report["subsets"];
    assert_eq!((fit["parts"].as_array().unwrap().len(), &fit["n_held_out"]), (4, &json!(3)));
    assert!(fit["r2"].is_number() && fit["spearman"].is_number(), "{fit}");
    assert_eq!(effect(&["--text", prompt, "--subsets", "40"])["subsets"], *fit);
}

#[test]
fn switches_are_written_with_and_without_and_kept_by_name() {
    let folder = folder("switches");
    let prompt = folder.join("capital.prompt");
    fs::write(&prompt, PARIS).unwrap();
    let prompt = prompt.display().to_string();
    let both = ["--max-tokens", "3", "--switch", "head 23.4", "--switch", "L2N1292=10"];
    let save =
        [&[prompt.as_str()], &both[..], &["--save-switches", "two", "--format", "json"]].concat();
    let output = run("continue", &save);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["unchanged"]["tokens"][0]["text"], " Paris");
    let kept = fs::read_to_string(folder.join("capital.prompt.switches.toml")).unwrap();
    assert!(kept.contains("name = \"two\"") && kept.contains("\"neuron 2.1292=10\""), "{kept}");
    let named = [prompt.as_str(), "--max-tokens", "3", "--switch", "two", "--format", "json"];
    let again: Value = serde_json::from_slice(&run("continue", &named).stdout).unwrap();
    assert_eq!((&again["tokens"], &again["switches"]), (&answer["tokens"], &answer["switches"]));
    let page = text(&run("continue", &named[..5]).stdout);
    assert!(page.contains("≠") && page.contains("first difference at token"), "{page}");

    let twice = refusal("twice", &run("continue", &save));
    assert!(twice.contains("there is a set `two` already"), "{twice}");
    let unknown = refusal("unknown", &run("continue", &[&prompt, "--switch", "three"]));
    assert!(
        unknown.contains("`three` is no intervention") && unknown.contains("there are `two`"),
        "{unknown}"
    );
    let other = tiny("llama");
    let other =
        limpid(&["continue", &prompt, "--model", &other, "--token-ids", "1,2", "--switch", "two"]);
    assert!(!other.status.success());
    fs::write(
        folder.join("capital.prompt.switches.toml"),
        "model = \"x\"\n[[set]]\nname = \"two\"\nswitches = [\"mlp 3\"]",
    )
    .unwrap();
    let wrong = refusal("another model", &run("continue", &[&prompt, "--switch", "two"]));
    assert!(wrong.contains("switches are of the model `x`"), "{wrong}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_inspection_says_score_and_effect_side_by_side() {
    let output = run("inspect", &["--text", PARIS, "--effects", "200", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let attribution = &found["attribution"];
    assert_eq!(attribution["effects"].as_array().unwrap().len(), 5);
    assert!(
        attribution["effects"][3].as_f64().unwrap() > 5.0 && attribution["effects"][4].is_null()
    );
    assert_eq!(attribution["disagreements"][3], "sign");
    assert!(found["heads"].as_array().unwrap().iter().all(|row| row["effect"].is_number()));
    let few = run("inspect", &["--text", PARIS, "--effects", "3"]);
    let page = text(&few.stdout);
    assert!(page.contains("effect (? not measured)") && page.contains(" ? "), "{page}");
}

#[test]
fn what_cannot_be_done_is_said_by_name_and_place() {
    let folder = folder("bad");
    let spec = folder.join("spec.json");
    let model = real(SMOLLM2).display().to_string();
    let of = |flags: &[&str]| {
        refused(&[&["effect", "--model", model.as_str(), "--text", PARIS], flags].concat())
    };
    for (flags, says) in [
        (
            &["--head", "30.0"][..],
            "intervention 0 (head 30.0): layer 30 is out of range; the model has layers 0 to 29",
        ),
        (&["--mlp", "1", "--head", "3.9"], "head 9 is out of range; the layer has heads 0 to 8"),
        (&["--neuron", "2.1536"], "the layer has neurons 0 to 1535"),
        (&["--neuron", "2.1=inf"], "values are finite numbers"),
        (&["--knockout", "5"], "the end of the prompt"),
        (&["--span", "4:2"], "a span ends behind its start"),
        (&["--edge", "3.2 2<-4"], "position 2 does not see 4"),
        (&["--edge", "3.2 0<-0"], "that edge cannot be masked"),
        (&["--head", "all", "--sweep", "resid_post", "--from", "x"], "give one of them, alone"),
        (&["--floor", "nan"], "--floor"),
        (&["--token", ""], "token"),
    ] {
        let error = of(flags);
        assert!(error.contains(says), "{flags:?}: {error}");
    }
    let spec_name = spec.display().to_string();
    for (text, says) in [
        ("[\"head 3.1\"", "EOF"),
        ("[{\"kind\": \"head_zero\", \"layer\": 3}]", "`head_zero` needs `head`"),
        (
            "[{\"kind\": \"mlp_zero\", \"layer\": 3, \"head\": 1}]",
            "`head` has no part in `mlp_zero`",
        ),
        (
            "[[\"delete 0\",\"delete 1\",\"delete 2\",\"delete 3\",\"delete 4\"]]",
            "every token is deleted",
        ),
        ("[{\"kind\": \"direction_add\", \"layer\": 3, \"values\": [1]}]", "it takes 576"),
        (
            "[{\"kind\": \"patch\", \"layer\": 3, \"hook\": \"z\", \"from\": {\"text\": \"one two\"}}]",
            "make them as many",
        ),
        (
            "[{\"kind\": \"patch\", \"layer\": 3, \"hook\": \"zz\", \"from\": {\"text\": \"x\"}}]",
            "no hook `zz`",
        ),
        ("[]", "the list is empty"),
    ] {
        fs::write(&spec, text).unwrap();
        let error = of(&["--spec", &spec_name]);
        assert!(error.contains(says), "{text}: {error}");
    }
    // A run that overflows is an error of its own; its neighbour is measured.
    fs::write(&spec, "[{\"kind\": \"mlp_scale\", \"layer\": 3, \"value\": 1e38}, \"mlp 4\"]")
        .unwrap();
    let report = effect(&["--text", PARIS, "--spec", &spec_name]);
    assert!(report["effects"][0]["error"].as_str().unwrap().contains("overflow"));
    assert!(report["effects"][0]["effect"].is_null() && report["effects"][1]["effect"].is_number());
    fs::remove_dir_all(folder).unwrap();
}
