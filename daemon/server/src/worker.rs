//! One OS thread that runs posted jobs in order, so that no handler ever computes. A job that panics loses only its own answer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

type Work = Box<dyn FnOnce() + Send>;

/// Handle of the thread; the thread ends when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Worker {
    mailbox: mpsc::Sender<Work>,
    queued: Arc<AtomicUsize>,
}

impl Worker {
    /// Starts a thread.
    ///
    /// # Errors
    /// When the system refuses one.
    pub(crate) fn start(name: &str) -> std::io::Result<Self> {
        let (mailbox, jobs) = mpsc::channel::<Work>();
        let queued = Arc::new(AtomicUsize::new(0));
        let done = queued.clone();
        std::thread::Builder::new().name(name.into()).spawn(move || {
            for job in jobs {
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a job panicked; the worker goes on");
                }
                done.fetch_sub(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { mailbox, queued })
    }

    /// Posts a job. Its answer goes through a channel that the job owns; a dropped channel means that it panicked.
    pub(crate) fn post(&self, job: impl FnOnce() + Send + 'static) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        if self.mailbox.send(Box::new(job)).is_err() {
            self.queued.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Jobs waiting or running.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }
}
