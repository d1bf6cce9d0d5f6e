//! Requests under way, by document and method: a newer one of the same view stops the older, an edit stops all of its document.

use limpid_engine::cancel::{CancelOnDrop, CancelToken};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

type Key = (String, &'static str);

/// The requests under way.
#[derive(Clone, Default)]
pub(crate) struct Flights {
    entries: Arc<Mutex<BTreeMap<Key, Entry>>>,
    serial: Arc<AtomicU64>,
    closed: Arc<AtomicBool>,
}

struct Entry {
    serial: u64,
    cancel: CancelToken,
    stopped: Arc<Notify>,
}

/// One request under way; dropping it cancels its job.
pub(crate) struct Flight {
    pub(crate) cancel: CancelOnDrop,
    stopped: Arc<Notify>,
    serial: u64,
    key: Key,
    flights: Flights,
}

impl Flights {
    /// Registers a request; stops the one it replaces.
    pub(crate) fn start(&self, uri: &str, method: &'static str) -> Flight {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let (cancel, stopped) = (CancelToken::default(), Arc::new(Notify::new()));
        let key = (uri.to_owned(), method);
        let entry = Entry { serial, cancel: cancel.clone(), stopped: stopped.clone() };
        let mut entries = self.lock();
        if self.is_closed() {
            entry.stop();
        }
        if let Some(older) = entries.insert(key.clone(), entry) {
            older.stop();
        }
        drop(entries);
        Flight { cancel: CancelOnDrop(cancel), stopped, serial, key, flights: self.clone() }
    }

    /// Stops every request about a document.
    pub(crate) fn stop_document(&self, uri: &str) {
        self.lock().retain(|(of, _), entry| {
            let stays = of != uri;
            if !stays {
                entry.stop();
            }
            stays
        });
    }

    /// Stops every request, and those that are still to come: the client is gone.
    pub(crate) fn close(&self) {
        let entries = self.lock();
        self.closed.store(true, Ordering::Relaxed);
        entries.values().for_each(Entry::stop);
    }

    /// Whether the client is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn stop(&self) {
        self.cancel.cancel();
        self.stopped.notify_one();
    }
}

impl Flight {
    /// Resolves when the request was replaced or its document changed.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut entries = self.flights.lock();
        if entries.get(&self.key).is_some_and(|entry| entry.serial == self.serial) {
            entries.remove(&self.key);
        }
    }
}
