//! Loading models behind the requests that need them: once a process, with progress to every client that waits, awaited only by who asked
//! for the loading itself. A load goes on when the clients that wait for it leave: they come back.

use crate::{
    analyst::Job,
    answering::Desk,
    error_codes::from_engine,
    progress,
    shared::{ClientId, Shared},
};
use limpid_engine::{cancel::CancelToken, mailbox::Turn, worker::Worker};
use limpid_protocol::{
    model_status::ModelRow,
    view_error::{ErrorKind, ViewError},
    views::models::{ModelsAction, ModelsParams, ModelsResult},
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tower_lsp::ls_types::MessageType;

type Outcome = Option<Result<(), ViewError>>;
/// Share done, and what is being done.
type Stage = (f32, String);
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
    /// Loads that failed or were cancelled while a client waited. Another client's request tries again.
    failed: BTreeMap<(Name, ClientId), ViewError>,
}

struct UnderWay {
    outcome: watch::Receiver<Outcome>,
    stage: watch::Receiver<Stage>,
    cancel: CancelToken,
    /// Who waits, with the token of the progress that it sees.
    waiting: BTreeMap<ClientId, String>,
}

impl Loading {
    pub(crate) fn new(worker: Worker) -> Self {
        Self { worker, table: Arc::default() }
    }

    /// A client no longer waits for the load whose progress has this token; cancels the load if nobody else does.
    pub(crate) fn cancel(&self, client: ClientId, token: &str) {
        let mut table = self.lock();
        let is_meant = |load: &UnderWay| load.waiting.get(&client).is_some_and(|own| own == token);
        let found = table.under_way.iter_mut().find(|(_, load)| is_meant(load));
        let Some((name, load)) = found else { return };
        if load.waiting.len() == 1 {
            load.cancel.cancel();
        } else {
            load.waiting.remove(&client);
            let given_up =
                ((name.clone(), client), ViewError::new(ErrorKind::Cancelled, "cancelled"));
            table.failed.extend([given_up]);
        }
    }

    /// Forgets a client.
    pub(crate) fn leave(&self, client: ClientId) {
        let mut table = self.lock();
        table.failed.retain(|(_, told), _| *told != client);
        table.under_way.values_mut().for_each(|load| {
            load.waiting.remove(&client);
        });
    }

    pub(crate) fn queued(&self) -> usize {
        self.worker.queued()
    }

    /// Ends a load: whoever waits is told the outcome, and a failure is kept for them.
    fn end(&self, name: &Name, outcome: &Result<(), ViewError>) {
        let mut table = self.lock();
        let waiting = table.under_way.remove(name).map(|load| load.waiting).unwrap_or_default();
        table.failed.retain(|(of, _), _| outcome.is_err() || of != name);
        if let Err(error) = outcome {
            let told = waiting.into_keys().map(|client| ((name.clone(), client), error.clone()));
            table.failed.extend(told);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The row of a model by the name requests use.
    pub(crate) fn model_row(&self, name: Option<&str>) -> Option<ModelRow> {
        self.analyst.models().into_iter().find(|row| match name {
            Some(name) => row.name == name,
            None => row.is_default,
        })
    }

    /// Every name that requests may use for a model.
    fn names(&self, name: Option<&str>) -> Vec<Name> {
        let mut names = vec![name.map(String::from)];
        if let Some(row) = self.model_row(name).filter(|row| row.is_default) {
            names.extend([None, Some(row.name)]);
        }
        names
    }

    /// The load of a model, started unless it is under way.
    fn load<'a>(&self, table: &'a mut Table, name: &Name) -> &'a mut UnderWay {
        let started = || {
            let (done, outcome) = watch::channel(None);
            let (says, stage) = watch::channel((0.0, "starting".to_owned()));
            let cancel = CancelToken::default();
            let job = Job::new(cancel.clone(), move |share, doing| {
                says.send_replace((share, doing.to_owned()));
            });
            let (analyst, numbers, loading) =
                (self.analyst.clone(), self.numbers.clone(), self.loading.clone());
            let (names, asked, ended) = (self.names(name.as_deref()), name.clone(), name.clone());
            self.loading.worker.post(
                Turn::default(),
                cancel.clone(),
                move || {
                    let result = analyst.load(asked.as_deref(), &job);
                    numbers.forget(&names);
                    result
                },
                move |result| {
                    let result = result.unwrap_or_else(|e| Err(from_engine(&e)));
                    loading.end(&ended, &result);
                    done.send_replace(Some(result));
                },
            );
            UnderWay { outcome, stage, cancel, waiting: BTreeMap::new() }
        };
        table.under_way.entry(name.clone()).or_insert_with(started)
    }
}

