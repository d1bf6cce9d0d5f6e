//! `limpid/compare` on tiny models: a foil, another model, the prompt as it was, runs that fail; what stops it.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use limpid_engine::{
    device::Compute,
    memory::MemoryBudget,
    model_store::{ModelStore, StoreSettings},
};
use limpid_server::EngineAnalyst;
use serde_json::{Map, Value, json};
use std::{path::Path, sync::Arc};

const URI: &str = "file:///letters.prompt";
const TEXT: &str = "abc de.\nfgh ij.\nkl";

/// A tiny model with a tokenizer that makes a token of every letter, and of `pair` instead of `~`; the letter number `first` has id 0.
fn letters(family: &str, first: usize, pair: Option<[&str; 2]>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = format!("{}/../../tests/golden/tiny/{family}", env!("CARGO_MANIFEST_DIR"));
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(Path::new(&from).join(file), folder.path().join(file)).unwrap();
    }
    let mut letters: Vec<String> =
        ('!'..='~').chain(['Ġ', 'Ċ']).map(|letter| letter.to_string()).collect();
    if let Some(pair) = pair {
        letters[93] = pair.concat();
    }
    letters.rotate_left(first);
    let vocab: Map<String, Value> =
        letters.into_iter().enumerate().map(|(id, letter)| (letter, json!(id))).collect();
    let bytes = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "pre_tokenizer": bytes, "decoder": bytes,
        "model": { "type": "BPE", "vocab": vocab, "merges": pair.map_or(vec![], |[a, b]| vec![format!("{a} {b}")]) },
    });
    std::fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    folder
}

fn name(folder: &tempfile::TempDir) -> String {
    folder.path().display().to_string()
}

/// A client of the real engine with the first of these as its model, loaded, and the prompt open.
async fn opened(model: &tempfile::TempDir, budget: u64) -> LspClient {
    let store = ModelStore::new(StoreSettings::from_env());
    let analyst = EngineAnalyst::new(store, Compute::cpu(), MemoryBudget(budget), name(model));
    let (mut client, _) = LspClient::start(Arc::new(analyst), json!({})).await;
    client.ask("limpid/models", json!({ "action": "load" })).await.unwrap();
    client.open(URI, TEXT).await;
    client
}

fn subject(version: i32) -> Value {
    json!({ "prompt": { "uri": URI, "version": version } })
}

async fn compared(client: &mut LspClient, with: Value) -> Value {
    let params = json!({ "subject": subject(1), "with": with });
    client.ask("limpid/compare", params).await.unwrap()["view"].clone()
}

fn column<'a>(view: &'a Value, run: usize, field: &str) -> Vec<&'a Value> {
    let rows = view["rows"].as_array().unwrap().iter();
    rows.map(|row| &row["cells"][run])
        .filter(|cell| !cell.is_null())
        .map(|cell| &cell[field])
        .collect()
}

/// The cells of a run are what `limpid/parts` says of its analysis.
async fn check_cells(client: &mut LspClient, view: &Value, run: usize) {
    let params =
        json!({ "subject": { "analysis": view["runs"][run]["analysis"] }, "by": view["by"] });
    let parts = client.ask("limpid/parts", params).await.unwrap()["view"]["parts"].clone();
    for field in ["attribution", "flow", "tokens"] {
        let own: Vec<&Value> = parts.as_array().unwrap().iter().map(|part| &part[field]).collect();
        assert_eq!(column(view, run, field), own, "run {run}");
    }
    let shares: f64 =
        column(view, run, "share").into_iter().map(|share| share.as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-5, "run {run}: {shares}");
}

