//! `limpid/effect`: rows and the whole, what is kept, beside the scores in every view, the command, and what stops it; switches of a
//! continuation, and their file.

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
async fn rows_come_as_they_are_measured_and_the_answer_is_whole() {
    let mut client = opened("The capital of France is").await;
    let wanted = params(1, &json!({ "budget": { "runs": 2 }, "partial_result_token": "e1" }));
    let answer = client.ask("limpid/effect", wanted).await.unwrap();
    let mut rows = Vec::new();
    for _ in 0..2 {
        let told = client.told("$/progress").await["params"].clone();
        assert_eq!(told["token"], "e1");
        rows.extend(told["value"].as_array().unwrap().clone());
    }
    let view = &answer["view"];
    assert_eq!(view["effects"], json!(rows));
    assert_eq!(view["effects"][1]["intervention"], json!({ "kind": "knockout", "token": 1 }));
    assert_eq!(
        view["unmeasured"],
        json!([{ "kind": "knockout", "token": 2 }, { "kind": "knockout", "token": 3 }])
    );
    assert_eq!(view["is_cut_short"], true);
    // What is measured is measured once: the rest is all that is left to do.
    let rest = params(1, &json!({ "budget": { "runs": 2 } }));
    let whole = client.ask("limpid/effect", rest).await.unwrap();
    assert_eq!(whole["view"]["effects"].as_array().unwrap().len(), 4);
    assert_eq!(whole["view"]["is_cut_short"], false);
    client.leave().await;
}

#[tokio::test]
async fn what_is_measured_stands_beside_the_scores_and_the_rest_says_so() {
    let mut client = opened("The capital of France is").await;
    let at = json!({ "textDocument": { "uri": URI }, "position": { "line": 0, "character": 6 } });
    let hover = client.ask("textDocument/hover", at.clone()).await.unwrap();
    let said = hover["contents"]["value"].as_str().unwrap().to_owned();
    assert!(said.contains("Effect of hiding it: not measured"), "{said}");
    let before = client.ask("limpid/attribution", params(1, &json!({}))).await.unwrap();
    assert_eq!(before["view"]["attribution"]["effects"], Value::Null);

    let hidden = json!([{ "kind": "knockout", "token": 1 }, "head 1.2"]);
    let wanted = params(1, &json!({ "interventions": hidden }));
    client.ask("limpid/effect", wanted).await.unwrap();
    let hover = client.ask("textDocument/hover", at).await.unwrap();
    let said = hover["contents"]["value"].as_str().unwrap().to_owned();
    assert!(said.contains("Effect of hiding it +2.00 nats: supports ≠ the estimate"), "{said}");
    let after = client.ask("limpid/attribution", params(1, &json!({}))).await.unwrap();
    let attribution = &after["view"]["attribution"];
    assert_eq!(attribution["effects"], json!([null, 2.0, null, null, null]));
    assert_eq!(attribution["disagreements"][1], "sign");
    assert_eq!(after["view"]["heads"][0]["effect"], 1.0);
    let routes = client.ask("limpid/routes", params(1, &json!({}))).await.unwrap();
    assert_eq!(routes["view"]["heads"][0]["effect"], 1.0);
    client.leave().await;
}

#[tokio::test]
async fn a_range_of_the_document_is_measured_alone() {
    let mut client = opened("The capital of\nFrance is").await;
    let line =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 14 } });
    let answer = client.ask("limpid/effect", params(1, &json!({ "within": line }))).await.unwrap();
    let tokens: Vec<&Value> = answer["view"]["effects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["intervention"]["token"])
        .collect();
    assert_eq!(tokens, [0, 1, 2]);
    client.leave().await;
}

