//! A small LSP client over an in-memory pipe to a real server. Dropping it fails the test if a message was left unread.

use limpid_server::{Analyst, ClientSettings, Shared, serve};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf,
    },
    task::JoinHandle,
};

/// A test that waits longer than this has hung.
const HANG: Duration = Duration::from_secs(20);

pub struct LspClient {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: Option<WriteHalf<DuplexStream>>,
    server: Option<JoinHandle<()>>,
    unread: VecDeque<Value>,
    next_id: i64,
}

impl LspClient {
    /// A client of a fresh server, before `initialize`.
    pub fn connect(analyst: Arc<dyn Analyst>) -> Self {
        Self::join(Shared::start(analyst).unwrap(), ClientSettings::default())
    }

    /// One more client of a server, before `initialize`.
    pub fn join(shared: Arc<Shared>, settings: ClientSettings) -> Self {
        Self::over(tokio::io::duplex(1 << 20), shared, settings)
    }

    /// A client whose pipe holds few bytes.
    pub fn join_narrow(shared: Arc<Shared>, bytes: usize) -> Self {
        Self::over(tokio::io::duplex(bytes), shared, ClientSettings::default())
    }

    fn over(
        (ours, theirs): (DuplexStream, DuplexStream),
        shared: Arc<Shared>,
        settings: ClientSettings,
    ) -> Self {
        let (input, output) = tokio::io::split(theirs);
        let server = tokio::spawn(serve(shared, settings, input, output));
        let (reader, writer) = tokio::io::split(ours);
        let unread = VecDeque::new();
        Self {
            reader: BufReader::new(reader),
            writer: Some(writer),
            server: Some(server),
            unread,
            next_id: 0,
        }
    }

    /// A client that is through the handshake.
    pub async fn start(analyst: Arc<dyn Analyst>, capabilities: Value) -> (Self, Value) {
        let mut client = Self::connect(analyst);
        let result = client.initialize(capabilities).await;
        (client, result)
    }

    pub async fn initialize(&mut self, capabilities: Value) -> Value {
        let result = self.ask("initialize", json!({ "capabilities": capabilities })).await.unwrap();
        self.notify("initialized", json!({})).await;
        result
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.writer.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    pub async fn send(&mut self, message: Value) {
        let body = message.to_string();
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    }

    pub async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Sends a request without waiting; answers its id.
    pub async fn request(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        self.send(
            json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params }),
        )
        .await;
        self.next_id
    }

    /// The answer to a request: its result, or its error.
    pub async fn answer(&mut self, id: i64) -> Result<Value, Value> {
        let message =
            self.find(|message| message["id"] == id && message.get("method").is_none()).await;
        match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        }
    }

    pub async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.request(method, params).await;
        self.answer(id).await
    }

    /// The next request or notification of the server with this method.
    pub async fn told(&mut self, method: &str) -> Value {
        self.find(|message| message["method"] == method).await
    }

    /// Answers a request of the server.
    pub async fn reply(&mut self, to: &Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": to["id"], "result": null })).await;
    }

    pub async fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "plaintext", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    pub async fn replace_all(&mut self, uri: &str, version: i32, text: &str) {
        self.change(uri, version, json!({ "text": text })).await;
    }

    pub async fn change(&mut self, uri: &str, version: i32, change: Value) {
        let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": [change] });
        self.notify("textDocument/didChange", params).await;
    }

    /// Reads until each of these requests is answered, and takes their ids away; answers what the server asks.
    pub async fn settle(&mut self, open: &mut BTreeSet<i64>) {
        while !open.is_empty() {
            let message = match self.unread.pop_front() {
                Some(message) => message,
                None => {
                    let message = tokio::time::timeout(HANG, self.read()).await;
                    let Ok(message) = message else { return };
                    message.expect("the server closed its stream")
                }
            };
            if message.get("method").is_none() {
                let id = message["id"].as_i64().unwrap_or(-1);
                assert!(open.remove(&id), "answered twice, or never asked: {message}");
            } else if message.get("id").is_some() {
                self.reply(&message).await;
            }
        }
    }

    /// As [`Self::leave`], whatever else was said.
    pub async fn leave_unread(mut self) {
        self.ask("shutdown", Value::Null).await.unwrap();
        self.unread.clear();
        self.vanish().await;
    }

    /// Ends the session as an editor does, and checks that nothing was left unread.
    pub async fn leave(mut self) {
        self.ask("shutdown", Value::Null).await.unwrap();
        self.send(json!({ "jsonrpc": "2.0", "method": "exit" })).await;
        self.writer = None;
        tokio::time::timeout(HANG, self.server.take().unwrap())
            .await
            .expect("the server hangs")
            .unwrap();
        while let Some(message) = self.read().await {
            self.unread.push_back(message);
        }
    }

    /// Closes the connection without a word; the server must end.
    pub async fn vanish(mut self) {
        let (_, unused) = tokio::io::split(tokio::io::duplex(1).0);
        drop(self.writer.replace(unused));
        let (gone, _) = tokio::io::split(tokio::io::duplex(1).0);
        drop(std::mem::replace(&mut self.reader, BufReader::new(gone)));
        tokio::time::timeout(HANG, self.server.take().unwrap())
            .await
            .expect("the server hangs")
            .unwrap();
    }

    async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unread.iter().position(&wanted) {
            return self.unread.remove(at).unwrap();
        }
        loop {
            let message = tokio::time::timeout(HANG, self.read()).await;
            let message =
                message.expect("no answer in time").expect("the server closed its stream");
            if wanted(&message) {
                return message;
            }
            self.unread.push_back(message);
        }
    }

    async fn read(&mut self) -> Option<Value> {
        let mut length = None;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            match line.trim_end().strip_prefix("Content-Length: ") {
                Some(found) => length = found.parse::<usize>().ok(),
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length?];
        self.reader.read_exact(&mut body).await.ok()?;
        serde_json::from_slice(&body).ok()
    }
}

impl Drop for LspClient {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.unread.is_empty(), "unread messages: {:?}", self.unread);
        }
    }
}