#[tokio::test]
async fn a_foil_and_another_model_explain_the_same_token() {
    let (own, other) = (letters("llama", 0, None), letters("gpt2", 7, None));
    let mut client = opened(&own, 1 << 30).await;
    let top = client.ask("limpid/tokens", json!({ "subject": subject(1) })).await.unwrap();
    let top = top["view"]["target"]["text"].clone();
    let view = compared(&mut client, json!([{ "foil": "z" }, { "model": name(&other) }])).await;
    assert_eq!((&view["by"], &view["unit"]), (&json!("sentence"), &json!("nats")));
    let runs = view["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["target"]["text"] == top && run["problem"].is_null()));
    assert_eq!(runs[1]["target"]["foil"]["text"], "z");
    assert_ne!(runs[0]["target"]["id"], runs[2]["target"]["id"], "numbered otherwise");
    assert!(name(&other).ends_with(runs[2]["model"].as_str().unwrap()));
    assert_eq!(runs[1]["predictions"], runs[0]["predictions"]);
    assert_ne!(runs[1]["value"], runs[0]["value"]);
    let rows = view["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["change"] == "same"));
    assert_eq!(rows[1]["text"], "fgh ij.");
    for run in 0..3 {
        check_cells(&mut client, &view, run).await;
    }
    client.leave().await;
}

#[tokio::test]
async fn a_place_of_the_text_is_found_by_another_model_and_a_token_it_lacks_is_not() {
    let (own, other) = (letters("llama", 0, Some(["d", "e"])), letters("gpt2", 7, None));
    let mut client = opened(&own, 1 << 30).await;
    let target = json!({ "position": 8, "token": "de" });
    let subject = json!({ "prompt": subject(1)["prompt"], "target": target });
    let with = json!([{ "model": name(&other) }]);
    let params = json!({ "subject": subject, "with": with, "by": "line" });
    let view = client.ask("limpid/compare", params).await.unwrap()["view"].clone();
    let [one, two] = [0, 1].map(|run| &view["runs"][run]["target"]);
    assert_eq!((&one["text"], &two["position"]), (&json!("de"), &json!(9)), "behind `g`: {two}");
    assert_eq!(two["text"].as_str().unwrap().chars().count(), 1);
    // An answer is found too; a foil that the other model has no token for is told.
    let target = json!({ "answer": { "start": 7, "end": 9 } });
    let subject = json!({ "prompt": subject["prompt"], "target": target });
    let params = json!({ "subject": subject, "with": with });
    let view = client.ask("limpid/compare", params).await.unwrap()["view"].clone();
    let answer = &view["runs"][1]["target"]["answer"];
    assert_eq!((&answer["start"], &answer["end"]), (&json!(8), &json!(10)), "{view}");
    let subject = json!({ "prompt": subject["prompt"], "foil": "de" });
    let params = json!({ "subject": subject, "with": [with[0], { "foil": "z" }] });
    let view = client.ask("limpid/compare", params).await.unwrap()["view"].clone();
    let problem = view["runs"][1]["problem"].as_str().unwrap();
    assert!(problem.contains("\"de\" is 2 tokens"), "{problem}");
    assert_eq!(view["runs"][2]["target"]["foil"]["text"], "z");
    client.leave().await;
}

#[tokio::test]
async fn the_prompt_as_it_was_is_compared_part_by_part() {
    let own = letters("llama", 0, None);
    let mut client = opened(&own, 1 << 30).await;
    let then = client.ask("limpid/tokens", json!({ "subject": subject(1) })).await.unwrap();
    client.replace_all(URI, 2, "abc de.\nQQQ ij.\nMn.\nkl").await;
    let with = json!([{ "analysis": then["analysis"] }, { "analysis": "a0" }]);
    let params = json!({ "subject": subject(2), "with": with });
    let answer = client.ask("limpid/compare", params).await.unwrap();
    assert_eq!(answer["version"], 2);
    let view = &answer["view"];
    assert_eq!(view["runs"][1]["analysis"], then["analysis"]);
    assert_eq!(view["runs"][1]["target"], then["view"]["target"]);
    let rows: Vec<String> = view["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["text"].as_str().unwrap(), row["change"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, ["abc de. same", "QQQ ij. changed", "Mn. removed", "kl same"]);
    assert_eq!(view["rows"][2]["cells"][1], Value::Null);
    let problem = view["runs"][2]["problem"].as_str().unwrap();
    assert!(problem.contains("`a0` is no longer kept"), "{problem}");
    assert_eq!(view["runs"][2]["analysis"], Value::Null);
    check_cells(&mut client, view, 0).await;
    client.leave().await;
}

#[tokio::test]
async fn a_run_that_fails_says_why_and_the_others_stand() {
    let (own, other) = (letters("llama", 0, None), letters("gpt2", 0, None));
    let budget = std::fs::metadata(own.path().join("model.safetensors")).unwrap().len() * 2;
    let mut client = opened(&own, budget).await;
    let long = "a".repeat(60);
    client.open("file:///long.prompt", &long).await;
    let long = json!({ "uri": "file:///long.prompt", "version": 1 });
    let with = json!([
        { "model": "nobody/knows" },
        { "prompt": { "uri": "file:///closed.prompt", "version": 1 } },
        { "prompt": long },
        { "target": { "token": "not a token" } },
        { "prompt": long, "model": name(&other) },
    ]);
    let view = compared(&mut client, with).await;
    let told = client.told("window/showMessage").await["params"]["message"].clone();
    let problem = |run: usize| view["runs"][run]["problem"].as_str().unwrap_or("none").to_owned();
    assert!(problem(1).contains("nobody/knows"), "{}", problem(1));
    assert_eq!(told, problem(1));
    assert!(problem(2).contains("is not open"), "{}", problem(2));
    assert_eq!(problem(3), "none");
    assert!(problem(4).contains("tokens"), "{}", problem(4));
    assert!(problem(5).contains("context window"), "{}", problem(5));
    for run in [0, 3] {
        assert_eq!(view["runs"][run]["n_tokens"].as_u64().unwrap(), if run == 0 { 18 } else { 60 });
    }
    for run in [1, 2, 4, 5] {
        assert_eq!(column(&view, run, "share").len(), 0);
        assert_eq!(view["runs"][run]["predictions"], json!([]));
    }
    client.leave_unread().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_first_run_or_the_list_is_the_errors() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, "The LONG way").await;
    let ask = |with: Value| json!({ "subject": subject(1), "with": with });
    for (with, says) in [
        (json!([]), "`with` names 0 runs; name 1 to 16"),
        (json!([{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}]), "names 17"),
        (json!([{}]), "8,192"),
    ] {
        let error = client.ask("limpid/compare", ask(with)).await.unwrap_err();
        let message = error["message"].as_str().unwrap().to_owned();
        assert!(message.contains(says) || message.contains("8192"), "{message}");
    }
    client.leave().await;
}

#[tokio::test]
async fn cancelling_an_edit_and_a_newer_comparison_stop_it() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, "The capital").await;
    client.open("file:///b.prompt", "BLOCK").await;
    let with = json!([{ "prompt": { "uri": "file:///b.prompt", "version": 1 } }]);
    let params = json!({ "subject": subject(1), "with": with });
    let first = client.request("limpid/compare", params.clone()).await;
    client.notify("$/cancelRequest", json!({ "id": first })).await;
    assert_eq!(client.answer(first).await.unwrap_err()["code"], -32800);
    let older = client.request("limpid/compare", params.clone()).await;
    let newer = client.request("limpid/compare", params).await;
    assert_eq!(client.answer(older).await.unwrap_err()["data"]["kind"], "cancelled");
    client.replace_all(URI, 2, "The").await;
    assert_eq!(client.answer(newer).await.unwrap_err()["data"]["kind"], "stale-version");
    client.leave().await;
}
