//! `limpid/continue`: pieces and the whole, others served in between, cancelling, bad params.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use serde_json::{Value, json};

const URI: &str = "file:///france.prompt";

async fn opened(text: &str) -> LspClient {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, text).await;
    client
}

fn params(version: i32, more: &Value) -> Value {
    let mut params = json!({ "subject": { "prompt": { "uri": URI, "version": version } } });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    params
}

#[tokio::test]
async fn pieces_come_as_they_are_written_and_the_answer_is_whole() {
    let mut client = opened("The capital of").await;
    let wanted = params(1, &json!({ "max_tokens": 3, "partial_result_token": "c1" }));
    let answer = client.ask("limpid/continue", wanted).await.unwrap();
    let (mut tokens, mut text) = (Vec::new(), String::new());
    for _ in 0..3 {
        let piece = client.told("$/progress").await["params"].clone();
        assert_eq!(piece["token"], "c1");
        tokens.extend(piece["value"]["tokens"].as_array().unwrap().clone());
        text.push_str(piece["value"]["text"].as_str().unwrap());
    }
    assert_eq!(text, " w0 w1 w2");
    let view = json!({ "tokens": tokens, "text": text, "stopped_by": "length" });
    assert_eq!(answer["view"], view);
    assert_eq!((&answer["model"], &answer["version"]), (&json!("Fake"), &json!(1)));
    assert_eq!(answer["token_table"][2]["display"], "·of");
    // What was continued can be asked about by its id, and nothing is sent unless it was asked for.
    let on = json!({ "subject": { "analysis": answer["analysis"] }, "max_tokens": 1 });
    assert_eq!(client.ask("limpid/continue", on).await.unwrap()["view"]["text"], " w0");
    client.leave().await;
}

#[tokio::test]
async fn others_are_served_between_two_tokens_and_cancelling_stops() {
    let mut client = opened("FOREVER").await;
    let endless = client.request("limpid/continue", params(1, &json!({}))).await;
    for layer in 0..2 {
        let head =
            json!({ "subject": params(1, &json!({}))["subject"], "layer": layer, "head": 0 });
        assert_eq!(client.ask("limpid/head", head).await.unwrap()["view"]["row"]["layer"], layer);
    }
    client.notify("$/cancelRequest", json!({ "id": endless })).await;
    assert_eq!(client.answer(endless).await.unwrap_err()["code"], -32800);
    // Behind whatever the worker still had of it.
    let other = params(1, &json!({ "layer": 0, "head": 1 }));
    client.ask("limpid/head", other).await.unwrap();
    // An answer is on its way before the worker has put its job away: looked at until it has.
    let mut queue = None;
    for _ in 0..1000 {
        queue = client.ask("limpid/status", json!({})).await.unwrap()["queue"].as_u64();
        if queue == Some(0) {
            break;
        }
    }
    assert_eq!(queue, Some(0));
    client.leave().await;
}

#[tokio::test]
async fn a_newer_one_and_an_edit_stop_the_one_under_way() {
    let mut client = opened("FOREVER").await;
    let older = client.request("limpid/continue", params(1, &json!({}))).await;
    let newer = client.request("limpid/continue", params(1, &json!({}))).await;
    assert_eq!(client.answer(older).await.unwrap_err()["data"]["kind"], "cancelled");
    client.replace_all(URI, 2, "The capital").await;
    assert_eq!(client.answer(newer).await.unwrap_err()["data"]["kind"], "stale-version");
    let again = client.ask("limpid/continue", params(2, &json!({ "max_tokens": 1 }))).await;
    assert_eq!(again.unwrap()["view"]["text"], " w0");
    client.leave().await;
}

#[tokio::test]
async fn params_of_the_wrong_kind_are_named() {
    let mut client = opened("The capital").await;
    for (more, says) in [
        (json!({ "max_tokens": -1 }), "max_tokens: invalid value: integer `-1`"),
        (json!({ "temperature": "warm" }), "temperature: invalid type: string"),
        (json!({ "stop": "x" }), "stop: invalid type: string"),
        (json!({ "partial_result_token": {} }), "partial_result_token: expected a progress token"),
    ] {
        let error = client.ask("limpid/continue", params(1, &more)).await.unwrap_err();
        assert_eq!(error["data"]["kind"], "bad-request");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    client.leave().await;
}
