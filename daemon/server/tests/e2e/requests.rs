//! The `limpid/` methods: answers, follow-ups, errors, cancelling, stale versions.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use limpid_protocol::{for_each_view, request::Request};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

const URI: &str = "file:///france.prompt";

fn subject(version: i32) -> Value {
    json!({ "prompt": { "uri": URI, "version": version } })
}

async fn opened(analyst: Arc<FakeAnalyst>, text: &str) -> LspClient {
    let (mut client, _) = LspClient::start(analyst, json!({})).await;
    client.open(URI, text).await;
    client
}

/// Params that any view accepts: fields of other views are ignored.
fn any_params(subject: Value) -> Value {
    let node = |kind: &str| json!({ "kind": kind, "layer": 0, "position": 0 });
    json!({
        "subject": subject, "layer": 1, "head": 2, "neuron": 3, "by": "line",
        "node": node("resid_post"), "from": node("embed"), "to": node("resid_mid"),
    })
}

#[tokio::test]
async fn every_view_answers_with_analysis_version_and_token_table() {
    let analyst = FakeAnalyst::loaded();
    let mut client = opened(analyst.clone(), "The capital of").await;
    let mut analyses = Vec::new();
    macro_rules! each {
        ($view:ty) => {
            let params = match analyses.last() {
                None => any_params(subject(1)),
                Some(analysis) => any_params(json!({ "analysis": analysis })),
            };
            let answer = client.ask(<$view as Request>::METHOD, params).await.unwrap();
            let typed: <$view as Request>::Result = serde_json::from_value(answer).unwrap();
            assert_eq!((typed.version, typed.model.as_str()), (1, "Fake"));
            let shown: Vec<&str> = typed.token_table.iter().map(|token| token.display.as_str()).collect();
            assert_eq!(shown, ["The", "·capital", "·of"]);
            let range = typed.token_table[1].range.unwrap();
            assert_eq!((range.start.character, range.end.character), (3, 11));
            analyses.push(typed.analysis);
        };
    }
    for_each_view!(each);
    analyses.dedup();
    assert_eq!(analyses.len(), 1, "a follow-up keeps its analysis");
    // A glance, which `limpid/tokens` shows, and an inspection.
    assert_eq!(analyst.inspections.load(Ordering::SeqCst), 2, "a follow-up costs no forward pass");
    client.leave().await;
}

#[tokio::test]
async fn few_edges_come_with_what_fewer_show() {
    let mut client = opened(FakeAnalyst::loaded(), "The capital of France").await;
    let all = client.ask("limpid/routes", any_params(subject(1))).await.unwrap();
    assert_eq!(all["view"]["routes"].get("steps"), None);
    for prune in [json!(null), json!("mass=0.5")] {
        let params = json!({ "subject": subject(1), "max_edges": 2, "prune": prune });
        let answer = client.ask("limpid/routes", params).await.unwrap();
        let routes = &answer["view"]["routes"];
        assert_eq!(routes["nodes"].as_array().unwrap().len(), 3);
        assert_eq!(routes["edges"][1]["to"], 2);
        let counts: Vec<&Value> =
            routes["steps"].as_array().unwrap().iter().map(|step| &step["edges"]).collect();
        assert_eq!(counts, [1, 2]);
        assert_eq!(routes["shown"], routes["steps"][1]["shown"]);
    }
    client.leave().await;
}

#[tokio::test]
async fn scores_roll_up_to_the_parts_asked_for() {
    let mut client = opened(FakeAnalyst::loaded(), "The capital\nof it").await;
    let params = json!({ "subject": subject(1), "by": "line" });
    let view = client.ask("limpid/parts", params).await.unwrap()["view"].clone();
    assert_eq!((&view["by"], &view["method"]), (&json!("line"), &json!("atp")));
    // Four tokens with flows 1 to 4 tenths and scores -1.5 to 0.5 and 0; the first is the sink.
    let brief = |row: &Value| {
        let share = (row["share"].as_f64().unwrap() * 9.0).round();
        json!([row["text"], row["tokens"], row["attribution"], row["is_sink"], share])
    };
    let rows: Vec<Value> = view["parts"].as_array().unwrap().iter().map(brief).collect();
    assert_eq!(
        rows,
        [
            json!(["The capital", { "start": 0, "end": 2 }, -2.0, true, 2.0]),
            json!(["of it", { "start": 2, "end": 4 }, 0.5, false, 7.0]),
        ]
    );
    assert!(
        client.ask("limpid/parts", json!({ "subject": subject(1), "by": "page" })).await.is_err()
    );
    client.leave().await;
}

