//! An editor on the real binary, and the daemon that all of a run share.

use limpid_tests::lsp_process::LspProcess;
use serde_json::{Value, json};
use std::{path::PathBuf, process::Command, time::Duration};

/// A wait this long is a lost answer.
const LOST: Duration = Duration::from_secs(240);

pub const URI: &str = "file:///soak.prompt";

/// The daemon of one run, in a runtime folder of its own.
pub struct Daemon {
    folder: tempfile::TempDir,
}

impl Daemon {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The binary that was built beside this program.
    fn command(&self, args: &[&str]) -> Command {
        let own = std::env::current_exe().unwrap();
        let program = own.ancestors().nth(2).unwrap().join("limpid");
        assert!(program.is_file(), "{} is missing; build the workspace first", program.display());
        let mut command = Command::new(program);
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".cache/home");
        command.args(args).env("LIMPID_HOME", home).env("LIMPID_OFFLINE", "1");
        command.env("LIMPID_RUNTIME_DIR", self.folder.path().join("runtime"));
        for variable in
            ["LIMPID_MODEL", "LIMPID_LOG", "LIMPID_MEMORY_BUDGET", "LIMPID_IDLE_MINUTES"]
        {
            command.env_remove(variable);
        }
        command
    }

    pub fn editor(&self, args: &[&str]) -> Editor {
        Editor::start(self.command(&[&["lsp", "--device", "cpu"], args].concat()))
    }

    pub fn status(&self) -> Value {
        let output = self.command(&["daemon", "status", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Bytes of the daemon in memory; none where the system does not say.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.status()["pid"]);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) << 10
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.command(&["daemon", "stop"]).output();
    }
}

pub struct Editor(LspProcess);

impl Editor {
    fn start(command: Command) -> Self {
        let mut editor = Self(LspProcess::start(command));
        let id = editor.request("initialize", json!({ "capabilities": {} }));
        editor.answer(id).unwrap();
        editor.notify("initialized", json!({}));
        editor
    }

    pub fn load(&mut self) {
        let id = self.request("limpid/models", json!({ "action": "load" }));
        self.answer(id).unwrap();
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.0.notify(method, params);
    }

    pub fn request(&mut self, method: &str, params: Value) -> i64 {
        self.0.request(method, params)
    }

    /// The answer to a request; those to earlier requests are dropped.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            let mut message = self.0.receive(LOST).expect("an answer was lost");
            assert!(message["method"] != "window/showMessage", "{message}");
            if message["id"] == id && message.get("method").is_none() {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].take()),
                };
            }
        }
    }
}
