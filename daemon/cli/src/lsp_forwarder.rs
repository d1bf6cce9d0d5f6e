//! `limpid lsp`: carries frames between an editor and the shared daemon, and goes on with the next daemon where one broke off.
//! What is remembered of the session is `limpid_server::forwarded_session`. What must not live here: models, what a message means.
//!
//! One task owns everything and never waits for one side while the other could go on: four tasks carry bytes, channels between them are
//! short, and a side is read only while what it said before has been passed on. So an editor that does not read stalls its own requests.

use crate::{
    args::LspArgs,
    daemon_client::{Connected, StartOptions, Unreachable, reach},
    handshake::hello,
    prompt::{budget, compute},
    shared_daemon::{idle, shared},
    transport::Place,
};
use anyhow::{Context, Result};
use limpid_protocol::handshake::Purpose;
use limpid_server::{
    ClientSettings, Shared,
    forwarded_session::{ForwardedSession, Passed},
    frame_guard::{next_body, next_message, write_message},
    serve,
};
use serde_json::json;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, BufWriter},
    sync::mpsc::{Receiver, Sender, channel},
    time::timeout,
};

/// Messages between two tasks.
const SHORT: usize = 4;
/// Bytes between this task and a server in this process.
const PIPE_BYTES: usize = 64 << 10;
/// Servers that may break off before they are greeted.
const MOST_GREETINGS: usize = 20;
/// How long the last answers may take to reach an editor.
const LAST_WORDS: Duration = Duration::from_secs(5);
const WARNING: u32 = 2;

/// Carries frames until the editor leaves.
///
/// # Errors
/// The flags are wrong, or nothing can serve them, not even this process.
pub(crate) async fn forward(args: &LspArgs) -> Result<()> {
    let (says, from_client) = channel(SHORT);
    tokio::spawn(async move {
        let mut input = BufReader::new(tokio::io::stdin());
        while let Some(body) = next_message(&mut input).await {
            if says.send(body).await.is_err() {
                return;
            }
        }
    });
    let (to_client, writing) = writer(tokio::io::stdout());
    let forwarder = Forwarder {
        args,
        session: ForwardedSession::default(),
        from_client: Some(from_client),
        for_client: VecDeque::new(),
        server: None,
        for_server: VecDeque::new(),
        in_process: None,
    };
    forwarder.run(to_client).await?;
    let _ = timeout(LAST_WORDS, writing).await;
    Ok(())
}

struct Forwarder<'a> {
    args: &'a LspArgs,
    session: ForwardedSession,
    /// None once the editor closed its side.
    from_client: Option<Receiver<Vec<u8>>>,
    for_client: VecDeque<Vec<u8>>,
    server: Option<Link>,
    for_server: VecDeque<Vec<u8>>,
    /// Where requests are answered when there can be no daemon.
    in_process: Option<Arc<Shared>>,
}

/// A server that is connected.
struct Link {
    says: Receiver<Vec<u8>>,
    /// None once nothing more will be said to it.
    hears: Option<Sender<Vec<u8>>>,
}