#[tokio::test]
async fn others_are_served_between_two_batches_and_cancelling_an_edit_and_a_newer_one_stop_it() {
    let mut client = opened("ENDLESS words here").await;
    let endless = client.request("limpid/effect", params(1, &json!({}))).await;
    let head = params(1, &json!({ "layer": 0, "head": 0 }));
    assert_eq!(client.ask("limpid/head", head).await.unwrap()["view"]["row"]["layer"], 0);
    client.notify("$/cancelRequest", json!({ "id": endless })).await;
    assert_eq!(client.answer(endless).await.unwrap_err()["code"], -32800);
    let older = client.request("limpid/effect", params(1, &json!({}))).await;
    let newer = client.request("limpid/effect", params(1, &json!({}))).await;
    assert_eq!(client.answer(older).await.unwrap_err()["data"]["kind"], "cancelled");
    client.replace_all(URI, 2, "The capital").await;
    assert_eq!(client.answer(newer).await.unwrap_err()["data"]["kind"], "stale-version");
    client.leave().await;
}

#[tokio::test]
async fn the_command_says_what_does_most() {
    let mut client = opened("The capital of France is").await;
    let at = json!({ "uri": URI, "position": { "line": 0, "character": 0 } });
    let measure = json!({ "command": "limpid.measure", "arguments": [at] });
    client.ask("workspace/executeCommand", measure).await.unwrap();
    let said = client.told("window/showMessage").await["params"]["message"].clone();
    let said = said.as_str().unwrap();
    assert!(said.starts_with("4 runs: hiding a part takes from"), "{said}");
    assert!(said.contains("+4.00 `·France` (estimate ~-1.00"), "{said}");
    let range =
        json!({ "start": { "line": 0, "character": 3 }, "end": { "line": 0, "character": 11 } });
    let at = json!({ "uri": URI, "position": { "line": 0, "character": 3 }, "range": range });
    let measure = json!({ "command": "limpid.measure", "arguments": [at] });
    client.ask("workspace/executeCommand", measure).await.unwrap();
    let said = client.told("window/showMessage").await["params"]["message"].clone();
    assert!(said.as_str().unwrap().starts_with("1 runs"), "{said}");
    client.leave().await;
}

#[tokio::test]
async fn a_line_that_was_measured_to_do_nothing_is_pointed_at() {
    let pulls = json!({ "textDocument": { "diagnostic": {} } });
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), pulls).await;
    let settings = json!({ "limpid": { "effects": { "floor": 2, "auto": "lines" } } });
    client.notify("workspace/didChangeConfiguration", json!({ "settings": settings })).await;
    client.open(URI, "One\nTwo\n\nThree\nFour").await;
    let ask = json!({ "textDocument": { "uri": URI } });
    let report = client.ask("textDocument/diagnostic", ask.clone()).await.unwrap();
    assert_eq!(report["items"], json!([]), "nothing is measured");
    // The stand-in says that hiding token `i` takes `i + 1` nats.
    let answer = client.ask("limpid/effect", params(1, &json!({}))).await.unwrap();
    assert_eq!(answer["view"]["effects"].as_array().unwrap().len(), 4);
    let report = client.ask("textDocument/diagnostic", ask.clone()).await.unwrap();
    let items = report["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{report}");
    assert_eq!(
        items[0]["message"],
        "this line has no measured effect on the answer (knock-out +1.00 nats; floor 2); remove it?"
    );
    assert_eq!((&items[0]["severity"], &items[0]["code"]), (&json!(4), &json!("idle-line")));
    assert_eq!(items[0]["range"]["end"], json!({ "line": 1, "character": 0 }));
    // What taking it out does is said where it is known.
    let deleted = json!({ "interventions": [{ "kind": "delete", "token": 0 }, "knockout 2"] });
    client.ask("limpid/effect", params(1, &deleted)).await.unwrap();
    let report = client.ask("textDocument/diagnostic", ask).await.unwrap();
    assert!(report["items"][0]["message"].as_str().unwrap().contains("delete +1.00, knock-out"));
    let actions = json!({
        "textDocument": { "uri": URI }, "range": items[0]["range"],
        "context": { "diagnostics": [items[0]], "only": ["quickfix"] },
    });
    let fixes = client.ask("textDocument/codeAction", actions).await.unwrap();
    assert_eq!(fixes[0]["title"], "Remove the line");
    assert_eq!(fixes[0]["edit"]["changes"][URI][0]["newText"], "");
    client.leave().await;
}

