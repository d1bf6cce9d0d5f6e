//! What the verbs of LSP say about prompts, over the wire.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use serde_json::{Value, json};

const FIVE: &str = "one two three four five";
const CHAT: &str =
    "---\ntarget: \" Paris\"\n---\nsystem:\nBe brief.\n\nuser:\n## Task\nName one city.\n";

async fn client_with(uri: &str, text: &str) -> LspClient {
    client_that(json!({}), uri, text).await
}

async fn client_that(capabilities: Value, uri: &str, text: &str) -> LspClient {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), capabilities).await;
    client.open(uri, text).await;
    client
}

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

/// `line:character-line:character`
fn range(of: &Value) -> String {
    let place = |place: &Value| format!("{}:{}", place["line"], place["character"]);
    format!("{}-{}", place(&of["start"]), place(&of["end"]))
}

fn names(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn definition_goes_to_the_strongest_span() {
    let uri = "file:///a.txt";
    let mut client = client_with(uri, FIVE).await;
    let found = client.ask("textDocument/definition", at(uri, 0, 23)).await.unwrap();
    assert_eq!(range(&found["range"]), "0:13-0:18");
    // On a token: why it was predicted after those before it.
    let found = client.ask("textDocument/definition", at(uri, 0, 15)).await.unwrap();
    assert_eq!(range(&found["range"]), "0:3-0:7");
    assert_eq!(client.ask("textDocument/definition", at(uri, 0, 0)).await.unwrap(), Value::Null);
    client.leave_unread().await;

    let links = json!({ "textDocument": { "definition": { "linkSupport": true } } });
    let mut client = client_that(links, uri, FIVE).await;
    let found = client.ask("textDocument/definition", at(uri, 0, 15)).await.unwrap();
    assert_eq!(range(&found[0]["originSelectionRange"]), "0:13-0:18");
    assert_eq!(range(&found[0]["targetRange"]), "0:3-0:7");
    client.leave_unread().await;
}

#[tokio::test]
async fn references_are_later_tokens_and_the_end() {
    let uri = "file:///a.txt";
    let mut client = client_with(uri, FIVE).await;
    let mut params = at(uri, 0, 5);
    params["context"] = json!({ "includeDeclaration": true });
    let found = client.ask("textDocument/references", params).await.unwrap();
    let ranges: Vec<String> =
        found.as_array().unwrap().iter().map(|place| range(&place["range"])).collect();
    assert_eq!(ranges, ["0:3-0:7", "0:13-0:18", "0:18-0:23", "0:23-0:23"]);
    client.leave_unread().await;
}

#[tokio::test]
async fn the_call_hierarchy_walks_the_routes() {
    let uri = "file:///a.txt";
    let mut client = client_with(uri, FIVE).await;
    let top = client.ask("textDocument/prepareCallHierarchy", at(uri, 0, 23)).await.unwrap();
    assert_eq!(top[0]["name"], "·Paris after ·five");
    let incoming =
        client.ask("callHierarchy/incomingCalls", json!({ "item": top[0] })).await.unwrap();
    assert_eq!(incoming.as_array().unwrap().len(), 4);
    let from = &incoming[0]["from"];
    assert_eq!(
        (from["name"].as_str(), from["detail"].as_str()),
        (Some("one token"), Some("attention by L1H2 · 10 % of flow"))
    );
    assert_eq!(range(&incoming[0]["fromRanges"][0]), "0:0-0:3");
    let outgoing =
        client.ask("callHierarchy/outgoingCalls", json!({ "item": from })).await.unwrap();
    assert_eq!(names(&json!([outgoing[0]["to"]]), "name"), ["·five L1 residual"]);
    client.leave_unread().await;
}

#[tokio::test]
async fn an_outline_has_messages_and_their_sections() {
    let uri = "file:///a.prompt";
    let mut client = client_with(uri, CHAT).await;
    let document = json!({ "textDocument": { "uri": uri } });
    let symbols = client.ask("textDocument/documentSymbol", document.clone()).await.unwrap();
    assert_eq!(names(&symbols, "name"), ["system", "user"]);
    assert_eq!(names(&symbols, "detail"), ["Be brief.", "## Task"]);
    assert_eq!(names(&symbols[1]["children"], "name"), ["Task"]);
    let folds = client.ask("textDocument/foldingRange", document).await.unwrap();
    let folds: Vec<_> = folds
        .as_array()
        .unwrap()
        .iter()
        .map(|fold| (fold["startLine"].as_u64().unwrap(), fold["endLine"].as_u64().unwrap()))
        .collect();
    assert_eq!(folds, [(0, 2), (3, 4), (6, 8), (7, 8)]);
    client.leave_unread().await;
}

#[tokio::test]
async fn selections_grow_from_word_to_message_to_document() {
    let uri = "file:///a.prompt";
    let mut client = client_with(uri, CHAT).await;
    let params =
        json!({ "textDocument": { "uri": uri }, "positions": [{ "line": 4, "character": 4 }] });
    let found = client.ask("textDocument/selectionRange", params).await.unwrap();
    let mut ranges = Vec::new();
    let mut next = &found[0];
    while !next.is_null() {
        ranges.push(range(&next["range"]));
        next = &next["parent"];
    }
    assert_eq!(ranges[..2], ["4:3-4:8", "4:0-4:9"]);
    assert!(ranges.len() >= 4, "{ranges:?}");
    client.leave_unread().await;
}

#[tokio::test]
async fn lenses_stand_above_each_prompt() {
    let uri = "file:///a.md";
    let text = "# Prompts\n\n```prompt\none two\n```\n\ntext\n\n```prompt chat\nthree\n```\n";
    let mut client = client_with(uri, text).await;
    let lenses = client
        .ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }))
        .await
        .unwrap();
    let titles: Vec<_> = lenses
        .as_array()
        .unwrap()
        .iter()
        .map(|lens| lens["command"]["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles[0], "Limpid: ·Paris 77 % · Fake · 2 tokens");
    assert_eq!(titles[3], "Measure effects");
    assert_eq!(titles[5], "Apply chat template");
    assert_eq!(titles[11], "Read as text");
    client.leave_unread().await;
}

#[tokio::test]
async fn actions_fix_and_commands_edit() {
    let uri = "file:///a.prompt";
    let edits = json!({ "workspace": { "applyEdit": true } });
    let mut client = client_that(edits, uri, "one two\n").await;
    let params = json!({
        "textDocument": { "uri": uri }, "range": { "start": { "line": 0, "character": 1 }, "end": { "line": 0, "character": 1 } },
        "context": { "diagnostics": [{
            "range": { "start": { "line": 0, "character": 7 }, "end": { "line": 0, "character": 8 } },
            "message": "m", "source": "limpid", "code": "trailing-space",
        }] },
    });
    let actions = client.ask("textDocument/codeAction", params).await.unwrap();
    assert_eq!(actions[0]["title"], "Remove the trailing space");
    assert_eq!(actions[0]["edit"]["changes"][uri][0]["newText"], "");

    let about = json!({ "uri": uri, "position": { "line": 0, "character": 0 } });
    let id = client
        .request(
            "workspace/executeCommand",
            json!({ "command": "limpid.applyTemplate", "arguments": [about] }),
        )
        .await;
    let asked = client.told("workspace/applyEdit").await;
    assert_eq!(asked["params"]["edit"]["changes"][uri][0]["newText"], "---\nchat: true\n---\n");
    client
        .send(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "applied": true } }))
        .await;
    client.answer(id).await.unwrap();

    let id = client
        .request(
            "workspace/executeCommand",
            json!({ "command": "limpid.setFoil", "arguments": [about] }),
        )
        .await;
    let asked = client.told("window/showMessageRequest").await;
    assert_eq!(names(&asked["params"]["actions"], "title")[0], "·the 6 %");
    let chosen = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "title": "·the 6 %" } });
    client.send(chosen).await;
    let asked = client.told("workspace/applyEdit").await;
    assert_eq!(asked["params"]["edit"]["changes"][uri][0]["newText"], "---\nfoil: \" the\"\n---\n");
    client
        .send(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "applied": false } }))
        .await;
    let refused = client.answer(id).await.unwrap_err();
    assert!(refused["message"].as_str().unwrap().contains("did not take"), "{refused}");
    client.leave_unread().await;
}