#[tokio::test]
async fn a_selection_is_the_prompt_and_ranges_count_in_the_document() {
    let mut client = opened(FakeAnalyst::loaded(), "# notes\nSay hello world\nbye").await;
    let range =
        json!({ "start": { "line": 1, "character": 4 }, "end": { "line": 1, "character": 15 } });
    let subject = json!({ "prompt": { "uri": URI, "version": 1, "range": range }, "foil": " the", "target": { "position": 0 } });
    let answer = client.ask("limpid/tokens", json!({ "subject": subject })).await.unwrap();
    assert_eq!(answer["token_table"][0]["display"], "hello");
    assert_eq!(answer["token_table"][1]["range"]["start"], json!({ "line": 1, "character": 9 }));
    assert_eq!(answer["view"]["target"]["position"], 0);
    assert_eq!(answer["view"]["target"]["foil"]["text"], " the");
    client.leave().await;
}

#[tokio::test]
async fn an_answer_of_several_tokens_is_explained_against_another() {
    let mut client = opened(FakeAnalyst::loaded(), "The capital is Paris today").await;
    let mut target = async |mut subject: Value, more: Value| {
        subject.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = client.ask("limpid/tokens", json!({ "subject": subject })).await.unwrap();
        let view = &answer["view"]["target"];
        let foils: Vec<&str> = match view["foil_answer"]["tokens"].as_array() {
            Some(tokens) => tokens.iter().map(|token| token["text"].as_str().unwrap()).collect(),
            None => Vec::new(),
        };
        let told = json!([view["answer"]["start"], view["answer"]["end"], foils, view["foil"]]);
        (told, json!({ "analysis": answer["analysis"] }))
    };
    let answer = json!({ "answer": { "start": 3, "end": 5 } });
    let (told, _) = target(subject(1), json!({ "target": answer })).await;
    assert_eq!(told, json!([3, 5, [], null]));
    let foil = json!({ "target": answer, "foil": " Rome of course" });
    let (told, analysis) = target(subject(1), foil).await;
    assert_eq!(told, json!([3, 5, [" Rome", " of", " course"], null]));
    // Asked on, it stays; another foil replaces it; a token is not compared with an answer.
    assert_eq!(target(analysis.clone(), json!({})).await.0, told);
    let (told, _) = target(analysis.clone(), json!({ "foil": 9 })).await;
    assert_eq!(told, json!([3, 5, ["<9>"], null]));
    let (told, _) = target(analysis, json!({ "target": { "position": 1 } })).await;
    assert_eq!(told, json!([null, null, [], null]));
    client.leave().await;
}

#[tokio::test]
async fn errors_have_stable_codes_and_kinds() {
    let asks = json!({ "textDocument": { "diagnostic": {} } });
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), asks).await;
    client.open(URI, "The capital").await;
    client.open("file:///empty.txt", "\n").await;
    client.open("file:///long.txt", "LONG").await;
    client.open("file:///panic.txt", "PANIC").await;
    let of = |uri: &str| json!({ "subject": { "prompt": { "uri": uri, "version": 1 } } });
    let far = json!({ "subject": subject(1), "node": { "kind": "resid_post", "layer": 9, "position": 0 } });
    let cases = [
        ("limpid/tokens", of("file:///empty.txt"), 4013, "empty-prompt"),
        ("limpid/tokens", of("file:///long.txt"), 4006, "context-window"),
        ("limpid/tokens", of("file:///panic.txt"), -32603, "internal"),
        ("limpid/tokens", of("file:///closed.txt"), 4012, "document-not-open"),
        ("limpid/tokens", json!({ "subject": subject(7) }), -32801, "stale-version"),
        ("limpid/tokens", json!({ "subject": {} }), -32602, "bad-request"),
        ("limpid/tokens", json!({ "subject": { "analysis": "gone" } }), -32602, "bad-request"),
        ("limpid/tokens", json!({ "subject": 3 }), -32602, "bad-request"),
        (
            "limpid/head",
            json!({ "subject": subject(1), "layer": -1, "head": 0 }),
            -32602,
            "bad-request",
        ),
        ("limpid/node", far, -32602, "bad-request"),
        ("limpid/models", json!({ "action": "load", "name": "Nobody" }), 4004, "model-not-found"),
        ("limpid/models", json!({ "action": "unload" }), -32602, "bad-request"),
    ];
    for (method, params, code, kind) in cases {
        let error = client.ask(method, params).await.unwrap_err();
        assert_eq!(
            (&error["code"], &error["data"]["kind"]),
            (&json!(code), &json!(kind)),
            "{method}: {error}"
        );
    }
    client.told("window/showMessage").await;
    // The worker survived the panic.
    assert!(client.ask("limpid/tokens", json!({ "subject": subject(1) })).await.is_ok());
    client.leave().await;
}

