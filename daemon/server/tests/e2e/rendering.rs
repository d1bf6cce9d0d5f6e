//! `limpid/render`, and what a template does that its writer would not expect, as diagnostics.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

const URI: &str = "file:///a.prompt";
const CHAT: &str = "system:\nBe brief. ADDS\n\nuser:\nName a city.\n";

async fn opened(analyst: Arc<FakeAnalyst>, capabilities: Value, text: &str) -> LspClient {
    let (mut client, _) = LspClient::start(analyst, capabilities).await;
    client.open(URI, text).await;
    client
}

fn pulls() -> Value {
    json!({ "textDocument": { "diagnostic": {} } })
}

fn params(version: i32) -> Value {
    json!({ "subject": { "prompt": { "uri": URI, "version": version } } })
}

#[tokio::test]
async fn a_chat_is_rendered_without_a_forward_pass() {
    let analyst = FakeAnalyst::loaded();
    let mut client = opened(analyst.clone(), pulls(), CHAT).await;
    let answer = client.ask("limpid/render", params(1)).await.unwrap();
    assert_eq!(analyst.inspections.load(Ordering::SeqCst), 0);
    let view = &answer["view"];
    assert_eq!(view["text"], "<system>Be brief. ADDS<user>Name a city.");
    assert_eq!(
        view["messages"],
        json!([
            { "role": "system", "content": "Be brief. ADDS", "source": { "start": 8, "end": 22 } },
            { "role": "user", "content": "Name a city.", "source": { "start": 30, "end": 42 } },
        ])
    );
    assert_eq!(
        view["notes"],
        json!(["the chat template adds a system message of its own: \"Be good.\""])
    );
    for (token, row) in
        view["tokens"].as_array().unwrap().iter().zip(answer["token_table"].as_array().unwrap())
    {
        let byte = |end: &str| token["source"][end].as_u64().unwrap() as usize;
        let first = |text: &str| text.trim().chars().next();
        let own = &CHAT[byte("start")..byte("end")];
        assert_eq!(first(own), first(token["text"].as_str().unwrap()), "{token}");
        assert_eq!(token["id"], row["id"]);
        assert_eq!(
            row["range"]["start"]["line"],
            CHAT[..byte("start")].matches('\n').count(),
            "{token}"
        );
    }
    // Its id and its table are those of every other view.
    let on = json!({ "subject": { "analysis": answer["analysis"] } });
    let tokens = client.ask("limpid/tokens", on).await.unwrap();
    assert_eq!(tokens["token_table"], answer["token_table"]);
    client.leave().await;
}

#[tokio::test]
async fn a_plain_prompt_is_rendered_as_it_stands() {
    let mut client = opened(FakeAnalyst::loaded(), pulls(), "The capital ADDS").await;
    let view = client.ask("limpid/render", params(1)).await.unwrap()["view"].clone();
    assert_eq!(view["text"], "The capital ADDS");
    assert_eq!(view["messages"], json!([]));
    assert_eq!(view.get("notes"), None);
    assert_eq!(view["tokens"][1]["source"], json!({ "start": 3, "end": 11 }));
    let stale = client.ask("limpid/render", params(2)).await.unwrap_err();
    assert_eq!(stale["data"]["kind"], "stale-version");
    let wrong = client.ask("limpid/render", json!({ "subject": 1 })).await.unwrap_err();
    assert!(wrong["message"].as_str().unwrap().contains("params of limpid/render"), "{wrong}");
    client.leave().await;
}

/// `code severity first line-last line` of each diagnostic, with its message.
fn brief(items: &Value) -> Vec<(String, String)> {
    let one = |item: &Value| {
        let line = |end: &str| item["range"][end]["line"].to_string();
        let place = format!("{} {}-{}", item["severity"], line("start"), line("end"));
        let code = item["code"].as_str().unwrap();
        (format!("{code} {place}"), item["message"].as_str().unwrap().to_owned())
    };
    items.as_array().unwrap().iter().map(one).collect()
}

#[tokio::test]
async fn what_a_template_does_unasked_is_told_at_the_message() {
    let text = "system:\nBe brief. MERGES DROPS\n\nuser:\nName a city. ADDS CUTS\n";
    let mut client = opened(FakeAnalyst::loaded(), pulls(), text).await;
    let asked = json!({ "textDocument": { "uri": URI } });
    let report = client.ask("textDocument/diagnostic", asked.clone()).await.unwrap();
    let found = brief(&report["items"]);
    let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "template-adds-system 3 0-1",
            "template-merges-system 3 0-1",
            "template-drops-message 2 0-1",
            "template-cuts-message 2 3-4",
        ]
    );
    assert_eq!(found[2].1, "the chat template leaves out message 1; the model does not read it");
    // The same words in a text that is no chat.
    client.replace_all(URI, 2, "MERGES DROPS ADDS CUTS").await;
    let report = client.ask("textDocument/diagnostic", asked).await.unwrap();
    assert_eq!(brief(&report["items"]), []);
    client.leave().await;
}

#[tokio::test]
async fn a_text_that_becomes_a_chat_is_told_at_its_body_and_unasked() {
    let text = "---\nchat: true\n---\nName a city. ADDS\n";
    let mut client = opened(FakeAnalyst::loaded(), json!({}), text).await;
    let told = client.told("textDocument/publishDiagnostics").await;
    let found = brief(&told["params"]["diagnostics"]);
    assert_eq!(
        found,
        [(
            "template-adds-system 3 3-3".to_owned(),
            "the chat template adds a system message of its own: \"Be good.\"; write a system message to say something else".to_owned()
        )]
    );
    client.leave().await;
}
