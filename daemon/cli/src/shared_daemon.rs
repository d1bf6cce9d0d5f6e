//! `limpid daemon run`: the process that keeps the models of one user and serves all of this user's editors, until nobody needs it.

use crate::{
    args::{DaemonRunArgs, ModelArgs, minutes},
    handshake::{answer, build, greeting, write_line},
    page,
    prompt::{budget, compute, model_name},
    transport::{Listener, Place, Reader, Writer},
};
use anyhow::{Context, Result};
use limpid_engine::{
    device::Compute,
    memory::MemoryBudget,
    model_store::{ModelStore, StoreSettings},
};
use limpid_protocol::{
    PROTOCOL_VERSION,
    handshake::{Hello, Purpose, Reception},
    model_status::ModelState,
};
use limpid_server::{ClientSettings, EngineAnalyst, Shared, serve};
use std::{
    fs::{File, TryLockError},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{io::BufReader, sync::Notify};

/// What the starter reads when the daemon listens.
pub(crate) const READY: &str = "ready";
/// How long a daemon that leaves may take, before the next gives up.
const SUCCESSION: Duration = Duration::from_secs(10);
/// How long a client may take to say what it wants.
const GREETING: Duration = Duration::from_secs(10);
/// How long jobs may go on after the daemon was told to leave.
const LAST_JOBS: Duration = Duration::from_secs(5);
/// More connections than any user has windows.
const MOST_CLIENTS: usize = 512;
/// When a daemon leaves unless somebody says otherwise.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// Threads for clients. Writing a large answer as JSON holds one for tens of milliseconds; with more threads than cores the
/// system shares the cores out, and the others' hovers do not wait for it.
const THREADS: usize = 16;
/// How often a wait looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves until it is idle for long, or told to leave.
///
/// # Errors
/// Another daemon lives; the socket cannot be made; the device is absent.
pub(crate) fn run(args: &DaemonRunArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("no threads for the daemon")?;
    let served = runtime.block_on(daemon(args));
    runtime.shutdown_background();
    served
}

async fn daemon(args: &DaemonRunArgs) -> Result<()> {
    let idle = idle(args.idle_timeout)?;
    let place = Place::from_env()?;
    place.prepare()?;
    let life = lock(&place).await?;
    let mut listener = place.listen()?;
    let compute = compute(&args.model)?;
    let budget = budget(&args.model, &compute)?;
    let daemon = Arc::new(Daemon {
        shared: shared(&args.model, &compute, budget)?,
        kind: compute.kind.name(),
        dtype: compute.dtype_name(),
        budget,
        last_seen: Mutex::new(Instant::now()),
        leave: Notify::new(),
    });
    tracing::info!(pid = std::process::id(), build = build(), "the daemon listens");
    page::print(&format!("{READY}\n"))?;
    daemon.accept(&mut listener, idle).await;
    // Nobody new from here on; who comes now starts the next daemon, which waits for the lock.
    drop(listener);
    let asked = Instant::now();
    while daemon.shared.queued() > 0 && asked.elapsed() < LAST_JOBS {
        tokio::time::sleep(PAUSE).await;
    }
    tracing::info!("the daemon leaves");
    drop(life);
    Ok(())
}

/// Minutes without a client after which a daemon leaves: the flag, the environment, or half an hour.
///
/// # Errors
/// The environment says no number.
pub(crate) fn idle(flag: Option<Duration>) -> Result<Duration> {
    match (flag, std::env::var("LIMPID_IDLE_MINUTES")) {
        (Some(idle), _) => Ok(idle),
        (None, Ok(text)) => minutes(&text).map_err(|e| anyhow::anyhow!("LIMPID_IDLE_MINUTES: {e}")),
        (None, Err(_)) => Ok(IDLE),
    }
}

/// What every client of this process shares.
///
/// # Errors
/// The system refuses a thread.
pub(crate) fn shared(
    args: &ModelArgs,
    compute: &Compute,
    budget: MemoryBudget,
) -> Result<Arc<Shared>> {
    let store = ModelStore::new(StoreSettings::from_env());
    let analyst = EngineAnalyst::new(store, compute.clone(), budget, model_name(args));
    Ok(Shared::start(Arc::new(analyst))?)
}

/// The lock that the daemon holds while it lives.
async fn lock(place: &Place) -> Result<File> {
    let path = place.life_lock();
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < SUCCESSION => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => {
                anyhow::bail!("another daemon is running; see `limpid daemon status`")
            }
            Err(TryLockError::Error(e)) => {
                return Err(e).with_context(|| format!("{}: cannot be locked", path.display()));
            }
        }
    }
}

