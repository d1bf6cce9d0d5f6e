//! What lines, messages and sections do together, in hover and lens.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const URI: &str = "file:///a.prompt";

async fn hover_lines(client: &mut LspClient, line: u32, character: u32) -> Vec<String> {
    let at = json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } });
    let hover = client.ask("textDocument/hover", at).await.unwrap();
    let text = hover["contents"]["value"].as_str().unwrap();
    text.split("  \n").map(String::from).collect()
}

async fn shares(text: &str, line: u32, character: u32) -> Option<String> {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, text).await;
    let lines = hover_lines(&mut client, line, character).await;
    client.leave().await;
    assert!(lines.len() <= 14);
    lines.into_iter().find(|line| line.starts_with("Shares: "))
}

/// `line:character title` of each lens.
async fn lenses(client: &mut LspClient) -> Vec<String> {
    let asked = json!({ "textDocument": { "uri": URI } });
    let lenses = client.ask("textDocument/codeLens", asked).await.unwrap();
    let one = |lens: &Value| {
        let start = &lens["range"]["start"];
        format!("{} {}", start["line"], lens["command"]["title"].as_str().unwrap())
    };
    lenses.as_array().unwrap().iter().map(one).collect()
}

/// Token `i` has flow `i + 1` and score `i - 1.5`; the last one, which is the target's position, scores 0; the first is the sink.
#[tokio::test]
async fn a_hover_tells_the_share_of_the_line_and_the_message() {
    assert_eq!(shares("one two three four", 0, 5).await, None);
    assert_eq!(
        shares("one two\nthree four five", 0, 5).await.unwrap(),
        "Shares: line 14 %  ~ -0.50 nats, effect not measured"
    );
    assert_eq!(
        shares("One two. Three four five.", 0, 12).await.unwrap(),
        "Shares: sentence 86 %  ~ +2.00 nats, effect not measured"
    );
    // Tokens `one`, ` two`, `↵three`, ` fourfive`: the messages stand in the text one after another.
    let chat = "system:\none two\nthree\n\nuser:\n four five\n";
    assert_eq!(
        shares(chat, 1, 5).await.unwrap(),
        "Shares: line 14 %  ~ -0.50 nats, effect not measured · `system` 36 %  ~ 0.00 nats, effect not measured"
    );
}

#[tokio::test]
async fn lenses_tell_shares_once_they_are_known_and_compute_none() {
    let analyst = FakeAnalyst::loaded();
    let refreshes = json!({ "workspace": { "codeLens": { "refreshSupport": true } } });
    let (mut client, _) = LspClient::start(analyst.clone(), refreshes).await;
    client.open(URI, "system:\nBe brief.\n\nuser:\n## Task\nName one city.\n").await;
    let before = lenses(&mut client).await;
    assert_eq!(before.len(), 5, "{before:?}");
    let computed = analyst.inspections.load(Ordering::SeqCst);
    hover_lines(&mut client, 1, 4).await;
    let refresh = client.told("workspace/codeLens/refresh").await;
    client.reply(&refresh).await;
    let after = lenses(&mut client).await;
    assert_eq!(after[..5], before);
    assert_eq!(
        after[5..],
        [
            "0 system 10 %  ~ -0.50 nats, effect not measured",
            "3 user 90 %  ~ +4.50 nats, effect not measured",
            "4 Task 90 %  ~ +4.50 nats, effect not measured"
        ]
    );
    // The glance of the lens and the inspection of the hover.
    assert_eq!(analyst.inspections.load(Ordering::SeqCst), computed + 1);
    // What is known already is no news.
    hover_lines(&mut client, 1, 4).await;
    client.leave().await;
}

#[tokio::test]
async fn the_command_of_a_lens_explains_what_comes_next() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(URI, "---\nchat: false\n---\none two three\n").await;
    let about = json!({ "uri": URI, "position": { "line": 0, "character": 0 } });
    let command = json!({ "command": "limpid.inspect", "arguments": [about] });
    client.ask("workspace/executeCommand", command).await.unwrap();
    let said = client.told("window/showMessage").await;
    let text = said["params"]["message"].as_str().unwrap();
    assert!(text.starts_with("Fake predicts `·Paris` 77 %") && text.contains("rests on"), "{text}");
    client.leave().await;
}
