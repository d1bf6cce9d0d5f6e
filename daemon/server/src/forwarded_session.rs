//! What a forwarder remembers of a client's session, so that another server can go on where one broke off: the handshake, the documents
//! at their current text, the models in use, the requests that wait. What must not live here: sockets, processes.
//!
//! A server that takes over loads the models in use before it is asked what the last one left unanswered: an answer must not depend on
//! which server gave it.

use crate::{forwarded_documents::ForwardedDocuments, message_head::MessageHead};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Servers that may die over one request before it is answered with an error.
const MOST_ATTEMPTS: u32 = 6;
/// Analyses whose subjects are remembered.
const KEPT_ANALYSES: usize = 256;
/// Notifications that are told to the next server, beside documents.
const KEPT_NOTES: usize = 64;
/// Id of the handshake that the client does not see.
const OWN_ID: &str = "limpid-forwarder";

/// What a message leads to.
#[derive(Debug, Default)]
pub struct Passed {
    /// Messages to the client.
    pub to_client: Vec<Vec<u8>>,
    /// Messages to the server.
    pub to_server: Vec<Vec<u8>>,
}

/// A client's session.
#[derive(Default)]
pub struct ForwardedSession {
    initialize: Option<Value>,
    /// The server's answer reached the client: the next server's is for us.
    is_initialized: bool,
    has_left: bool,
    documents: ForwardedDocuments,
    /// The latest of each notification that sets something.
    notes: Vec<(String, Value)>,
    waiting: VecDeque<Waiting>,
    /// Ids of the server's requests, by the ids that the client sees.
    asked: BTreeMap<i64, Value>,
    serial: i64,
    /// Tokens of progress that the client shows.
    progress: Vec<Value>,
    analyses: VecDeque<Analysis>,
    /// Names of the models that answered, none: the default.
    used: BTreeSet<Option<String>>,
    /// Ids of our requests to load them, while requests wait for that.
    loads: BTreeSet<String>,
    is_connected: bool,
}

struct Waiting {
    id: Value,
    method: String,
    body: Vec<u8>,
    is_sent: bool,
    attempts: u32,
    subject: Option<Value>,
}

/// What an analysis id stands for.
struct Analysis {
    id: String,
    subject: Value,
    /// The server that named it is gone.
    is_lost: bool,
}