#[tokio::test]
async fn diagnostics_are_pulled_and_unchanged_ones_are_not_sent_again() {
    let uri = "file:///a.prompt";
    let pulls = json!({ "textDocument": { "diagnostic": {} } });
    let text = "---\ntarget: \" Paris\"\nuntrusted: 99\n---\nsay <|end|> twice";
    let mut client = client_that(pulls, uri, text).await;
    let ask =
        |previous: Value| json!({ "textDocument": { "uri": uri }, "previousResultId": previous });
    let report = client.ask("textDocument/diagnostic", ask(Value::Null)).await.unwrap();
    let codes = names(&report["items"], "code");
    assert_eq!(codes, ["untrusted", "special-token"]);
    assert_eq!(range(&report["items"][1]["range"]), "4:4-4:11");
    let again =
        client.ask("textDocument/diagnostic", ask(report["resultId"].clone())).await.unwrap();
    assert_eq!(again["kind"], "unchanged");
    client.leave().await;
}

#[tokio::test]
async fn diagnostics_are_sent_to_those_that_do_not_ask() {
    let uri = "file:///limpid.toml";
    let mut client = client_with(uri, "modl = \"x\"\n").await;
    let told = client.told("textDocument/publishDiagnostics").await;
    let message = told["params"]["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("did you mean `model`?"), "{message}");
    client.leave_unread().await;
}

#[tokio::test]
async fn keys_models_roles_and_variables_are_completed_and_explained() {
    let mut client = client_with("file:///limpid.toml", "mod\n").await;
    let found =
        client.ask("textDocument/completion", at("file:///limpid.toml", 0, 3)).await.unwrap();
    assert_eq!(names(&found, "label"), ["model"]);
    let uri = "file:///a.prompt";
    client.open(uri, "---\nmodel: F\ninputs:\n  city:\n    default: Rome\n---\nus\n{{ci\n").await;
    let labels = async |client: &mut LspClient, line, character| {
        let found = client.ask("textDocument/completion", at(uri, line, character)).await.unwrap();
        names(&found, "label")
    };
    assert_eq!(labels(&mut client, 1, 8).await, ["Fake"]);
    assert_eq!(labels(&mut client, 6, 2).await, ["user:"]);
    assert_eq!(labels(&mut client, 7, 4).await, ["city"]);
    let hover = client.ask("textDocument/hover", at(uri, 1, 2)).await.unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("Name of the model"), "{hover}");
    client.leave_unread().await;
}