impl Forwarder<'_> {
    async fn run(mut self, to_client: Sender<Vec<u8>>) -> Result<()> {
        loop {
            if self.server.is_none() && self.session.waits() {
                self.connect().await?;
            }
            if self.from_client.is_none() && self.for_server.is_empty() {
                match &mut self.server {
                    // The server answers what it still has, and ends.
                    Some(link) => link.hears = None,
                    None if self.for_client.is_empty() => return Ok(()),
                    None => {}
                }
            }
            let hears = self.server.as_ref().and_then(|link| link.hears.clone());
            tokio::select! {
                body = next(self.from_client.as_mut()), if self.for_server.is_empty() => match body {
                    Some(body) => self.client_said(body),
                    None => self.from_client = None,
                },
                body = next(self.server.as_mut().map(|link| &mut link.says)), if self.for_client.is_empty() => match body {
                    Some(body) => {
                        let passed = self.session.server_said(body);
                        self.pass(passed);
                    }
                    None => self.lost(),
                },
                permit = room(hears.as_ref()), if !self.for_server.is_empty() => match (permit, self.for_server.pop_front()) {
                    (Some(permit), Some(body)) => permit.send(body),
                    // The reading side sees its end too, after what it said last.
                    _ => self.for_server.clear(),
                },
                permit = to_client.reserve(), if !self.for_client.is_empty() => match (permit, self.for_client.pop_front()) {
                    (Ok(permit), Some(body)) => permit.send(body),
                    // The editor is gone.
                    _ => return Ok(()),
                },
            }
        }
    }

    fn client_said(&mut self, body: Vec<u8>) {
        let passed = self.session.client_said(body);
        self.pass(passed);
        if self.session.has_left() {
            self.from_client = None;
        }
    }

    fn pass(&mut self, passed: Passed) {
        self.for_client.extend(passed.to_client);
        self.for_server.extend(passed.to_server);
    }

    fn lost(&mut self) {
        self.server = None;
        self.for_server.clear();
        self.for_client.extend(self.session.lost());
        if self.from_client.is_none() {
            // Nobody will ask on; what waits is given up.
            self.session = ForwardedSession::default();
        }
    }

    /// Connects to a server that knows what the last one knew.
    async fn connect(&mut self) -> Result<()> {
        for _ in 0..MOST_GREETINGS {
            let mut link = self.link().await?;
            if let Some(greeting) = self.session.greeting()
                && !greeted(&mut link, greeting).await
            {
                continue;
            }
            self.for_server = self.session.replay().into();
            self.server = Some(link);
            return Ok(());
        }
        anyhow::bail!("the daemon ends whenever it is greeted; see `limpid daemon logs`")
    }

    async fn link(&mut self) -> Result<Link> {
        if let Some(shared) = &self.in_process {
            return Ok(in_process(shared.clone()));
        }
        let start = StartOptions {
            model: self.args.model.clone(),
            idle_timeout: idle(self.args.idle_timeout)?,
        };
        let hello = hello(Purpose::Lsp, &self.args.model)?;
        let reached = match Place::from_env() {
            Ok(place) => reach(&place, &hello, &start).await,
            Err(e) => Err(Unreachable::Failed(e.into())),
        };
        let problem = match reached {
            Ok(Connected { reader, writer: output, note }) => {
                if let Some(note) = note {
                    self.tell(&note);
                }
                return Ok(linked(reader, output));
            }
            Err(Unreachable::Refused(note)) => note,
            Err(Unreachable::Failed(problem)) => format!("{problem:#}"),
        };
        self.tell(&format!("no shared daemon, so this window keeps its own models: {problem}"));
        let compute = compute(&self.args.model)?;
        let budget = budget(&self.args.model, &compute)?;
        let shared = shared(&self.args.model, &compute, budget)?;
        self.in_process = Some(shared.clone());
        Ok(in_process(shared))
    }

    /// Shows a person a sentence.
    fn tell(&mut self, sentence: &str) {
        tracing::warn!("{sentence}");
        let params = json!({ "type": WARNING, "message": format!("Limpid: {sentence}") });
        let message = json!({ "jsonrpc": "2.0", "method": "window/showMessage", "params": params });
        self.for_client.push_back(message.to_string().into_bytes());
    }
}

/// Greets a server as the editor greeted the first one; false when it broke off.
async fn greeted(link: &mut Link, greeting: Vec<u8>) -> bool {
    let Some(hears) = &link.hears else { return false };
    if hears.send(greeting).await.is_err() {
        return false;
    }
    while let Some(body) = link.says.recv().await {
        if ForwardedSession::answers_greeting(&body) {
            return true;
        }
    }
    false
}

fn in_process(shared: Arc<Shared>) -> Link {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let (input, output) = tokio::io::split(theirs);
    tokio::spawn(serve(shared, ClientSettings::default(), input, output));
    let (reader, output) = tokio::io::split(ours);
    linked(BufReader::new(reader), output)
}

fn linked<R, W>(mut reader: BufReader<R>, output: W) -> Link
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (said, says) = channel(SHORT);
    tokio::spawn(async move {
        while let Ok(Some(body)) = next_body(&mut reader).await {
            if said.send(body).await.is_err() {
                return;
            }
        }
    });
    Link { says, hears: Some(writer(output).0) }
}

/// A task that writes frames, and its mailbox.
fn writer<W: AsyncWrite + Send + Unpin + 'static>(
    output: W,
) -> (Sender<Vec<u8>>, tokio::task::JoinHandle<()>) {
    let (sender, mut mailbox) = channel::<Vec<u8>>(SHORT);
    let task = tokio::spawn(async move {
        let mut output = BufWriter::new(output);
        while let Some(body) = mailbox.recv().await {
            if write_message(&mut output, &body).await.is_err() {
                return;
            }
        }
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut output).await;
    });
    (sender, task)
}

/// The next message of a side that is there; for ever nothing of one that is not.
async fn next(from: Option<&mut Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match from {
        Some(from) => from.recv().await,
        None => std::future::pending().await,
    }
}

/// Room for one message to a side; none when it broke off.
async fn room(to: Option<&Sender<Vec<u8>>>) -> Option<tokio::sync::mpsc::Permit<'_, Vec<u8>>> {
    match to {
        Some(to) => to.reserve().await.ok(),
        None => None,
    }
}

/// A runtime with one thread: it only carries bytes, also where it has to serve itself.
///
/// # Errors
/// The system refuses a thread.
pub(crate) fn run(args: &LspArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("no thread for the editor's messages")?;
    let forwarded = runtime.block_on(forward(args));
    // Reading standard input cannot be interrupted; nobody waits for it.
    runtime.shutdown_background();
    forwarded
}