impl Desk {
    /// Whether the model can answer now; starts loading it when nobody did.
    ///
    /// # Errors
    /// [`ErrorKind::ModelLoading`] while it is loading; why the last load failed, until one is asked for by name again.
    pub(crate) fn require_loaded(&self, name: Option<&str>) -> Result<(), ViewError> {
        if self.shared.analyst.is_loaded(name) {
            return Ok(());
        }
        let asked = (name.map(String::from), self.id);
        if let Some(error) = self.shared.loading.lock().failed.get(&asked) {
            return Err(error.clone());
        }
        self.start_load(name);
        let row = self.shared.model_row(name);
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

    /// Waits until the model can answer; starts loading it when nobody did.
    ///
    /// # Errors
    /// Of the load; why the last one failed, until one is asked for by name again.
    pub(crate) async fn loaded(&self, name: Option<&str>) -> Result<(), ViewError> {
        match self.require_loaded(name) {
            Err(error) if error.kind() == ErrorKind::ModelLoading => {}
            known => return known,
        }
        let mut outcome = self.start_load(name);
        let ended = outcome.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        ended.unwrap_or_else(|| Err(load_failed(name)))
    }

    /// `limpid/models`.
    ///
    /// # Errors
    /// Of the load, or [`ErrorKind::BadRequest`].
    pub(crate) async fn models(&self, params: ModelsParams) -> Result<ModelsResult, ViewError> {
        let name = params.name.as_deref();
        let shared = &self.shared;
        match (params.action, name) {
            (ModelsAction::List, _) => {}
            (ModelsAction::Load, _) => {
                let name = name.or(self.settings.default_model.as_deref());
                shared.loading.lock().failed.remove(&(name.map(String::from), self.id));
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
                let (analyst, numbers, names) =
                    (shared.analyst.clone(), shared.numbers.clone(), shared.names(Some(name)));
                let unloaded = name.to_owned();
                shared.loading.worker.post(
                    Turn::default(),
                    CancelToken::default(),
                    move || {
                        numbers.forget(&names);
                        analyst.unload(&unloaded)
                    },
                    move |result| {
                        let _ = reply.send(result.unwrap_or_else(|e| Err(from_engine(&e))));
                    },
                );
                answer.await.unwrap_or_else(|_| Err(load_failed(Some(name))))?;
            }
        }
        let mut models = shared.analyst.models();
        if let Some(default) = &self.settings.default_model {
            models.iter_mut().for_each(|row| row.is_default = row.name == *default);
        }
        Ok(ModelsResult { models })
    }

    /// Waits for a load, started unless it is under way, and tells the client how it goes.
    fn start_load(&self, name: Option<&str>) -> watch::Receiver<Outcome> {
        let name: Name = name.map(String::from);
        let mut table = self.shared.loading.lock();
        let load = self.shared.load(&mut table, &name);
        let outcome = load.outcome.clone();
        if let Entry::Vacant(place) = load.waiting.entry(self.id) {
            let token = place.insert(progress::fresh_token()).clone();
            self.announce(name, token, load.stage.clone(), outcome.clone());
        }
        outcome
    }

    /// Shows the client the progress of a load and how it ended.
    fn announce(
        &self,
        name: Name,
        token: String,
        mut stage: watch::Receiver<Stage>,
        mut outcome: watch::Receiver<Outcome>,
    ) {
        let (client, negotiated) = (self.client.clone(), self.negotiated());
        let shown = self.shared.model_row(name.as_deref()).map(|row| row.name).or(name.clone());
        let title = format!("Limpid: loading {}", shown.as_deref().unwrap_or("the default model"));
        let reporter = progress::reporter(self.progress_client(), token, title, Duration::ZERO);
        tokio::spawn(async move {
            loop {
                let (share, doing) = stage.borrow_and_update().clone();
                reporter(share, &doing);
                if stage.changed().await.is_err() {
                    break;
                }
            }
            drop(reporter);
            let ended =
                outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            match ended.unwrap_or_else(|| Err(load_failed(name.as_deref()))) {
                Err(error) => client.show_message(MessageType::ERROR, error).await,
                Ok(()) => negotiated.refresh(&client).await,
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
