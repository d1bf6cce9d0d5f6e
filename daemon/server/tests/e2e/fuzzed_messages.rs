//! Messages made from a grammar of the protocol, then bent: every request is answered once, and the server goes on.
//! `LIMPID_FUZZ_MESSAGES=N` sends N of them (20,000 by default); the seed of a failing run is printed.

use crate::{fake_analyst::FakeAnalyst, frames::Dice, lsp_client::LspClient};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Messages on their way before their answers are read.
const BATCH: usize = 48;
/// Messages of one session; then a new client comes.
const SESSION: usize = 2_000;

const URIS: &[&str] = &[
    "file:///a.prompt",
    "file:///b.txt",
    "file:///c.md",
    "file:///d.json",
    "file:///e.jsonl",
    "file:///f.prompty",
    "file:///g.rs",
    "file:///limpid.toml",
    "untitled:1",
    "file:///never",
];
const LANGUAGES: &[&str] = &["prompt", "plaintext", "markdown", "json", "rust", "toml", ""];
const TEXTS: &[&str] = &[
    "",
    "The capital of France is",
    "system:\nBe brief.\nuser:\nName <|end|> one 😀 city. \n",
    "---\nmodel: Fake\ntarget: \" Paris\"\nuntrusted: 4-5\n---\nuser:\nHi {{name}}\n",
    "# A\n\n```prompt chat\n> é\r\nuser: x\n```\n\n```prompt\nQ: 1\nA: 2\n\nQ: 3\nA: 4\n```\n",
    "[{\"role\":\"user\",\"content\":\"a\\n\\u00e9\\ud83d\\ude00\"}]",
    "{\"prompt\":\"one\"}\n{\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}\nnot json\n",
    "let x = \"a\\tb\";\n",
    "model = 3\n[inlay]\nsurprisal = true\n",
    "<!-- limpid: model=Fake, foil=\" the\" -->\nBLOCK",
    "PANIC",
    "LONG",
    "a\u{202e}b\0c\u{feff}",
    "{{{{{{",
    "---\n---\n---\n",
];
const METHODS: &[&str] = &[
    "textDocument/hover",
    "textDocument/inlayHint",
    "textDocument/documentHighlight",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/prepareCallHierarchy",
    "textDocument/documentSymbol",
    "textDocument/foldingRange",
    "textDocument/selectionRange",
    "textDocument/codeLens",
    "textDocument/codeAction",
    "textDocument/completion",
    "textDocument/semanticTokens/full",
    "textDocument/documentColor",
    "textDocument/diagnostic",
    "textDocument/formatting",
    "callHierarchy/incomingCalls",
    "callHierarchy/outgoingCalls",
    "inlayHint/resolve",
    "workspace/executeCommand",
    "limpid/tokens",
    "limpid/attribution",
    "limpid/routes",
    "limpid/lens",
    "limpid/node",
    "limpid/edge",
    "limpid/head",
    "limpid/mlp",
    "limpid/neuron",
    "limpid/compare",
    "limpid/status",
    "limpid/nothing",
    "initialize",
    "$/unknown",
];
const COMMANDS: &[&str] =
    &["limpid.inspect", "limpid.setTarget", "limpid.setFoil", "limpid.applyTemplate", "limpid.x"];

struct Maker(Dice);

impl Maker {
    fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn position(&mut self) -> Value {
        let far = self.below(20) == 0;
        let (lines, columns) = if far { (usize::MAX >> 33, usize::MAX >> 33) } else { (8, 40) };
        json!({ "line": self.below(lines), "character": self.below(columns) })
    }

    fn range(&mut self) -> Value {
        json!({ "start": self.position(), "end": self.position() })
    }

    fn text(&mut self) -> String {
        let mut text = self.one(TEXTS).to_owned();
        for _ in 0..self.below(3) {
            text += self.one(TEXTS);
        }
        text
    }

    fn subject(&mut self) -> Value {
        let mut subject = Map::new();
        let uri = self.one(URIS);
        let prompt = json!({ "uri": uri, "version": self.below(6), "at": self.position() });
        subject.insert("prompt".into(), prompt);
        if self.below(3) == 0 {
            subject.insert("target".into(), json!({ "position": self.below(9), "token": 3 }));
        }
        if self.below(5) == 0 {
            subject.insert("analysis".into(), json!("a0123456789abcdef"));
        }
        if self.below(5) == 0 {
            subject.insert("model".into(), json!(self.one(&["Fake", "None", ""])));
        }
        Value::Object(subject)
    }

