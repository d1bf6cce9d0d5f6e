//! What an editor without a plugin sees: handshake, hover, inlay hints, highlights, document sync.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const URI: &str = "file:///france.prompt";
const TEXT: &str = "The capital of France is\n";

fn at(line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } })
}

fn whole_file() -> Value {
    let range =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    json!({ "textDocument": { "uri": URI }, "range": range })
}

async fn opened(text: &str) -> LspClient {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, text).await;
    client
}

async fn hover_text(client: &mut LspClient, line: u32, character: u32) -> String {
    let hover = client.ask("textDocument/hover", at(line, character)).await.unwrap();
    hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn capabilities_name_what_is_served_and_no_more() {
    let (client, result) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    let capabilities = result["capabilities"].as_object().unwrap();
    let mut names: Vec<&str> = capabilities.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "callHierarchyProvider",
            "codeActionProvider",
            "codeLensProvider",
            "colorProvider",
            "completionProvider",
            "definitionProvider",
            "diagnosticProvider",
            "documentHighlightProvider",
            "documentSymbolProvider",
            "executeCommandProvider",
            "experimental",
            "foldingRangeProvider",
            "hoverProvider",
            "inlayHintProvider",
            "positionEncoding",
            "referencesProvider",
            "selectionRangeProvider",
            "semanticTokensProvider",
            "textDocumentSync",
        ]
    );
    assert_eq!(result["serverInfo"]["name"], "limpid");
    client.leave().await;
}

#[tokio::test]
async fn a_hover_says_what_the_prediction_takes_from_the_token() {
    let mut client = opened(TEXT).await;
    let text = hover_text(&mut client, 0, 17).await;
    let lines: Vec<&str> = text.split("  \n").collect();
    assert_eq!(
        lines,
        [
            "`·France` #103 · token 4 of 5",
            "Supports `·Paris` ~ +1.50 nats",
            "Effect of hiding it: not measured",
            "Flow to the prediction 27 % (2nd of 5; 91 % shown)",
            "Was itself predicted at 37 % (#3)",
            "Comes in through L1H2 10 %",
            "L1H2 writes ``·`Paris``",
            "Next `·Paris` 77 %  `·the` 6 %  `↵` 2 %",
        ]
    );
    assert!(lines.len() <= 14);
    client.leave().await;
}

#[tokio::test]
async fn nothing_appears_in_a_file_that_is_no_prompt() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    let document =
        json!({ "uri": "file:///a.rs", "languageId": "rust", "version": 1, "text": "fn a" });
    client.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    let mut params = at(0, 1);
    params["textDocument"]["uri"] = json!("file:///a.rs");
    assert_eq!(client.ask("textDocument/hover", params.clone()).await, Ok(Value::Null));
    params["textDocument"]["uri"] = json!("file:///never-opened.txt");
    assert_eq!(client.ask("textDocument/hover", params).await, Ok(Value::Null));
    client.leave().await;
}

#[tokio::test]
async fn the_inlay_stands_after_the_prompt_and_resolves_to_more() {
    let mut client = opened(TEXT).await;
    let hints = client.ask("textDocument/inlayHint", whole_file()).await.unwrap();
    let hint = &hints[0];
    assert_eq!(hint["label"], " ·Paris 77 %  ·the 6 %  ↵ 2 %");
    assert_eq!(hint["position"], json!({ "line": 0, "character": 24 }));
    let resolved = client.ask("inlayHint/resolve", hint.clone()).await.unwrap();
    let tooltip = resolved["tooltip"]["value"].as_str().unwrap();
    assert!(tooltip.contains("\n- `` `<b> `` 1 %"), "{tooltip}");
    assert!(tooltip.contains("(logit 17.50)"), "{tooltip}");
    client.leave().await;
}

#[tokio::test]
async fn a_prompt_over_the_window_is_a_hint_with_the_figures() {
    let mut client = opened("LONG").await;
    let hints = client.ask("textDocument/inlayHint", whole_file()).await.unwrap();
    assert_eq!(hints[0]["label"], " ⚠ prompt is 9,214 tokens, window 8,192");
    assert!(hover_text(&mut client, 0, 1).await.contains("9214 tokens"));
    client.leave().await;
}