struct Daemon {
    shared: Arc<Shared>,
    kind: &'static str,
    dtype: &'static str,
    budget: MemoryBudget,
    /// When an editor was last there; whoever only asks for the status keeps nothing alive.
    last_seen: Mutex<Instant>,
    leave: Notify,
}

impl Daemon {
    async fn accept(self: &Arc<Self>, listener: &mut Listener, idle: Duration) {
        loop {
            let deadline = *self.last_seen.lock().unwrap_or_else(PoisonError::into_inner) + idle;
            tokio::select! {
                () = self.leave.notified() => return,
                () = tokio::time::sleep_until(deadline.into()) => {
                    if self.is_idle() && Instant::now() >= deadline {
                        return;
                    }
                    self.seen();
                }
                accepted = listener.accept() => match accepted {
                    Ok((reader, writer)) => {
                        let daemon = Arc::clone(self);
                        tokio::spawn(async move { daemon.client(reader, writer).await });
                    }
                    Err(error) => {
                        // Out of file handles, most likely: others will close theirs.
                        tracing::warn!(%error, "a client could not be accepted");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.shared.clients() == 0 && self.shared.queued() == 0
    }

    fn seen(&self) {
        *self.last_seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    async fn client(&self, reader: Reader, mut writer: Writer) {
        let mut reader = BufReader::new(reader);
        let hello = tokio::time::timeout(GREETING, greeting(&mut reader)).await;
        let Ok(Ok(hello)) = hello else {
            tracing::debug!("a client said nothing that could be understood");
            return;
        };
        let (reception, note) = self.receive(&hello);
        if answer(&mut writer, reception, note).await.is_err() {
            return;
        }
        match (reception, hello.purpose) {
            (Reception::Refused, _) => {}
            (Reception::Leaving, _) | (_, Purpose::Stop) => self.leave.notify_one(),
            (_, Purpose::Status) => {
                let mut status = self.shared.status();
                status.models.retain(|row| row.state != ModelState::Available);
                let _ = write_line(&mut writer, &serde_json::json!(status)).await;
            }
            (_, Purpose::Lsp) => {
                self.seen();
                tracing::info!(clients = self.shared.clients() + 1, "a client came");
                let settings = ClientSettings { default_model: hello.model };
                serve(self.shared.clone(), settings, reader, writer).await;
                self.seen();
                tracing::info!(clients = self.shared.clients(), "a client left");
            }
        }
    }

    /// What to make of a client: one that this daemon does not fit has it leave, unless others need it.
    fn receive(&self, hello: &Hello) -> (Reception, Option<String>) {
        if hello.purpose != Purpose::Lsp {
            return (Reception::Welcome, None);
        }
        if self.shared.clients() >= MOST_CLIENTS {
            let note = format!("the daemon serves {MOST_CLIENTS} clients and takes no more");
            return (Reception::Refused, Some(note));
        }
        let own = format!("{} {}", env!("CARGO_PKG_VERSION"), build());
        let theirs = format!("{} {}", hello.version, hello.build);
        let (mut misfit, mut is_bearable) = (None, true);
        if own != theirs {
            is_bearable = hello.protocol == PROTOCOL_VERSION;
            misfit = Some(format!(
                "the running daemon is another build ({own}; this is {theirs}) and serves other windows; close them, or run `limpid daemon stop`"
            ));
        }
        let wants = |asked: Option<&String>, has: &str| asked.is_some_and(|asked| asked != has);
        let other_budget = hello.memory_budget.is_some_and(|bytes| bytes != self.budget.0);
        if wants(hello.device.as_ref(), self.kind)
            || wants(hello.dtype.as_ref(), self.dtype)
            || other_budget
        {
            is_bearable = false;
            misfit = Some(format!(
                "the running daemon computes on {} in {} with a budget of {} bytes, for other windows; run `limpid daemon stop` to change that",
                self.kind, self.dtype, self.budget.0
            ));
        }
        match misfit {
            None => (Reception::Welcome, None),
            Some(_) if self.is_idle() => (Reception::Leaving, None),
            Some(note) if is_bearable => (Reception::Welcome, Some(note)),
            Some(note) => (Reception::Refused, Some(note)),
        }
    }
}
