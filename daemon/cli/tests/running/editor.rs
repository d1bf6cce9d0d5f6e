//! An editor on the binary's standard input and output, a runtime folder of its own, and a tiny model that reads letters.
#![allow(dead_code, reason = "not every test program needs everything")]

use crate::running::{command, golden};
use limpid_tests::lsp_process::LspProcess;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

/// A wait this long is a hang.
const HANG: Duration = Duration::from_secs(120);

pub(crate) const URI: &str = "file:///france.prompt";

/// A runtime folder; the daemon in it ends with it.
pub(crate) struct Runtime {
    folder: tempfile::TempDir,
    model: tempfile::TempDir,
    pub(crate) extra: Vec<(String, String)>,
}

impl Runtime {
    pub(crate) fn new() -> Self {
        let (folder, model) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        letters(model.path(), "llama");
        Self { folder, model, extra: Vec::new() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("runtime")
    }

    pub(crate) fn model(&self) -> String {
        self.model.path().display().to_string()
    }

    /// The binary with this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command();
        command.args(args).env("LIMPID_RUNTIME_DIR", self.path()).env_remove("LIMPID_IDLE_MINUTES");
        command.envs(self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What `limpid daemon status` says; null when there is no daemon.
    pub(crate) fn status(&self) -> Value {
        let output = self.run(&["daemon", "status", "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.status()["pid"].as_u64().map(|pid| pid as u32)
    }

    pub(crate) fn editor(&self, args: &[&str]) -> Editor {
        let model = self.model();
        let all = [&["lsp", "--device", "cpu", "--model", &model], args].concat();
        Editor::start(self.command(&all))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.run(&["daemon", "stop"]);
    }
}

/// Ends a process at once.
pub(crate) fn kill(pid: u32) {
    Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A tiny model with a tokenizer that makes a token of every letter.
pub(crate) fn letters(folder: &Path, family: &str) {
    let from = golden(&format!("tiny/{family}"));
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(from.join(file), folder.join(file)).unwrap();
    }
    let letters = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['Ġ', 'Ċ', '.', ',']);
    let vocab: serde_json::Map<String, Value> =
        letters.enumerate().map(|(id, letter)| (letter.to_string(), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [],
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "model": { "type": "BPE", "vocab": vocab, "merges": [] },
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

/// An editor.
pub(crate) struct Editor {
    process: LspProcess,
    unread: VecDeque<Value>,
}

impl Editor {
    /// Starts the program, and says hello.
    pub(crate) fn start(command: Command) -> Self {
        let mut editor = Self::connect(command);
        let capabilities = json!({ "window": { "workDoneProgress": true } });
        editor.ask("initialize", json!({ "capabilities": capabilities })).unwrap();
        editor.notify("initialized", json!({}));
        editor
    }

    pub(crate) fn connect(command: Command) -> Self {
        Self { process: LspProcess::start(command), unread: VecDeque::new() }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.process.send(message);
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.process.notify(method, params);
    }

    pub(crate) fn request(&mut self, method: &str, params: Value) -> i64 {
        self.process.request(method, params)
    }

    pub(crate) fn answer(&mut self, id: i64) -> Result<Value, Value> {
        let message = self.find(|it| it["id"] == id && it.get("method").is_none());
        match message.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(message["result"].clone()),
        }
    }

    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.request(method, params);
        self.answer(id)
    }

    /// The next notification or request of the server with this method.
    pub(crate) fn told(&mut self, method: &str) -> Value {
        self.find(|message| message["method"] == method)
    }

    pub(crate) fn open(&mut self, text: &str) {
        let item = json!({ "uri": URI, "languageId": "plaintext", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    pub(crate) fn change(&mut self, version: i32, change: Value) {
        let params = json!({ "textDocument": { "uri": URI, "version": version }, "contentChanges": [change] });
        self.notify("textDocument/didChange", params);
    }

    /// Loads the model, and answers when it is there.
    pub(crate) fn load(&mut self) {
        self.ask("limpid/models", json!({ "action": "load" })).unwrap();
    }

    pub(crate) fn view(&mut self, method: &str, version: i32) -> Result<Value, Value> {
        let subject = json!({ "prompt": { "uri": URI, "version": version } });
        self.ask(method, json!({ "subject": subject }))
    }

    pub(crate) fn hover(&mut self, character: u32) -> Value {
        self.ask("textDocument/hover", hover_at(character)).unwrap()
    }

    /// Leaves as an editor does; the program must end.
    pub(crate) fn leave(mut self) {
        self.ask("shutdown", Value::Null).unwrap();
        self.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
        assert!(self.process.end().success());
    }

    /// Closes its side without a word, and waits for the program's end.
    pub(crate) fn vanish(mut self) {
        self.process.end();
    }

    fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unread.iter().position(&wanted) {
            return self.unread.remove(at).unwrap();
        }
        loop {
            let message = self.process.receive(HANG).expect("no answer");
            // Room for progress is always there.
            if message["method"] == "window/workDoneProgress/create" {
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": null }));
            }
            if wanted(&message) {
                return message;
            }
            self.unread.push_back(message);
        }
    }
}

pub(crate) fn hover_at(character: u32) -> Value {
    json!({ "textDocument": { "uri": URI }, "position": { "line": 0, "character": character } })
}
