//! Work that is done in turns: a token, a batch of runs. Each is a job of its own, so that others are served in between.

use crate::{answering::Desk, error_codes::from_engine, flights::Flight};
use limpid_engine::mailbox::{Class, Turn};
use limpid_protocol::view_error::{ErrorKind, ViewError};
use tokio::sync::oneshot;

impl Desk {
    /// Runs `work` as one job on the compute worker; whose turn it is, and what it is called should it fail.
    ///
    /// # Errors
    /// Replaced by a newer request; cancelled; the job panicked.
    pub(crate) async fn turn<T: Send + 'static>(
        &self,
        flight: &Flight,
        (class, name): (Class, &'static str),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ViewError> {
        let (reply, answer) = oneshot::channel();
        let turn = Turn { class, client: self.id };
        self.shared.compute.post(turn, flight.cancel.0.clone(), work, move |result| {
            let _ = reply.send(result.map_err(|e| from_engine(&e)));
        });
        tokio::select! {
            biased;
            () = flight.stopped() => Err(replaced()),
            result = answer => result.unwrap_or_else(|_| {
                let problem = format!("{name} failed unexpectedly; please report it");
                Err(ViewError::new(ErrorKind::Internal, problem))
            }),
        }
    }
}

/// The error of a request that a newer one took the place of.
pub(crate) fn replaced() -> ViewError {
    ViewError::new(ErrorKind::Cancelled, "replaced by a newer request")
}
