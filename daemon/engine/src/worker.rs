//! One OS thread with a pool of its own, a mailbox of jobs, and a guard: a job that panics answers its own caller and nobody else notices.
//! Who goes first is decided in `mailbox`. No async here: the reply is a callback, so that a server can pass a channel's sender.

use crate::{
    cancel::CancelToken,
    error::EngineError,
    mailbox::{Letter, Mailbox, Turn},
};
use rayon::ThreadPoolBuilder;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A handle on a thread; the thread ends when the last handle is gone and the mailbox is empty.
#[derive(Clone, Debug)]
pub struct Worker {
    handle: Arc<Handle>,
    queued: Arc<AtomicUsize>,
}

/// Shared by all handles; closes the mailbox when the last is gone.
#[derive(Debug)]
struct Handle(Arc<Mailbox>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Worker {
    /// Starts the thread, and the pool that its jobs share their loops out in: in a pool of all workers a small product would wait for
    /// the large ones of another's job.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(name: &str) -> Result<Self, EngineError> {
        let mailbox = Arc::new(Mailbox::default());
        let letters = Arc::clone(&mailbox);
        let no_thread =
            |e: &dyn std::error::Error| EngineError::Device(format!("no thread for {name}: {e}"));
        let pool_name = format!("limpid-{name}");
        let pool = ThreadPoolBuilder::new()
            .thread_name(move |at| format!("{pool_name}-{at}"))
            .build()
            .map_err(|e| no_thread(&e))?;
        thread::Builder::new()
            .name(format!("limpid-{name}"))
            .spawn(move || {
                while let Some(letter) = letters.next() {
                    pool.install(letter.run);
                }
            })
            .map_err(|e| no_thread(&e))?;
        Ok(Self { handle: Arc::new(Handle(mailbox)), queued: Arc::default() })
    }

    /// Runs `job` when its turn comes and hands `reply` what it answers, or that it was cancelled while it waited (then it is not run) or
    /// panicked.
    pub fn post<T: 'static>(
        &self,
        turn: Turn,
        cancel: CancelToken,
        job: impl FnOnce() -> T + Send + 'static,
        reply: impl FnOnce(Result<T, EngineError>) + Send + 'static,
    ) {
        let waiting = Waiting::new(&self.queued);
        let asked = cancel.clone();
        let run = move || {
            let answer = asked.check().and_then(|()| guarded(job));
            drop(waiting);
            // Whoever hands an answer over is not trusted with the thread either.
            let _ = guarded(|| reply(answer));
        };
        for given_up in self.handle.0.post(turn, Letter { cancel, run: Box::new(run) }) {
            (given_up.run)();
        }
    }

    /// Jobs waiting or running.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }
}

/// One job in the count of those waiting or running.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(queued: &Arc<AtomicUsize>) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(queued))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs a job and turns a panic into an error.
///
/// # Errors
/// The job panicked.
fn guarded<T>(job: impl FnOnce() -> T) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(job)).map_err(|payload| {
        // Not what it says: that may quote a prompt.
        tracing::error!("a job panicked; the worker goes on");
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a job panicked".to_owned());
        EngineError::Panicked(message)
    })
}

#[cfg(test)]
mod tests {
    use super::Worker;
    use crate::{cancel::CancelToken, error::EngineError, mailbox::Turn};
    use std::sync::mpsc::channel;

    #[test]
    fn a_panic_answers_its_own_caller_and_the_next_job_runs() {
        let worker = Worker::start("test").unwrap();
        let (sender, receiver) = channel();
        let first = sender.clone();
        worker.post(
            Turn::default(),
            CancelToken::default(),
            || -> u32 { panic!("broken") },
            move |reply| {
                first.send(reply).unwrap();
                panic!("and the reply too");
            },
        );
        worker.post(
            Turn::default(),
            CancelToken::default(),
            || 7,
            move |reply| sender.send(reply).unwrap(),
        );
        assert!(matches!(receiver.recv().unwrap(), Err(EngineError::Panicked(m)) if m == "broken"));
        assert_eq!(receiver.recv().unwrap().unwrap(), 7);
        assert_eq!(worker.queued(), 0);
    }

    #[test]
    fn a_job_cancelled_in_the_queue_is_not_run() {
        let worker = Worker::start("test").unwrap();
        let cancel = CancelToken::default();
        cancel.cancel();
        let (sender, receiver) = channel();
        worker.post(
            Turn::default(),
            cancel,
            || -> () { panic!("was run") },
            move |reply| sender.send(reply).unwrap(),
        );
        assert!(matches!(receiver.recv().unwrap(), Err(EngineError::Cancelled)));
    }
}
