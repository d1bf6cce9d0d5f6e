//! Work that is done in turns: a token, a batch of runs. Each is a job of its own, so that others are served in between.

use crate::{analyst::Ask, answering::Desk, error_codes::from_engine, flights::Flight};
use limpid_engine::mailbox::{Class, Turn};
use limpid_protocol::view_error::{ErrorKind, ViewError};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;
use tokio::sync::oneshot;
use tower_lsp::ls_types::notification::Notification;

/// `$/progress` with a part of a result; the framework's own type knows progress of work only.
struct PartialResult<T>(PhantomData<T>);

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Notification for PartialResult<T> {
    type Params = T;
    const METHOD: &'static str = "$/progress";
}

impl Desk {
    /// Sends a part of a result, when the client takes it.
    ///
    /// # Errors
    /// Replaced by a newer request meanwhile.
    pub(crate) async fn send_partial<T: Serialize + DeserializeOwned + Send + Sync + 'static>(
        &self,
        flight: &Flight,
        part: T,
    ) -> Result<(), ViewError> {
        tokio::select! {
            biased;
            () = flight.stopped() => Err(replaced()),
            () = self.client.send_notification::<PartialResult<T>>(part) => Ok(()),
        }
    }

    /// Runs `work` as one job where its question is answered; whose turn it is, and what it is called should it fail.
    ///
    /// # Errors
    /// Replaced by a newer request; cancelled; the job panicked.
    pub(crate) async fn turn<T: Send + 'static>(
        &self,
        flight: &Flight,
        ask: &Ask,
        (class, name): (Class, &'static str),
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ViewError> {
        let (reply, answer) = oneshot::channel();
        let turn = Turn { class, client: self.id };
        self.shared.worker_of(ask).post(turn, flight.cancel.0.clone(), work, move |result| {
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
fn replaced() -> ViewError {
    ViewError::new(ErrorKind::Cancelled, "replaced by a newer request")
}
