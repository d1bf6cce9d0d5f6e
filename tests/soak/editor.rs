//! An editor on the real binary, and the daemon that all of a run share.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

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

pub struct Editor {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    next_id: i64,
}

impl Editor {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (says, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if says.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        let mut editor = Self { child, input, messages, next_id: 0 };
        let id = editor.request("initialize", json!({ "capabilities": {} }));
        editor.answer(id).unwrap();
        editor.notify("initialized", json!({}));
        editor
    }

    pub fn load(&mut self) {
        let id = self.request("limpid/models", json!({ "action": "load" }));
        self.answer(id).unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub fn request(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The answer to a request; those to earlier requests are dropped.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            let mut message = self.messages.recv_timeout(LOST).expect("an answer was lost");
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

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(found) => length = found.parse::<usize>().ok(),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length?];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