#[tokio::test]
async fn highlights_mark_what_a_token_rests_on() {
    let mut client = opened(TEXT).await;
    let marks = client.ask("textDocument/documentHighlight", at(0, 16)).await.unwrap();
    // ` France` itself, then ` capital`: its prediction stands at ` of`, and the first token is left out.
    let starts: Vec<(u64, u64)> = marks
        .as_array()
        .unwrap()
        .iter()
        .map(|mark| {
            (mark["range"]["start"]["character"].as_u64().unwrap(), mark["kind"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(starts, [(14, 3), (3, 2)]);
    client.leave().await;
}

#[tokio::test]
async fn positions_follow_the_negotiated_encoding() {
    for (encoding, character) in [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)] {
        let offered = json!({ "general": { "positionEncodings": [encoding, "utf-16"] } });
        let (mut client, result) = LspClient::start(FakeAnalyst::loaded(), offered).await;
        assert_eq!(result["capabilities"]["positionEncoding"], encoding);
        client.open(URI, "😀é end").await;
        let hover = client.ask("textDocument/hover", at(0, character)).await.unwrap();
        assert_eq!(hover["range"]["start"]["character"], character - 1, "{encoding}");
        assert!(hover["contents"]["value"].as_str().unwrap().starts_with("`·end`"));
        client.leave().await;
    }
}

#[tokio::test]
async fn edits_are_seen_and_bad_ones_ask_for_the_full_text() {
    let mut client = opened(TEXT).await;
    let range = |a: u32, b: u32| json!({ "start": { "line": 0, "character": a }, "end": { "line": 0, "character": b } });
    client.change(URI, 2, json!({ "range": range(15, 21), "text": "Spain" })).await;
    assert!(hover_text(&mut client, 0, 16).await.starts_with("`·Spain`"));
    let beyond =
        json!({ "start": { "line": 70, "character": 0 }, "end": { "line": 71, "character": 0 } });
    client.change(URI, 3, json!({ "range": beyond, "text": "x" })).await;
    client.told("window/logMessage").await;
    assert_eq!(
        client.told("textDocument/publishDiagnostics").await["params"]["diagnostics"][0]["code"],
        "document-not-open"
    );
    assert_eq!(hover_text(&mut client, 0, 16).await, "");
    client.replace_all(URI, 4, "a new text").await;
    assert_eq!(
        client.told("textDocument/publishDiagnostics").await["params"]["diagnostics"],
        json!([])
    );
    assert!(hover_text(&mut client, 0, 8).await.starts_with("`·text`"));
    client.leave().await;
}

#[tokio::test]
async fn half_a_surrogate_pair_in_an_edit_keeps_positions() {
    let mut client = opened(TEXT).await;
    let body = r#"{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///france.prompt",
        "version":2},"contentChanges":[{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":3}},"text":"\ud83d"}]}}"#;
    client.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    assert!(hover_text(&mut client, 0, 1).await.starts_with("`·capital`"));
    assert!(hover_text(&mut client, 0, 0).await.starts_with("`\u{fffd}`"));
    client.leave().await;
}

#[tokio::test]
async fn a_document_over_ten_mebibytes_is_told_and_freed() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, &"x".repeat((10 << 20) + 1)).await;
    let message = client.told("textDocument/publishDiagnostics").await["params"]["diagnostics"][0]
        ["message"]
        .clone();
    assert!(message.as_str().unwrap().contains("10 MiB"), "{message}");
    client.told("window/logMessage").await;
    assert_eq!(client.ask("textDocument/hover", at(0, 0)).await, Ok(Value::Null));
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": URI } })).await;
    assert_eq!(
        client.told("textDocument/publishDiagnostics").await["params"]["diagnostics"],
        json!([])
    );
    assert_eq!(client.ask("limpid/status", json!({})).await.unwrap()["documents"], 0);
    client.leave().await;
}

#[tokio::test]
async fn a_loading_model_is_a_status_and_its_progress_is_shown() {
    let analyst = std::sync::Arc::new(FakeAnalyst::default());
    let capabilities = json!({
        "window": { "workDoneProgress": true },
        "workspace": { "inlayHint": { "refreshSupport": true } },
    });
    let (mut client, _) = LspClient::start(analyst.clone(), capabilities).await;
    client.open(URI, TEXT).await;
    assert_eq!(client.ask("textDocument/hover", at(0, 1)).await, Ok(Value::Null));
    let create = client.told("window/workDoneProgress/create").await;
    client.reply(&create).await;
    assert_eq!(client.told("$/progress").await["params"]["value"]["kind"], "begin");
    let hints = client.ask("textDocument/inlayHint", whole_file()).await.unwrap();
    assert_eq!(hints[0]["label"], " ⟳ Fake 0 %");
    let subject = json!({ "prompt": { "uri": URI, "version": 1 } });
    let error = client.ask("limpid/tokens", json!({ "subject": subject })).await.unwrap_err();
    assert_eq!(error["data"]["kind"], "model-loading");
    analyst.open_gate();
    let refresh = client.told("workspace/inlayHint/refresh").await;
    client.reply(&refresh).await;
    while client.told("$/progress").await["params"]["value"]["kind"] != "end" {}
    assert!(hover_text(&mut client, 0, 1).await.starts_with("`The`"));
    assert_eq!(analyst.inspections.load(Ordering::SeqCst), 1);
    client.leave().await;
}
