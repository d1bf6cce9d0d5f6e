//! Many clients of one server: they share models and forward passes, take turns, and slow nobody but themselves.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use limpid_server::{ClientSettings, Shared};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

const URI: &str = "file:///france.prompt";

fn of(uri: &str) -> Value {
    json!({ "subject": { "prompt": { "uri": uri, "version": 1 } } })
}

fn at(uri: &str) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 0 } })
}

async fn joined(shared: &Arc<Shared>, text: &str) -> LspClient {
    let mut client = LspClient::join(shared.clone(), ClientSettings::default());
    client.initialize(json!({})).await;
    client.open(URI, text).await;
    client
}

async fn cancel(client: &mut LspClient, id: i64) {
    client.notify("$/cancelRequest", json!({ "id": id })).await;
    assert_eq!(client.answer(id).await.unwrap_err()["code"], -32800);
}

/// Waits until the worker has taken its `n`th first step.
async fn until_running(analyst: &FakeAnalyst, n: usize) {
    while analyst.inspections.load(Ordering::SeqCst) < n {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn clients_share_an_answer_and_keep_their_ids_to_themselves() {
    let analyst = FakeAnalyst::loaded();
    let shared = Shared::start(analyst.clone()).unwrap();
    let (mut one, mut two) =
        (joined(&shared, "The capital").await, joined(&shared, "The capital").await);
    let first = one.ask("limpid/tokens", of(URI)).await.unwrap();
    let follow_up = json!({ "subject": { "analysis": first["analysis"] } });
    let error = two.ask("limpid/tokens", follow_up).await.unwrap_err();
    assert_eq!(error["data"]["kind"], "bad-request", "another client's id is unknown");
    let second = two.ask("limpid/tokens", of(URI)).await.unwrap();
    assert_eq!(first["view"], second["view"]);
    assert_eq!(analyst.inspections.load(Ordering::SeqCst), 1);
    let status = one.ask("limpid/status", json!({})).await.unwrap();
    assert_eq!((&status["clients"], &status["documents"]), (&json!(2), &json!(2)));
    two.leave().await;
    assert_eq!(one.ask("limpid/status", json!({})).await.unwrap()["clients"], 1);
    one.leave().await;
}

#[tokio::test]
async fn cancelling_one_of_two_who_wait_leaves_the_computation_to_the_other() {
    let analyst = FakeAnalyst::loaded();
    let shared = Shared::start(analyst.clone()).unwrap();
    let (mut one, mut two) =
        (joined(&shared, "WAIT here").await, joined(&shared, "WAIT here").await);
    let first = one.request("limpid/tokens", of(URI)).await;
    until_running(&analyst, 1).await;
    let second = two.request("limpid/tokens", of(URI)).await;
    // Answered after the request before it was taken in.
    two.ask("limpid/status", json!({})).await.unwrap();
    cancel(&mut one, first).await;
    analyst.open_gate();
    assert!(two.answer(second).await.is_ok());
    assert_eq!(analyst.inspections.load(Ordering::SeqCst), 1, "nobody computed it twice");
    assert_eq!(analyst.cancelled.load(Ordering::SeqCst), 0);
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn a_client_that_floods_waits_behind_the_others() {
    let analyst = FakeAnalyst::loaded();
    let shared = Shared::start(analyst.clone()).unwrap();
    let mut flood = joined(&shared, "x").await;
    let mut ids = Vec::new();
    for n in 0..60 {
        let uri = format!("file:///{n}.txt");
        flood.open(&uri, &format!("BLOCK {n}")).await;
        ids.push(flood.request("limpid/tokens", of(&uri)).await);
    }
    until_running(&analyst, 1).await;
    let mut other = joined(&shared, "The capital").await;
    let asked = other.request("limpid/tokens", of(URI)).await;
    other.ask("limpid/status", json!({})).await.unwrap();
    cancel(&mut flood, ids[0]).await;
    assert!(other.answer(asked).await.is_ok(), "fifty-nine jobs of the flood still wait");
    for id in ids.into_iter().skip(1).rev() {
        cancel(&mut flood, id).await;
    }
    flood.leave().await;
    other.leave().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_stalls_itself_alone() {
    let shared = Shared::start(FakeAnalyst::loaded()).unwrap();
    let mut deaf = LspClient::join_narrow(shared.clone(), 4096);
    deaf.initialize(json!({})).await;
    deaf.open(URI, &"word ".repeat(2000)).await;
    for _ in 0..20 {
        deaf.request("limpid/routes", of(URI)).await;
        deaf.request("limpid/tokens", of(URI)).await;
    }
    let mut other = joined(&shared, "The capital").await;
    for _ in 0..20 {
        assert!(other.ask("limpid/routes", of(URI)).await.is_ok());
    }
    other.leave().await;
    deaf.vanish().await;
    assert_eq!(shared.clients(), 0);
}

#[tokio::test]
async fn what_a_person_asks_goes_before_what_is_shown_by_itself() {
    let analyst = FakeAnalyst::loaded();
    let shared = Shared::start(analyst.clone()).unwrap();
    let (mut one, mut two) = (joined(&shared, "BLOCK now").await, joined(&shared, "ambient").await);
    let blocked = one.request("limpid/tokens", of(URI)).await;
    until_running(&analyst, 1).await;
    let whole =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let inlay = json!({ "textDocument": { "uri": URI }, "range": whole });
    let ambient = two.request("textDocument/inlayHint", inlay).await;
    two.ask("limpid/status", json!({})).await.unwrap();
    one.open("file:///b.txt", "interactive").await;
    let hover = one.request("textDocument/hover", at("file:///b.txt")).await;
    one.ask("limpid/status", json!({})).await.unwrap();
    cancel(&mut one, blocked).await;
    one.answer(hover).await.unwrap();
    two.answer(ambient).await.unwrap();
    assert_eq!(analyst.order(), ["BLOCK now", "interactive", "ambient"]);
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn a_finished_analysis_is_shown_while_the_worker_computes_for_somebody_else() {
    let analyst = FakeAnalyst::loaded();
    let shared = Shared::start(analyst.clone()).unwrap();
    let (mut one, mut two) = (joined(&shared, "BLOCK").await, joined(&shared, "The capital").await);
    let hover = two.ask("textDocument/hover", at(URI)).await.unwrap();
    let blocked = one.request("limpid/tokens", of(URI)).await;
    until_running(&analyst, 2).await;
    assert_eq!(two.ask("textDocument/hover", at(URI)).await.unwrap(), hover);
    for method in ["limpid/tokens", "limpid/routes", "limpid/attribution"] {
        assert!(two.ask(method, of(URI)).await.is_ok(), "{method}");
    }
    // A card reads a finished analysis: it needs numbers, but no forward pass.
    let head = json!({ "subject": of(URI)["subject"], "layer": 1, "head": 2 });
    assert!(two.ask("limpid/head", head).await.is_ok());
    cancel(&mut one, blocked).await;
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn a_load_is_shown_to_everyone_who_waits_and_its_failure_too() {
    let analyst = Arc::new(FakeAnalyst::default());
    let shared = Shared::start(analyst.clone()).unwrap();
    let (mut one, mut two) = (joined(&shared, "a").await, joined(&shared, "b").await);
    for client in [&mut one, &mut two] {
        let error = client.ask("limpid/tokens", of(URI)).await.unwrap_err();
        assert_eq!(error["data"]["kind"], "model-loading");
        let named =
            json!({ "subject": { "model": "Nobody", "prompt": { "uri": URI, "version": 1 } } });
        assert_eq!(
            client.ask("limpid/tokens", named).await.unwrap_err()["data"]["kind"],
            "model-loading"
        );
    }
    analyst.open_gate();
    for client in [&mut one, &mut two] {
        let told = client.told("window/showMessage").await;
        assert!(told["params"]["message"].to_string().contains("no model `Nobody`"), "{told}");
        assert!(client.ask("limpid/tokens", of(URI)).await.is_ok());
        let named =
            json!({ "subject": { "model": "Nobody", "prompt": { "uri": URI, "version": 1 } } });
        let error = client.ask("limpid/tokens", named).await.unwrap_err();
        assert_eq!(error["data"]["kind"], "model-not-found", "who was told need not wait again");
    }
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn a_client_may_bring_its_own_default_model() {
    let shared = Shared::start(FakeAnalyst::loaded()).unwrap();
    let settings = ClientSettings { default_model: Some("Fake".into()) };
    let mut client = LspClient::join(shared, settings);
    client.initialize(json!({})).await;
    client.open(URI, "a").await;
    assert!(client.ask("limpid/tokens", of(URI)).await.is_ok());
    let models = client.ask("limpid/models", json!({ "action": "list" })).await.unwrap();
    assert_eq!(models["models"][0]["is_default"], true);
    client.leave().await;
}
