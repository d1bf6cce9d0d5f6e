//! Loading models behind the requests that need them: started once, with progress, awaited only by who asked for the loading itself.

use crate::{analyst::Job, answering::Desk, error_codes::from_engine, progress};
use limpid_engine::{cancel::CancelToken, worker::Worker};
use limpid_protocol::{
    model_status::{ModelRow, ModelState},
    view_error::{ErrorKind, ViewError},
    views::models::{ModelsAction, ModelsParams, ModelsResult},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tower_lsp::ls_types::MessageType;

type Outcome = Option<Result<(), ViewError>>;
/// A model by the name requests use; none: the default model.
type Name = Option<String>;

/// Loads under way and loads that failed.
#[derive(Clone)]
pub(crate) struct Loading {
    worker: Worker,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    under_way: BTreeMap<Name, UnderWay>,
    failed: BTreeMap<Name, ViewError>,
}

struct UnderWay {
    outcome: watch::Receiver<Outcome>,
    token: String,
    cancel: CancelToken,
}

impl Loading {
    pub(crate) fn new(worker: Worker) -> Self {
        Self { worker, table: Arc::default() }
    }

    /// Cancels the load whose progress has this token.
    pub(crate) fn cancel(&self, token: &str) {
        for load in self.lock().under_way.values().filter(|load| load.token == token) {
            load.cancel.cancel();
        }
    }

    pub(crate) fn queued(&self) -> usize {
        self.worker.queued()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Whether the model can answer now; starts loading it when nobody did.
    ///
    /// # Errors
    /// [`ErrorKind::ModelLoading`] while it is loading; why the last load failed, until one is asked for by name again.
    pub(crate) fn require_loaded(&self, name: Option<&str>) -> Result<(), ViewError> {
        let row = self.model_row(name);
        if row.as_ref().is_some_and(|row| row.state == ModelState::Loaded) {
            return Ok(());
        }
        if let Some(error) = self.loading.lock().failed.get(&name.map(String::from)) {
            return Err(error.clone());
        }
        self.start_load(name);
        let shown =
            row.as_ref().map(|row| row.name.as_str()).or(name).unwrap_or("the default model");
        let progress = row.as_ref().and_then(|row| row.progress).unwrap_or(0.0);
        let percent = (progress * 100.0) as u32;
        let mut error = ViewError::new(
            ErrorKind::ModelLoading,
            format!("{shown} is loading, {percent} %; ask again when it is done"),
        );
        error.data.model = row.map(|row| row.name).or(name.map(String::from));
        error.data.loaded = Some(progress);
        Err(error)
    }

    /// The row of a model by the name requests use.
    pub(crate) fn model_row(&self, name: Option<&str>) -> Option<ModelRow> {
        self.analyst.models().into_iter().find(|row| match name {
            Some(name) => row.name == name,
            None => row.is_default,
        })
    }

    /// `limpid/models`.
    ///
    /// # Errors
    /// Of the load, or [`ErrorKind::BadRequest`].
    pub(crate) async fn models(&self, params: ModelsParams) -> Result<ModelsResult, ViewError> {
        let name = params.name.as_deref();
        match (params.action, name) {
            (ModelsAction::List, _) => {}
            (ModelsAction::Load, _) => {
                self.loading.lock().failed.remove(&params.name);
                let mut outcome = self.start_load(name);
                let ended = outcome
                    .wait_for(Option::is_some)
                    .await
                    .ok()
                    .and_then(|outcome| outcome.clone());
                ended.unwrap_or_else(|| Err(load_failed(name)))?;
            }
            (ModelsAction::Unload, None) => {
                return Err(ViewError::new(
                    ErrorKind::BadRequest,
                    "`name` is missing; name the model to unload",
                ));
            }
            (ModelsAction::Unload, Some(name)) => {
                let (reply, answer) = tokio::sync::oneshot::channel();
                let (analyst, analyses, unloaded) =
                    (self.analyst.clone(), self.analyses.clone(), name.to_owned());
                self.loading.worker.post(
                    CancelToken::default(),
                    move || {
                        analyses.forget_numbers();
                        analyst.unload(&unloaded)
                    },
                    move |result| {
                        let _ = reply.send(result.unwrap_or_else(|e| Err(from_engine(&e))));
                    },
                );
                answer.await.unwrap_or_else(|_| Err(load_failed(Some(name))))?;
            }
        }
        Ok(ModelsResult { models: self.analyst.models() })
    }

    fn start_load(&self, name: Option<&str>) -> watch::Receiver<Outcome> {
        let name: Name = name.map(String::from);
        let mut table = self.loading.lock();
        if let Some(load) = table.under_way.get(&name) {
            return load.outcome.clone();
        }
        let (done, outcome) = watch::channel(None);
        let (token, cancel) = (progress::fresh_token(), CancelToken::default());
        let load =
            UnderWay { outcome: outcome.clone(), token: token.clone(), cancel: cancel.clone() };
        let in_queue = cancel.clone();
        table.under_way.insert(name.clone(), load);
        drop(table);

        let shown = self.model_row(name.as_deref()).map(|row| row.name).or(name.clone());
        let title = format!("Limpid: loading {}", shown.as_deref().unwrap_or("the default model"));
        let job = Job {
            cancel,
            progress: progress::reporter(self.progress_client(), token, title, Duration::ZERO),
        };
        let (analyst, analyses, asked) =
            (self.analyst.clone(), self.analyses.clone(), name.clone());
        self.loading.worker.post(
            in_queue,
            move || {
                job.progress(0.0, "starting");
                let result = analyst.load(asked.as_deref(), &job);
                analyses.forget_numbers();
                result
            },
            move |result| {
                let _ = done.send(Some(result.unwrap_or_else(|e| Err(from_engine(&e)))));
            },
        );
        self.announce(name, outcome.clone());
        outcome
    }

    /// Clears the table when a load ends, and tells the client.
    fn announce(&self, name: Name, mut outcome: watch::Receiver<Outcome>) {
        let (loading, client, refreshes) =
            (self.loading.clone(), self.client.clone(), self.negotiated().refreshes_inlays);
        tokio::spawn(async move {
            let ended =
                outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            let ended = ended.unwrap_or_else(|| Err(load_failed(name.as_deref())));
            let problem = {
                let mut table = loading.lock();
                table.under_way.remove(&name);
                ended.err().inspect(|error| {
                    table.failed.insert(name.clone(), error.clone());
                })
            };
            match problem {
                Some(error) => client.show_message(MessageType::ERROR, error).await,
                None if refreshes => {
                    let _ = client.inlay_hint_refresh().await;
                }
                None => {}
            }
        });
    }
}

fn load_failed(name: Option<&str>) -> ViewError {
    let name = name.unwrap_or("the default model");
    ViewError::new(
        ErrorKind::Internal,
        format!("loading {name} failed unexpectedly; please report it"),
    )
}
