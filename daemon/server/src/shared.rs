//! What one process has once, whoever asks: the models, the numbers kept, the workers, the loads under way, the figures of `limpid/status`.
//! What must not live here: anything of one client; see `answering`.

use crate::{
    analyses::Numbers,
    analyst::{Analyst, Ask},
    documents::Documents,
    error_codes::from_engine,
    method_stats::MethodStats,
    model_loading::Loading,
    waiters::Waiters,
};
use limpid_engine::worker::Worker;
use limpid_protocol::{PROTOCOL_VERSION, views::status::StatusResult};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Bytes of a prompt from which on its analysis takes seconds: some 450 tokens of English.
const LENGTHY: usize = 2 << 10;

/// Tells clients of one process apart; never used twice.
pub(crate) type ClientId = u64;

/// What all clients of a process share.
pub struct Shared {
    pub(crate) analyst: Arc<dyn Analyst>,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) loading: Loading,
    pub(crate) stats: MethodStats,
    pub(crate) waiters: Waiters,
    /// Where forward passes run, one at a time.
    compute: Worker,
    /// Where those of long prompts run, so that what is done in a moment waits for none of them.
    lengthy: Worker,
    /// Where finished analyses are read: a follow-up does not wait for somebody else's forward pass.
    pub(crate) reading: Worker,
    started: Instant,
    clients: Mutex<BTreeMap<ClientId, Arc<Documents>>>,
    serial: AtomicU64,
}

impl Shared {
    /// Starts the workers; nothing is loaded yet.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(analyst: Arc<dyn Analyst>) -> std::io::Result<Arc<Self>> {
        let worker = |name| Worker::start(name).map_err(|e| std::io::Error::other(from_engine(&e)));
        Ok(Arc::new(Self {
            analyst,
            numbers: Arc::default(),
            loading: Loading::new(worker("loading")?),
            stats: MethodStats::default(),
            waiters: Waiters::default(),
            compute: worker("analysis")?,
            lengthy: worker("lengthy")?,
            reading: worker("reading")?,
            started: Instant::now(),
            clients: Mutex::default(),
            serial: AtomicU64::default(),
        }))
    }

    /// What the process is, holds and does.
    pub fn status(&self) -> StatusResult {
        let clients = self.lock();
        StatusResult {
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL_VERSION,
            pid: std::process::id(),
            uptime_s: self.started.elapsed().as_secs(),
            clients: clients.len(),
            documents: clients.values().map(|documents| documents.count()).sum(),
            queue: self.queued(),
            models: self.analyst.models(),
            cache: self.analyst.cache(),
            methods: self.stats.rows(),
        }
    }

    /// Clients connected.
    pub fn clients(&self) -> usize {
        self.lock().len()
    }

    /// Where a question is answered.
    pub(crate) fn worker_of(&self, ask: &Ask) -> &Worker {
        if ask.text.len() > LENGTHY { &self.lengthy } else { &self.compute }
    }

    /// Jobs waiting or running.
    pub fn queued(&self) -> usize {
        self.compute.queued()
            + self.lengthy.queued()
            + self.reading.queued()
            + self.loading.queued()
    }

    pub(crate) fn enter(&self, documents: Arc<Documents>) -> ClientId {
        let id = self.serial.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, documents);
        id
    }

    pub(crate) fn leave(&self, client: ClientId) {
        self.lock().remove(&client);
        self.loading.leave(client);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClientId, Arc<Documents>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
