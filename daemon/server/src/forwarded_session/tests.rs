//! A session broken off anywhere goes on with the next server.

use crate::forwarded_session::ForwardedSession;
use serde_json::{Value, json};

const URI: &str = "file:///a.prompt";

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn one(mut messages: Vec<Vec<u8>>) -> Option<Value> {
    assert!(messages.len() <= 1);
    messages.pop().map(|body| read(&body))
}

/// What the server is told when the client says something.
fn say(session: &mut ForwardedSession, message: Value) -> Option<Value> {
    one(session.client_said(message.to_string().into_bytes()).to_server)
}

/// What the client is told when the server says something.
fn hear(session: &mut ForwardedSession, message: Value) -> Option<Value> {
    one(session.server_said(message.to_string().into_bytes()).to_client)
}

fn replayed(session: &mut ForwardedSession) -> Vec<Value> {
    session.replay().iter().map(|body| read(body)).collect()
}

fn greeted(encoding: &str) -> ForwardedSession {
    let mut session = ForwardedSession::default();
    say(&mut session, json!({ "id": 1, "method": "initialize", "params": { "capabilities": {} } }));
    assert!(session.greeting().is_none(), "the client's own request is still to be answered");
    assert_eq!(replayed(&mut session).len(), 1);
    let result = json!({ "capabilities": { "positionEncoding": encoding } });
    hear(&mut session, json!({ "id": 1, "result": result }));
    say(&mut session, json!({ "method": "initialized", "params": {} }));
    session
}

fn open(session: &mut ForwardedSession, text: &str) {
    let item = json!({ "uri": URI, "languageId": "plaintext", "version": 1, "text": text });
    let params = json!({ "textDocument": item });
    say(session, json!({ "method": "textDocument/didOpen", "params": params }));
}

fn change(session: &mut ForwardedSession, version: i32, change: Value) {
    let params =
        json!({ "textDocument": { "uri": URI, "version": version }, "contentChanges": [change] });
    say(session, json!({ "method": "textDocument/didChange", "params": params }));
}

#[test]
fn documents_are_told_at_their_current_text_in_the_negotiated_encoding() {
    for (encoding, character) in [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)] {
        let mut session = greeted(encoding);
        open(&mut session, "😀 end");
        let at = json!({ "line": 0, "character": character });
        change(&mut session, 2, json!({ "range": { "start": at, "end": at }, "text": "é" }));
        session.lost();
        assert_eq!(read(&session.greeting().unwrap())["method"], "initialize");
        let told = replayed(&mut session);
        assert_eq!(told[0]["method"], "initialized");
        let item = &told[1]["params"]["textDocument"];
        assert_eq!((&item["text"], &item["version"]), (&json!("😀é end"), &json!(2)), "{encoding}");
        say(
            &mut session,
            json!({ "method": "textDocument/didClose", "params": { "textDocument": { "uri": URI } } }),
        );
        assert_eq!(replayed(&mut session).len(), 1);
    }
}

#[test]
fn a_document_out_of_step_stays_so() {
    let mut session = greeted("utf-16");
    open(&mut session, "one");
    let far = json!({ "line": 9, "character": 0 });
    change(&mut session, 2, json!({ "range": { "start": far, "end": far }, "text": "x" }));
    let told = replayed(&mut session);
    assert_eq!(told[2]["method"], "textDocument/didChange");
    assert_eq!(
        told[1]["params"]["textDocument"]["version"],
        told[2]["params"]["textDocument"]["version"]
    );
}

#[test]
fn requests_that_wait_are_asked_again_and_only_those() {
    let mut session = greeted("utf-16");
    say(&mut session, json!({ "id": "a", "method": "limpid/status", "params": {} }));
    say(&mut session, json!({ "id": 7, "method": "textDocument/hover", "params": {} }));
    hear(&mut session, json!({ "id": "a", "result": {} }));
    session.lost();
    let told = replayed(&mut session);
    assert_eq!(told.iter().filter(|message| message.get("id").is_some()).count(), 1);
    assert!(session.waits());
    assert!(hear(&mut session, json!({ "id": 7, "result": null })).is_some());
    assert!(
        hear(&mut session, json!({ "id": 7, "result": null })).is_none(),
        "never answered twice"
    );
    assert!(!session.waits());
}