#[tokio::test]
async fn params_of_the_wrong_kind_are_named() {
    let mut client = opened("The capital").await;
    for (more, says) in [
        (json!({ "interventions": ["head x"] }), "interventions[0]: `head x` is no intervention"),
        (json!({ "interventions": [{ "kind": "head_zero", "lay": 3 }] }), "unknown field `lay`"),
        (json!({ "interventions": [[]] }), "the list is empty"),
        (json!({ "set": "everything" }), "set: unknown variant `everything`"),
        (json!({ "budget": { "runs": -1 } }), "budget.runs: invalid value: integer `-1`"),
    ] {
        let error = client.ask("limpid/effect", params(1, &more)).await.unwrap_err();
        assert_eq!(error["data"]["kind"], "bad-request");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
    client.leave().await;
}

#[tokio::test]
async fn with_and_without_switches_is_written_side_by_side() {
    let mut client = opened("The capital of").await;
    let wanted =
        params(1, &json!({ "max_tokens": 3, "switches": "head 1.2", "partial_result_token": 7 }));
    let answer = client.ask("limpid/continue", wanted).await.unwrap();
    let view = &answer["view"];
    assert_eq!(
        (&view["text"], &view["unchanged"]["text"]),
        (&json!(" w0 v1 w2"), &json!(" w0 w1 w2"))
    );
    assert_eq!(view["unchanged"]["first_difference"], 1);
    let mut sides = Vec::new();
    for _ in 0..6 {
        sides.push(client.told("$/progress").await["params"]["value"]["side"].clone());
    }
    assert_eq!(sides[..2], [json!("switched"), json!("unchanged")]);
    client.leave().await;
}

#[tokio::test]
async fn sets_of_switches_are_kept_beside_the_prompt() {
    let folder = std::env::temp_dir().join(format!("limpid-switches-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let uri = format!("file://{}/a.prompt", folder.display());
    let file = folder.join("a.prompt.switches.toml");
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open(&uri, "The capital of").await;
    let about = |more: Value| {
        let mut params = json!({ "subject": { "prompt": { "uri": uri, "version": 1 } } });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let set = json!({ "name": "off", "switches": ["head 1.2"] });
    let saved = client.ask("limpid/switches", about(json!({ "save": set }))).await.unwrap();
    std::fs::write(&file, saved["view"]["text"].as_str().unwrap()).unwrap();
    let read = client.ask("limpid/switches", about(json!({}))).await.unwrap();
    assert_eq!(read["view"]["sets"][0]["name"], "off");
    assert_eq!(read["view"]["model"], "Fake");
    let with = about(json!({ "max_tokens": 2, "switch_set": "off" }));
    let written = client.ask("limpid/continue", with).await.unwrap();
    assert_eq!(written["view"]["unchanged"]["first_difference"], 1);
    let none = about(json!({ "switch_set": "on" }));
    let error = client.ask("limpid/continue", none).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("no set `on`; there are `off`"), "{error}");
    std::fs::write(&file, "model = \"Other\"\n[[set]]\nname = \"off\"\nswitches = [\"mlp 1\"]")
        .unwrap();
    let other = about(json!({ "switch_set": "off" }));
    let error = client.ask("limpid/continue", other).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("model `Other`"), "{error}");
    std::fs::write(&file, "[[set]]\nname = \"off\"\nswitches = [\"mlp x\"]").unwrap();
    let error = client.ask("limpid/switches", about(json!({}))).await.unwrap_err();
    assert_eq!(error["data"]["kind"], "malformed-file");
    assert!(error["message"].as_str().unwrap().contains("switches.toml:3:13: `mlp x`"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
    client.leave().await;
}