#[tokio::test]
async fn heat_appears_only_where_it_is_asked_for() {
    let uri = "file:///a.txt";
    let mut client = client_with(uri, FIVE).await;
    let document = json!({ "textDocument": { "uri": uri } });
    let none = client.ask("textDocument/semanticTokens/full", document.clone()).await.unwrap();
    assert_eq!(none["data"], json!([]));
    let settings = json!({ "settings": { "limpid": { "heat": { "show": "tokens" } } } });
    client.notify("workspace/didChangeConfiguration", settings).await;
    let some = client.ask("textDocument/semanticTokens/full", document.clone()).await.unwrap();
    // The first token is the sink; ` two` opposes by a third of the most, ` three` supports by a third, ` four` by all of it.
    assert_eq!(some["data"], json!([0, 0, 3, 14, 0, 0, 3, 4, 8, 0, 0, 4, 6, 1, 0, 0, 6, 5, 6, 0]));
    assert_eq!(client.ask("textDocument/documentColor", document).await.unwrap(), json!([]));
    client.leave_unread().await;
}

#[tokio::test]
async fn surprisal_stands_at_line_ends_when_asked_for() {
    let uri = "file:///a.txt";
    let mut client = client_with(uri, "one two\nthree four").await;
    let settings =
        json!({ "settings": { "limpid": { "inlay": { "surprisal": true, "predictions": 0 } } } });
    client.notify("workspace/didChangeConfiguration", settings).await;
    let span =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let hints = client
        .ask("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": span }))
        .await
        .unwrap();
    assert_eq!(names(&hints, "label"), [" 1.00 nats", " 2.00 nats"]);
    client.leave_unread().await;
}