    fn params(&mut self, method: &str) -> Value {
        let document = json!({ "uri": self.one(URIS) });
        let item = json!({
            "name": "x", "kind": 12, "uri": self.one(URIS), "range": self.range(),
            "selectionRange": self.range(),
            "data": { "analysis": "a0", "kind": "mlp", "layer": self.below(3), "position": 1 },
        });
        match method {
            "callHierarchy/incomingCalls" | "callHierarchy/outgoingCalls" => {
                json!({ "item": item })
            }
            "inlayHint/resolve" => json!({
                "position": self.position(), "label": "x", "data": { "analysis": "a1" },
            }),
            "workspace/executeCommand" => json!({
                "command": self.one(COMMANDS),
                "arguments": [{ "uri": self.one(URIS), "position": self.position() }],
            }),
            "textDocument/selectionRange" => {
                json!({ "textDocument": document, "positions": [self.position(), self.position()] })
            }
            "textDocument/codeAction" => json!({
                "textDocument": document, "range": self.range(), "context": { "diagnostics": [] },
            }),
            "initialize" => json!({ "capabilities": {} }),
            _ if method.starts_with("limpid/") => {
                let node = json!({ "kind": "resid_post", "layer": self.below(4), "position": self.below(9) });
                json!({
                    "subject": self.subject(), "layer": self.below(4), "head": self.below(9),
                    "neuron": self.below(20), "node": node, "from": node, "to": node,
                    "with": [self.subject()], "max_edges": self.below(9),
                })
            }
            _ => json!({
                "textDocument": document, "position": self.position(), "range": self.range(),
                "context": { "includeDeclaration": true }, "options": {},
            }),
        }
    }

    /// Replaces a value somewhere inside by another one.
    fn bend(&mut self, value: &mut Value) {
        let inner: Option<&mut Value> = match value {
            Value::Object(fields) if !fields.is_empty() && self.below(4) > 0 => {
                let at = self.below(fields.len());
                fields.values_mut().nth(at)
            }
            Value::Array(items) if !items.is_empty() && self.below(4) > 0 => {
                let at = self.below(items.len());
                items.get_mut(at)
            }
            _ => None,
        };
        match inner {
            Some(inner) => self.bend(inner),
            None => {
                let odd = [
                    json!(null),
                    json!(-1),
                    json!(1e300),
                    json!("\u{0}\u{202e}"),
                    json!([]),
                    json!({}),
                    json!(true),
                    json!(4_294_967_296u64),
                    json!(["file:///a.prompt"]),
                ];
                *value = odd[self.below(odd.len())].clone();
            }
        }
    }

    /// The next message; `id` is used by requests.
    fn message(&mut self, id: i64) -> Value {
        let uri = self.one(URIS);
        let mut message = match self.below(12) {
            0 => json!({ "method": "textDocument/didOpen", "params": { "textDocument": {
                "uri": uri, "languageId": self.one(LANGUAGES), "version": self.below(3), "text": self.text(),
            } } }),
            1 | 2 => {
                let edits: Vec<Value> = (0..self.below(3))
                    .map(|_| match self.below(4) {
                        0 => json!({ "text": self.text() }),
                        _ => json!({ "range": self.range(), "text": self.one(&["", "x", "😀\n", " "]) }),
                    })
                    .collect();
                let document = json!({ "uri": uri, "version": self.below(9) });
                let params = json!({ "textDocument": document, "contentChanges": edits });
                json!({ "method": "textDocument/didChange", "params": params })
            }
            3 => {
                json!({ "method": "textDocument/didClose", "params": { "textDocument": { "uri": uri } } })
            }
            4 => {
                json!({ "method": "$/cancelRequest", "params": { "id": id - self.below(9) as i64 } })
            }
            5 => json!({ "method": "workspace/didChangeConfiguration",
                "params": { "settings": { "limpid": { "inlay": { "predictions": self.below(20) } } } } }),
            _ => {
                let method = self.one(METHODS);
                json!({ "id": id, "method": method, "params": self.params(method) })
            }
        };
        if self.below(8) == 0
            && let Some(params) = message.get_mut("params")
        {
            self.bend(params);
        }
        message["jsonrpc"] = json!("2.0");
        message
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_answered_once_whatever_is_sent() {
    let wanted = std::env::var("LIMPID_FUZZ_MESSAGES").ok().and_then(|n| n.parse().ok());
    let (mut left, mut seed) = (wanted.unwrap_or(20_000usize), 0u64);
    while left > 0 {
        seed += 1;
        session(&mut Maker(Dice(seed)), left.min(SESSION), seed).await;
        left -= left.min(SESSION);
    }
}

async fn session(maker: &mut Maker, n_messages: usize, seed: u64) {
    let (mut client, _) = LspClient::start(FakeAnalyst::loaded(), json!({})).await;
    let mut id = 1_000;
    let (mut open, mut asked) = (BTreeSet::new(), BTreeMap::new());
    for sent in 0..n_messages {
        id += 1;
        let message = maker.message(id);
        if message.get("id").is_some() {
            open.insert(id);
            asked.insert(id, message.clone());
        }
        client.send(message).await;
        if sent % BATCH == BATCH - 1 || sent + 1 == n_messages {
            // What blocks until it is cancelled is cancelled by closing its documents.
            for uri in URIS {
                let document = json!({ "textDocument": { "uri": uri } });
                client.notify("textDocument/didClose", document).await;
            }
            client.settle(&mut open).await;
            asked.retain(|id, _| open.contains(id));
            assert!(open.is_empty(), "seed {seed}: no answer to {asked:?}");
        }
    }
    client.leave_unread().await;
}
