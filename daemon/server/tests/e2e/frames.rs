//! Broken frames: the server goes on, whatever bytes arrive. `LIMPID_FUZZ_INPUTS` sets how many mutated sessions are sent.

use crate::{fake_analyst::FakeAnalyst, lsp_client::LspClient};
use limpid_server::{ClientSettings, Shared, serve};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_session_goes_on_after_garbage() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    let bad: &[&[u8]] = &[
        b"Content-Length: 2\r\n\r\n\xff\xfe",
        b"Content-Length: 4\r\n\r\n{{{{",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 18446744073709551616\r\n\r\n",
        b"A: b\r\nC: d\r\nE: f\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Type: text/plain; charset=latin-1\r\nContent-Length: 4\r\n\r\nnull",
        b"nonsense\r\n\r\n",
    ];
    for frame in bad {
        client.send_bytes(frame).await;
        assert!(
            client.ask("limpid/status", json!({})).await.is_ok(),
            "{:?}",
            String::from_utf8_lossy(frame)
        );
    }
    client.leave().await;
}

#[tokio::test]
async fn unknown_methods_wrong_params_and_reused_ids_are_answered() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    assert_eq!(client.ask("limpid/nothing", json!({})).await.unwrap_err()["code"], -32601);
    assert_eq!(client.ask("textDocument/hover", json!([1])).await.unwrap_err()["code"], -32602);
    assert_eq!(client.ask("limpid/status", json!(null)).await.unwrap_err()["code"], -32602);
    client.send(json!({ "jsonrpc": "2.0", "id": 77, "result": 5 })).await;
    client.notify("textDocument/didChange", json!({ "nothing": 1 })).await;
    assert!(client.ask("limpid/status", json!({})).await.is_ok());
    client.leave().await;
}

#[tokio::test]
async fn a_client_that_vanishes_mid_request_ends_the_server() {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    client.open("file:///a.txt", "BLOCK").await;
    let subject = json!({ "prompt": { "uri": "file:///a.txt", "version": 1 } });
    client.request("limpid/routes", json!({ "subject": subject })).await;
    client.vanish().await;
}

/// A small linear congruential generator, so that a seed names a run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

fn frame(message: serde_json::Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn session() -> Vec<Vec<u8>> {
    let uri = "file:///a.txt";
    let document =
        json!({ "uri": uri, "languageId": "plaintext", "version": 1, "text": "The 😀 of\nit" });
    let place =
        json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 5 } });
    let range =
        json!({ "start": { "line": 0, "character": 4 }, "end": { "line": 1, "character": 1 } });
    let change = json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "range": range, "text": "é" }] });
    let call = |id: i32, method: &str, params: &serde_json::Value| {
        frame(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    };
    let tell = |method: &str, params: &serde_json::Value| {
        frame(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    };
    vec![
        tell("textDocument/didOpen", &json!({ "textDocument": document })),
        call(2, "textDocument/hover", &place),
        tell("textDocument/didChange", &change),
        call(3, "textDocument/documentHighlight", &place),
        call(4, "limpid/tokens", &json!({ "subject": { "prompt": { "uri": uri, "version": 2 } } })),
        tell("$/cancelRequest", &json!({ "id": 4 })),
        frame(json!({ "jsonrpc": "2.0", "id": 9, "result": null })),
    ]
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    const PIECES: &[&[u8]] = &[
        b"Content-Length: ",
        b"\r\n\r\n",
        b"\xf0\x9f",
        b"{",
        b"\"",
        b"-1",
        b"4294967295",
        b"null",
        b"\\ud800",
        b"\0",
    ];
    for _ in 0..=dice.below(6) {
        if bytes.is_empty() {
            return;
        }
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 => bytes[at] = dice.below(256) as u8,
            1 => {
                bytes.remove(at);
            }
            2 => {
                let piece = PIECES[dice.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            3 => bytes.truncate(at + 1),
            _ => {
                let end = (at + dice.below(30)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
}

#[tokio::test]
async fn mutated_frames_never_take_the_server_down() {
    let inputs =
        std::env::var("LIMPID_FUZZ_INPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let shared = Shared::start(FakeAnalyst::loaded()).unwrap();
    for seed in 0..inputs {
        let mut dice = Dice(seed);
        let mut input = frame(
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "capabilities": {} } }),
        );
        for mut message in session() {
            if dice.below(2) == 0 {
                mutate(&mut message, &mut dice);
            }
            input.extend(message);
        }
        // Now and then a few bytes at a time, so that frames arrive in pieces.
        let at_once = if dice.below(2) == 0 { 1 << 20 } else { 1 + dice.below(200) };
        let (ours, theirs) = tokio::io::duplex(at_once);
        let (reader, writer) = tokio::io::split(theirs);
        let server = tokio::spawn(serve(shared.clone(), ClientSettings::default(), reader, writer));
        let (mut from_server, mut to_server) = tokio::io::split(ours);
        let send = async {
            to_server.write_all(&input).await.unwrap();
            to_server.shutdown().await.unwrap();
        };
        let mut output = Vec::new();
        let receive = async { tokio::join!(send, from_server.read_to_end(&mut output)) };
        let read = tokio::time::timeout(Duration::from_secs(20), receive).await;
        assert!(read.is_ok(), "seed {seed}: the server hangs");
        server.await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(output.starts_with(b"Content-Length"), "seed {seed}: no answer to initialize");
    }
}