#[tokio::test]
async fn settings_say_what_a_request_leaves_out() {
    let uri = "file:///a.txt";
    let mut client = client_with(uri, FIVE).await;
    let settings = json!({ "settings": { "limpid": { "routes": { "mass": 0.5 } } } });
    client.notify("workspace/didChangeConfiguration", settings).await;
    let subject = json!({ "prompt": { "uri": uri, "version": 1 } });
    let mut prune = async |params: Value| {
        let answer = client.ask("limpid/routes", params).await.unwrap();
        answer["view"]["routes"]["prune"].clone()
    };
    assert_eq!(prune(json!({ "subject": subject })).await, "mass=0.5");
    assert_eq!(prune(json!({ "subject": subject, "prune": "lmtt=0.04" })).await, "lmtt=0.04");
    client.leave_unread().await;
}

#[tokio::test]
async fn of_many_prompts_the_first_are_looked_at_unasked() {
    let fake = FakeAnalyst::loaded();
    let asks = json!({ "textDocument": { "diagnostic": {} } });
    let (mut client, _) = LspClient::start(fake.clone(), asks).await;
    let uri = "file:///many.jsonl";
    let lines: Vec<String> = (0..500).map(|n| format!("{{\"prompt\":\"line {n}\"}}")).collect();
    client.open(uri, &lines.join("\n")).await;
    let document = json!({ "textDocument": { "uri": uri } });
    let lenses = client.ask("textDocument/codeLens", document).await.unwrap();
    assert_eq!(lenses.as_array().unwrap().len(), 6 * 500);
    assert_eq!(lenses[6 * 499]["command"]["title"], "Limpid: inspect");
    assert_eq!(fake.inspections.load(std::sync::atomic::Ordering::SeqCst), 64);
    client.leave().await;
}

/// What waits for a model on behalf of a client ends with the client.
#[tokio::test]
async fn a_client_that_left_leaves_nothing_behind() {
    let fake = std::sync::Arc::new(FakeAnalyst::default());
    let (mut client, _) = LspClient::start(fake.clone(), json!({})).await;
    client.open("file:///a.txt", FIVE).await;
    client
        .ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": "file:///a.txt" } }))
        .await
        .unwrap();
    client.leave_unread().await;
    let gone = async {
        while std::sync::Arc::strong_count(&fake) > 1 {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, gone).await.expect("somebody still holds the models");
}

#[tokio::test]
async fn folder_settings_that_change_on_the_disk_hold_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("file://{}/x.txt", folder.path().display());
    let capabilities =
        json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), capabilities).await;
    let asked = client.told("client/registerCapability").await;
    let registered = &asked["params"]["registrations"][0];
    assert_eq!(registered["method"], "workspace/didChangeWatchedFiles");
    assert_eq!(registered["registerOptions"]["watchers"][0]["globPattern"], "**/limpid.toml");
    client.reply(&asked).await;

    client.open(&uri, "one two").await;
    let whole =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let hints = json!({ "textDocument": { "uri": uri }, "range": whole });
    let before = client.ask("textDocument/inlayHint", hints.clone()).await.unwrap();
    assert_eq!(before.as_array().unwrap().len(), 1);
    std::fs::write(folder.path().join("limpid.toml"), "inlay.predictions = 0").unwrap();
    let changed = json!({ "changes": [{ "uri": uri.replace("x.txt", "limpid.toml"), "type": 1 }] });
    client.notify("workspace/didChangeWatchedFiles", changed).await;
    let after = client.ask("textDocument/inlayHint", hints).await.unwrap();
    assert_ne!(after, before);
    client.leave_unread().await;
}