impl ForwardedSession {
    /// A message of the client.
    pub fn client_said(&mut self, body: Vec<u8>) -> Passed {
        let mut passed = Passed::default();
        let Ok(message) = serde_json::from_slice::<Value>(&body) else { return passed };
        let id = message.get("id").cloned();
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            passed.to_server.extend(self.reply_of_client(message));
            return passed;
        };
        match (method, id) {
            ("shutdown", Some(id)) if !self.is_connected => {
                let answer = json!({ "jsonrpc": "2.0", "id": id, "result": null });
                passed.to_client.push(bytes(&answer));
            }
            (_, Some(id)) => passed.to_server.extend(self.request(method, id, &message, body)),
            ("$/cancelRequest", None) => match self.given_up(&message["params"]["id"]) {
                Some(id) => passed.to_client.push(error(&id, -32800, "cancelled")),
                None => passed.to_server.push(body),
            },
            (method, None) => {
                self.notification(method, &message);
                passed.to_server.push(body);
            }
        }
        if !self.is_connected {
            // What matters is told to the next server.
            passed.to_server.clear();
        }
        passed
    }

    /// A message of the server.
    pub fn server_said(&mut self, body: Vec<u8>) -> Passed {
        let mut passed = Passed::default();
        let Some(head) = MessageHead::read(&body) else { return passed };
        match (head.method.as_deref(), &head.id) {
            (Some(_), Some(id)) => {
                self.serial += 1;
                self.asked.insert(self.serial, id.clone());
                if let Ok(mut message) = serde_json::from_slice::<Value>(&body) {
                    message["id"] = json!(self.serial);
                    passed.to_client.push(bytes(&message));
                }
            }
            (Some(method), None) => {
                if method == "$/progress" {
                    self.progressed(&body);
                }
                passed.to_client.push(body);
            }
            (None, Some(id)) => {
                if id.as_str().is_some_and(|id| self.loads.remove(id)) {
                    if self.loads.is_empty() {
                        passed.to_server = self.unsent();
                    }
                } else if let Some(at) = self.waiting.iter().position(|one| one.id == *id)
                    && let Some(answered) = self.waiting.remove(at)
                {
                    self.answered(&answered, &head, &body);
                    passed.to_client.push(body);
                }
            }
            (None, None) => passed.to_client.push(body),
        }
        passed
    }

    /// The server is gone; answers what the client is told: progress that nobody will end, requests that nobody will answer.
    pub fn lost(&mut self) -> Vec<Vec<u8>> {
        self.is_connected = false;
        self.asked.clear();
        self.loads.clear();
        self.analyses.iter_mut().for_each(|analysis| analysis.is_lost = true);
        let ended = |token| {
            let params = json!({ "token": token, "value": { "kind": "end" } });
            notification("$/progress", &params)
        };
        let mut told: Vec<Vec<u8>> = self.progress.drain(..).map(ended).collect();
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.is_sent) {
            waiting.attempts += 1;
            waiting.is_sent = false;
        }
        let is_hopeless = |waiting: &Waiting| waiting.attempts >= MOST_ATTEMPTS;
        told.extend(self.waiting.iter().filter(|waiting| is_hopeless(waiting)).map(|waiting| {
            error(
                &waiting.id,
                -32603,
                "the daemon ended over this request again and again; see `limpid daemon logs`",
            )
        }));
        self.waiting.retain(|waiting| !is_hopeless(waiting));
        told
    }

    /// Whether the client waits for an answer.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether the client said `exit`.
    pub fn has_left(&self) -> bool {
        self.has_left
    }

    /// The request with which a new server must be greeted before all else; none when the client's own is still to be answered.
    pub fn greeting(&self) -> Option<Vec<u8>> {
        let mut message = self.initialize.clone().filter(|_| self.is_initialized)?;
        message["id"] = json!(OWN_ID);
        Some(bytes(&message))
    }

    /// Whether a message answers the greeting.
    pub fn answers_greeting(body: &[u8]) -> bool {
        MessageHead::read(body)
            .is_some_and(|head| head.method.is_none() && head.id == Some(json!(OWN_ID)))
    }

    /// What a greeted server is told: the documents as they are, and the requests that wait.
    pub fn replay(&mut self) -> Vec<Vec<u8>> {
        let mut told = Vec::new();
        if self.is_initialized {
            told.extend(self.notes.iter().map(|(_, note)| bytes(note)));
            told.extend(self.documents.replay());
        }
        self.is_connected = true;
        for (at, name) in self.used.iter().enumerate() {
            let id = format!("{OWN_ID}/{at}");
            let mut params = json!({ "action": "load" });
            if let Some(name) = name {
                params["name"] = json!(name);
            }
            let load =
                json!({ "jsonrpc": "2.0", "id": id, "method": "limpid/models", "params": params });
            told.push(bytes(&load));
            self.loads.insert(id);
        }
        told.extend(self.unsent());
        told
    }

    /// Requests that may be sent now and were not yet.
    fn unsent(&mut self) -> Vec<Vec<u8>> {
        let is_loading = !self.loads.is_empty();
        let mut told = Vec::new();
        for at in 0..self.waiting.len() {
            let waiting = &mut self.waiting[at];
            let must_wait = is_loading && needs_model(&waiting.method);
            if !waiting.is_sent && !must_wait {
                waiting.is_sent = true;
                let body = waiting.body.clone();
                told.push(self.with_known_subject(body));
            }
        }
        told
    }

    /// A request that no server has yet, and that the client gave up.
    fn given_up(&mut self, id: &Value) -> Option<Value> {
        let at = self.waiting.iter().position(|waiting| waiting.id == *id && !waiting.is_sent)?;
        self.waiting.remove(at).map(|waiting| waiting.id)
    }

    fn notification(&mut self, method: &str, message: &Value) {
        match method {
            "textDocument/didOpen" | "textDocument/didChange" | "textDocument/didClose" => {
                self.documents.changed(method, &message["params"]);
            }
            "initialized" | "$/setTrace" => self.note(method.to_owned(), message),
            "exit" => self.has_left = true,
            // Folders change step by step; of everything else the latest word holds.
            "workspace/didChangeWorkspaceFolders" => {
                self.serial += 1;
                self.note(format!("{method} {}", self.serial), message);
            }
            "workspace/didChangeWatchedFiles" => {}
            _ if method.starts_with("workspace/didChange") => {
                self.note(method.to_owned(), message);
            }
            _ => {}
        }
    }

    fn request(&mut self, method: &str, id: Value, message: &Value, body: Vec<u8>) -> Vec<Vec<u8>> {
        if method == "initialize" && self.initialize.is_none() {
            self.initialize = Some(message.clone());
        }
        let params = message.get("params");
        let subject = params.and_then(|params| params.get("subject")).cloned();
        let subject = subject.map(|subject| self.whole_subject(subject)).or_else(|| {
            let params = params.filter(|params| params["action"] == "load")?;
            Some(json!({ "model": params.get("name") }))
        });
        let method = method.to_owned();
        let waiting = Waiting { id, method, body, is_sent: false, attempts: 0, subject };
        self.waiting.push_back(waiting);
        if self.is_connected { self.unsent() } else { Vec::new() }
    }

    fn reply_of_client(&mut self, mut message: Value) -> Option<Vec<u8>> {
        let id = self.asked.remove(&message.get("id")?.as_i64()?)?;
        message["id"] = id;
        Some(bytes(&message))
    }

    fn note(&mut self, key: String, message: &Value) {
        self.notes.retain(|(known, _)| *known != key);
        if self.notes.len() < KEPT_NOTES {
            self.notes.push((key, message.clone()));
        }
    }

    fn answered(&mut self, answered: &Waiting, head: &MessageHead, body: &[u8]) {
        let is_initialize = self.initialize.as_ref().is_some_and(|own| own["id"] == answered.id);
        if !self.is_initialized && is_initialize && !head.is_error {
            self.is_initialized = true;
            let message: Value = serde_json::from_slice(body).unwrap_or_default();
            self.documents.negotiated(&message["result"]["capabilities"]["positionEncoding"]);
        }
        if head.has_result && answered.method.starts_with("textDocument/") {
            self.used.insert(None);
        }
        if head.has_result
            && answered.method == "limpid/models"
            && let Some(subject) = &answered.subject
        {
            self.used.insert(subject["model"].as_str().map(String::from));
        }
        if let (Some(id), Some(subject)) = (&head.analysis, &answered.subject) {
            self.used.insert(subject["model"].as_str().map(String::from));
            self.analyses.retain(|known| known.id != *id);
            if self.analyses.len() == KEPT_ANALYSES {
                self.analyses.pop_front();
            }
            let (id, subject) = (id.clone(), subject.clone());
            self.analyses.push_back(Analysis { id, subject, is_lost: false });
        }
    }

    /// A subject that says what its analysis stands for.
    fn whole_subject(&self, subject: Value) -> Value {
        let id = subject.get("analysis").and_then(Value::as_str);
        let known = self.analyses.iter().find(|known| Some(known.id.as_str()) == id);
        let (Some(known), Value::Object(said)) = (known, &subject) else { return subject };
        let mut whole: Map<String, Value> = known.subject.as_object().cloned().unwrap_or_default();
        whole.extend(
            said.iter().filter(|(key, _)| *key != "analysis").map(|(k, v)| (k.clone(), v.clone())),
        );
        Value::Object(whole)
    }

    /// The request, with its prompt in place of an analysis that only a server knew that is gone.
    fn with_known_subject(&self, body: Vec<u8>) -> Vec<u8> {
        if self.analyses.iter().all(|known| !known.is_lost) {
            return body;
        }
        let Ok(mut message) = serde_json::from_slice::<Value>(&body) else { return body };
        let Some(subject) = message.get_mut("params").and_then(|params| params.get_mut("subject"))
        else {
            return body;
        };
        let id = subject.get("analysis").and_then(Value::as_str);
        if !self.analyses.iter().any(|known| known.is_lost && Some(known.id.as_str()) == id) {
            return body;
        }
        *subject = self.whole_subject(subject.take());
        bytes(&message)
    }

    fn progressed(&mut self, body: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Value>(body) else { return };
        let token = message["params"]["token"].clone();
        self.progress.retain(|known| *known != token);
        if message["params"]["value"]["kind"] != "end" {
            self.progress.push(token);
        }
    }
}

/// Whether the answer depends on a model being there.
fn needs_model(method: &str) -> bool {
    !["initialize", "shutdown", "limpid/status", "limpid/models"].contains(&method)
}

pub(crate) fn notification(method: &str, params: &Value) -> Vec<u8> {
    bytes(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
}

fn error(id: &Value, code: i32, problem: &str) -> Vec<u8> {
    bytes(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": problem } }))
}

fn bytes(message: &Value) -> Vec<u8> {
    message.to_string().into_bytes()
}

#[cfg(test)]
mod tests;