#[test]
fn a_request_that_kills_every_server_is_answered_with_an_error() {
    let mut session = greeted("utf-16");
    say(&mut session, json!({ "id": 7, "method": "textDocument/hover", "params": {} }));
    let again = || {
        session.replay();
        session.lost()
    };
    let told = std::iter::repeat_with(again).find(|told| !told.is_empty()).unwrap();
    assert_eq!(read(&told[0])["error"]["code"], -32603);
    assert!(!session.waits());
}

#[test]
fn progress_is_ended_and_ids_of_the_servers_requests_stay_unique() {
    let mut session = greeted("utf-16");
    let create =
        json!({ "id": 0, "method": "window/workDoneProgress/create", "params": { "token": "t" } });
    let first = hear(&mut session, create.clone()).unwrap()["id"].clone();
    let progress = |kind: &str, token: &str| json!({ "method": "$/progress", "params": { "token": token, "value": { "kind": kind } } });
    hear(&mut session, progress("begin", "t"));
    hear(&mut session, progress("begin", "u"));
    hear(&mut session, progress("end", "u"));
    let ended: Vec<Value> = session.lost().iter().map(|body| read(body)).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["params"], json!({ "token": "t", "value": { "kind": "end" } }));
    replayed(&mut session);
    let second = hear(&mut session, create).unwrap()["id"].clone();
    assert_ne!(first, second);
    assert!(say(&mut session, json!({ "id": first, "result": null })).is_none(), "a late reply");
    let reply = say(&mut session, json!({ "id": second, "result": null })).unwrap();
    assert_eq!(reply["id"], 0);
}

#[test]
fn follow_ups_of_a_lost_analysis_name_its_prompt() {
    let mut session = greeted("utf-16");
    let subject = json!({ "prompt": { "uri": URI, "version": 1 }, "foil": " the" });
    let ask = |id: i64, subject: &Value| json!({ "id": id, "method": "limpid/node", "params": { "subject": subject, "layer": 1 } });
    say(&mut session, ask(2, &subject));
    hear(&mut session, json!({ "id": 2, "result": { "analysis": "a1" } }));
    let follow_up = json!({ "analysis": "a1", "target": { "position": 1 } });
    assert_eq!(say(&mut session, ask(3, &follow_up)).unwrap()["params"]["subject"], follow_up);
    session.lost();
    assert!(say(&mut session, ask(5, &follow_up)).is_none(), "nobody is there to be told");
    let whole = json!({ "prompt": { "uri": URI, "version": 1 }, "foil": " the", "target": { "position": 1 } });
    let load = replayed(&mut session).pop().unwrap();
    assert_eq!(
        (&load["method"], &load["params"]),
        (&json!("limpid/models"), &json!({ "action": "load" }))
    );
    assert!(say(&mut session, ask(4, &follow_up)).is_none(), "the model is still loading");
    let status = json!({ "id": 8, "method": "limpid/status", "params": {} });
    assert!(say(&mut session, status).is_some());
    let loaded = json!({ "id": load["id"], "result": {} });
    let passed = session.server_said(loaded.to_string().into_bytes());
    assert!(passed.to_client.is_empty());
    let asked: Vec<Value> = passed.to_server.iter().map(|body| read(body)).collect();
    assert_eq!(asked.iter().map(|asked| asked["id"].clone()).collect::<Vec<_>>(), [3, 5, 4]);
    assert!(asked.iter().all(|asked| asked["params"]["subject"] == whole));
}

#[test]
fn without_a_server_cancelling_and_leaving_are_answered_here() {
    let mut session = greeted("utf-16");
    session.lost();
    let mut told =
        |message: Value| one(session.client_said(message.to_string().into_bytes()).to_client);
    assert!(told(json!({ "id": 5, "method": "textDocument/hover", "params": {} })).is_none());
    let cancelled = told(json!({ "method": "$/cancelRequest", "params": { "id": 5 } })).unwrap();
    assert_eq!((&cancelled["id"], &cancelled["error"]["code"]), (&json!(5), &json!(-32800)));
    assert_eq!(told(json!({ "id": 6, "method": "shutdown" })).unwrap()["result"], Value::Null);
    told(json!({ "method": "exit" }));
    assert!(!session.waits() && session.has_left());
}

#[test]
fn a_model_that_was_asked_for_is_loaded_by_the_next_server_too() {
    let mut session = greeted("utf-16");
    let load = json!({ "action": "load", "name": "other" });
    say(&mut session, json!({ "id": 2, "method": "limpid/models", "params": load }));
    hear(&mut session, json!({ "id": 2, "result": { "models": [] } }));
    session.lost();
    assert_eq!(replayed(&mut session).pop().unwrap()["params"], load);
}
