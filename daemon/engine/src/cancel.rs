//! Cancellation that a blocking loop can test with one atomic read.
//! A job asks its [`CancelToken`] once per layer or tile; the future that waits for it owns a [`CancelOnDrop`].

use crate::error::EngineError;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Shared flag: once cancelled, always cancelled.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks whoever holds a clone to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`EngineError::Cancelled`] once cancelled, so that a loop stops with `?`.
    pub fn check(&self) -> Result<(), EngineError> {
        if self.is_cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
    }
}

/// Cancels its token when dropped: held by the future that waits for the job.
#[derive(Debug)]
pub struct CancelOnDrop(pub CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