#[tokio::test]
async fn cancel_is_read_at_sixty_three_waiting_requests_and_stops_the_compute() {
    let analyst = FakeAnalyst::loaded();
    let (mut client, _) = LspClient::start(analyst.clone(), json!({})).await;
    let mut ids = Vec::new();
    for n in 0..63 {
        let uri = format!("file:///{n}.txt");
        client.open(&uri, "BLOCK").await;
        ids.push(
            client
                .request(
                    "limpid/routes",
                    json!({ "subject": { "prompt": { "uri": uri, "version": 1 } } }),
                )
                .await,
        );
    }
    for id in ids.iter().rev() {
        client.notify("$/cancelRequest", json!({ "id": id })).await;
        assert_eq!(client.answer(*id).await.unwrap_err()["code"], -32800);
    }
    client.open(URI, "after").await;
    // The one worker is free again, so a job that ran saw its cancellation; the queued ones never ran.
    assert!(client.ask("limpid/routes", json!({ "subject": subject(1) })).await.is_ok());
    let ran = analyst.inspections.load(Ordering::SeqCst) - 1;
    assert_eq!(analyst.cancelled.load(Ordering::SeqCst), ran);
    assert!(ran <= 1, "{ran} jobs ran");
    client.leave().await;
}

#[tokio::test]
async fn a_short_prompt_does_not_wait_for_a_long_one() {
    let long_text = format!("BLOCK {}", "word ".repeat(1000));
    let mut client = opened(FakeAnalyst::loaded(), &long_text).await;
    let long = client.request("limpid/routes", json!({ "subject": subject(1) })).await;
    client.open("file:///short.txt", "The capital").await;
    let short = json!({ "prompt": { "uri": "file:///short.txt", "version": 1 } });
    assert!(client.ask("limpid/routes", json!({ "subject": short })).await.is_ok());
    client.notify("$/cancelRequest", json!({ "id": long })).await;
    assert_eq!(client.answer(long).await.unwrap_err()["code"], -32800);
    client.leave().await;
}

#[tokio::test]
async fn an_edit_while_computing_answers_stale_and_frees_the_worker() {
    let mut client = opened(FakeAnalyst::loaded(), "BLOCK").await;
    let routes = client.request("limpid/routes", json!({ "subject": subject(1) })).await;
    let position =
        json!({ "textDocument": { "uri": URI }, "position": { "line": 0, "character": 0 } });
    let hover = client.request("textDocument/hover", position).await;
    client.replace_all(URI, 2, "The capital").await;
    let error = client.answer(routes).await.unwrap_err();
    assert_eq!((&error["code"], &error["data"]["version"]), (&json!(-32801), &json!(2)));
    assert_eq!(client.answer(hover).await, Ok(Value::Null));
    assert_eq!(
        client.ask("limpid/routes", json!({ "subject": subject(2) })).await.unwrap()["version"],
        2
    );
    client.leave().await;
}

#[tokio::test]
async fn a_newer_request_of_the_same_view_replaces_the_older() {
    let mut client = opened(FakeAnalyst::loaded(), "BLOCK\n\nquick").await;
    let older = client.request("limpid/routes", json!({ "subject": subject(1) })).await;
    let range =
        json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 5 } });
    let newer = json!({ "subject": { "prompt": { "uri": URI, "version": 1, "range": range } } });
    let newer = client.request("limpid/routes", newer).await;
    assert_eq!(client.answer(older).await.unwrap_err()["data"]["kind"], "cancelled");
    assert_eq!(client.answer(newer).await.unwrap()["token_table"][0]["display"], "quick");
    client.leave().await;
}

#[tokio::test]
async fn status_answers_while_the_worker_is_busy() {
    let mut client = opened(FakeAnalyst::loaded(), "BLOCK").await;
    let busy = client.request("limpid/routes", json!({ "subject": subject(1) })).await;
    let status = client.ask("limpid/status", json!({})).await.unwrap();
    assert_eq!((&status["queue"], &status["documents"]), (&json!(1), &json!(1)));
    client.notify("$/cancelRequest", json!({ "id": busy })).await;
    client.answer(busy).await.unwrap_err();
    client.leave().await;
}

#[tokio::test]
async fn models_are_listed_unloaded_and_loaded() {
    let analyst = FakeAnalyst::loaded();
    analyst.open_gate();
    let mut client = opened(analyst, "x").await;
    let state = |answer: Value| answer["models"][0]["state"].clone();
    assert_eq!(
        state(client.ask("limpid/models", json!({ "action": "list" })).await.unwrap()),
        "loaded"
    );
    let unload = json!({ "action": "unload", "name": "Fake" });
    assert_eq!(state(client.ask("limpid/models", unload).await.unwrap()), "available");
    assert_eq!(
        state(client.ask("limpid/models", json!({ "action": "load" })).await.unwrap()),
        "loaded"
    );
    client.leave().await;
}
