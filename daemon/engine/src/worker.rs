//! One OS thread per device, a mailbox of jobs, and a guard: a job that panics answers its own caller and nobody else notices.
//! No async here: the reply is a callback, so that a server can pass a channel's sender.

use crate::{cancel::CancelToken, error::EngineError};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Sender, channel},
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

/// A handle on a device's thread; the thread ends when the last handle is gone and the mailbox is empty.
#[derive(Clone, Debug)]
pub struct Worker {
    mailbox: Sender<Job>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(name: &str) -> Result<Self, EngineError> {
        let (mailbox, jobs) = channel::<Job>();
        thread::Builder::new()
            .name(format!("limpid-{name}"))
            .spawn(move || {
                for job in jobs {
                    job();
                }
            })
            .map_err(|e| EngineError::Device(format!("no thread for {name}: {e}")))?;
        Ok(Self { mailbox })
    }

    /// Runs `job` after those posted before it and hands its result to `reply`. A job cancelled while it waits is not run.
    pub fn post<T: 'static>(
        &self,
        cancel: CancelToken,
        job: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
        reply: impl FnOnce(Result<T, EngineError>) + Send + 'static,
    ) {
        let run = move || {
            let result = cancel.check().and_then(|()| guarded(job));
            reply(result);
        };
        // The thread outlives every handle, so the only way to fail is a thread that is gone with the process.
        let _ = self.mailbox.send(Box::new(run));
    }
}

/// Runs a job and turns a panic into an error.
///
/// # Errors
/// What the job says, or that it panicked.
pub fn guarded<T>(job: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a job panicked".to_owned());
        Err(EngineError::Panicked(message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_answers_its_own_caller_and_the_next_job_runs() {
        let worker = Worker::start("test").unwrap();
        let (sender, receiver) = channel();
        let first = sender.clone();
        worker.post(
            CancelToken::default(),
            || -> Result<u32, EngineError> { panic!("broken") },
            move |reply| first.send(reply).unwrap(),
        );
        worker.post(CancelToken::default(), || Ok(7), move |reply| sender.send(reply).unwrap());
        assert!(matches!(receiver.recv().unwrap(), Err(EngineError::Panicked(m)) if m == "broken"));
        assert_eq!(receiver.recv().unwrap().unwrap(), 7);
    }

    #[test]
    fn a_job_cancelled_in_the_queue_is_not_run() {
        let worker = Worker::start("test").unwrap();
        let cancel = CancelToken::default();
        cancel.cancel();
        let (sender, receiver) = channel();
        worker.post(
            cancel,
            || -> Result<(), EngineError> { panic!("was run") },
            move |reply| sender.send(reply).unwrap(),
        );
        assert!(matches!(receiver.recv().unwrap(), Err(EngineError::Cancelled)));
    }
}
