//! A language server as a process: messages out, messages in. What is made of them is the tests'.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

/// The process; it is killed when this is dropped.
pub struct LspProcess {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    next_id: i64,
}

impl LspProcess {
    /// Starts a program.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (says, messages) = channel();
        std::thread::spawn(move || {
            let Some(mut output) = output.map(BufReader::new) else { return };
            while let Some(message) = read(&mut output) {
                if says.send(message).is_err() {
                    return;
                }
            }
        });
        Self { child, input, messages, next_id: 0 }
    }

    /// Sends a message.
    ///
    /// # Panics
    /// The process no longer reads.
    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let Some(input) = &mut self.input else { panic!("its input is closed") };
        let written = write!(input, "Content-Length: {}\r\n\r\n{body}", body.len());
        written.and_then(|()| input.flush()).unwrap_or_else(|e| panic!("cannot send: {e}"));
    }

    /// Sends a notification.
    ///
    /// # Panics
    /// As [`Self::send`].
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request; answers its id.
    ///
    /// # Panics
    /// As [`Self::send`].
    pub fn request(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The next message; none when none comes in time.
    pub fn receive(&mut self, limit: Duration) -> Option<Value> {
        self.messages.recv_timeout(limit).ok()
    }

    /// Closes its input and waits for its end.
    ///
    /// # Panics
    /// It cannot be waited for.
    pub fn end(&mut self) -> ExitStatus {
        self.input = None;
        self.child.wait().unwrap_or_else(|e| panic!("cannot wait: {e}"))
    }
}

impl Drop for LspProcess {
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
