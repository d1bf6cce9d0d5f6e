//! How a client comes to a daemon: connects to the one that listens, or starts one, and says hello.
//! What must not live here: what is said afterwards.

use crate::{
    args::ModelArgs,
    handshake::greet,
    shared_daemon::READY,
    transport::{Place, Reader, Writer, detach},
};
use anyhow::{Context, Result, bail};
use limpid_protocol::handshake::{Hello, Reception};
use std::{
    fs::File,
    io::{BufRead, BufReader as LineReader, Read},
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};
use tokio::io::BufReader;

/// How long coming to a daemon may take: a device may have to be opened.
const PATIENCE: Duration = Duration::from_secs(60);
/// Daemons that may leave as they are asked something.
const MOST_VISITS: u32 = 10;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A connection to the daemon, past the handshake.
pub(crate) struct Connected {
    pub(crate) reader: BufReader<Reader>,
    pub(crate) writer: Writer,
    /// What a person should know.
    pub(crate) note: Option<String>,
}

/// Why there is no daemon for this client.
pub(crate) enum Unreachable {
    /// There is one, and it does not fit.
    Refused(String),
    /// There cannot be one.
    Failed(anyhow::Error),
}

/// How a daemon is started.
#[derive(Clone, Debug)]
pub(crate) struct StartOptions {
    /// Model and device.
    pub(crate) model: ModelArgs,
    /// When it leaves.
    pub(crate) idle_timeout: Duration,
}

/// Connects to the daemon that listens; none when none does.
///
/// # Errors
/// As [`Place::connect`], or what listens is no daemon.
pub(crate) async fn visit(place: &Place, hello: &Hello) -> Result<Option<Connected>> {
    let mut tries = 0..MOST_VISITS;
    loop {
        let Some((reader, mut writer)) = place.connect().await? else { return Ok(None) };
        let mut reader = BufReader::new(reader);
        match greet(&mut reader, &mut writer, hello).await {
            Ok(welcome) => return Ok(Some(Connected { reader, writer, note: welcome.note })),
            // It left, or was killed, between our knock and its answer.
            Err(_) if tries.next().is_some() => tokio::time::sleep(PAUSE).await,
            Err(problem) => return Err(problem),
        }
    }
}

/// Connects to the daemon, started if there is none, replaced if it does not fit and nobody else needs it.
///
/// # Errors
/// There is none that this client could use; the sentence says why.
pub(crate) async fn reach(
    place: &Place,
    hello: &Hello,
    start: &StartOptions,
) -> Result<Connected, Unreachable> {
    let started = Instant::now();
    let mut last_problem = None;
    while started.elapsed() < PATIENCE {
        match place.connect().await.map_err(Unreachable::Failed)? {
            Some((reader, mut writer)) => {
                let mut reader = BufReader::new(reader);
                match greet(&mut reader, &mut writer, hello).await {
                    Ok(welcome) => match welcome.reception {
                        Reception::Welcome => {
                            return Ok(Connected { reader, writer, note: welcome.note });
                        }
                        Reception::Refused => {
                            return Err(Unreachable::Refused(welcome.note.unwrap_or_default()));
                        }
                        // Its socket goes before it does.
                        Reception::Leaving => {}
                    },
                    // It left, or was killed, between our knock and its answer.
                    Err(problem) => last_problem = Some(problem),
                }
            }
            None => {
                let (place, start) = (place.clone(), start.clone());
                let result =
                    tokio::task::spawn_blocking(move || start_daemon(&place, &start)).await;
                result
                    .context("the daemon's start broke off")
                    .and_then(|result| result)
                    .map_err(Unreachable::Failed)?;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    let problem = last_problem.unwrap_or_else(|| anyhow::anyhow!("the daemon does not answer"));
    Err(Unreachable::Failed(
        problem.context("the daemon cannot be reached; see `limpid daemon logs`"),
    ))
}

/// Starts the daemon unless somebody else just did: of ten editors that start at once, one does and nine wait for it.
fn start_daemon(place: &Place, start: &StartOptions) -> Result<()> {
    let path = place.start_lock();
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    lock.lock().with_context(|| format!("{}: cannot be locked", path.display()))?;
    if is_listening(place) {
        return Ok(());
    }
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let mut command = Command::new(program);
    command.args(["daemon", "run", "--log-to-file", "--idle-timeout"]);
    command.arg((start.idle_timeout.as_secs_f64() / 60.0).to_string());
    let flags = [
        ("--model", &start.model.model),
        ("--device", &start.model.device),
        ("--dtype", &start.model.dtype),
        ("--memory-budget", &start.model.memory_budget),
    ];
    for (flag, value) in flags {
        if let Some(value) = value {
            command.arg(format!("{flag}={value}"));
        }
    }
    // A daemon without a log is better than none.
    let log = File::options().create(true).append(true).open(place.log());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(log.map_or_else(|_| Stdio::null(), Stdio::from));
    detach(&mut command);
    let mut child = command.spawn().context("the daemon cannot be started")?;
    let output = child.stdout.take().context("the daemon cannot be started")?;
    let (says, said) = mpsc::channel();
    // Lives as long as the daemon or this process, whichever ends first; so a daemon that ends is no zombie.
    std::thread::Builder::new()
        .name("limpid-daemon-start".into())
        .spawn(move || {
            let mut line = String::new();
            let _ = LineReader::new(output.take(4096)).read_line(&mut line);
            let _ = says.send(line);
            let _ = child.wait();
        })
        .context("no thread to watch the daemon's start")?;
    match said.recv_timeout(PATIENCE) {
        Ok(line) if line.trim_end() == READY => Ok(()),
        Ok(_) => bail!("the daemon ended as it started: {}", last_words(place)),
        Err(_) => bail!("the daemon does not get ready; see `limpid daemon logs`"),
    }
}

/// The last line of the log.
fn last_words(place: &Place) -> String {
    let log = std::fs::read(place.log()).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    log.trim_end().lines().next_back().unwrap_or("see `limpid daemon logs`").to_owned()
}

#[cfg(unix)]
fn is_listening(place: &Place) -> bool {
    std::os::unix::net::UnixStream::connect(place.socket()).is_ok()
}

/// A second daemon finds the first one's lock taken, and leaves.
#[cfg(not(unix))]
fn is_listening(_: &Place) -> bool {
    false
}
