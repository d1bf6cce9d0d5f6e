//! The way of every request: find its place, post a job, await it, and answer only if the document is still the one it was asked about.
//! What must not live here: what a view shows.

use crate::{
    analyses::{Analyses, ViewKey},
    analyst::{Ask, Job},
    capabilities::Negotiated,
    configuration::Configuration,
    documents::{Document, Documents},
    error_codes::from_engine,
    flights::Flights,
    job_desk::JobDesk,
    methods::Served,
    place::Place,
    progress,
    prompt_document::PromptDocument,
    shared::{ClientId, Shared},
    token_table::token_table,
    urgency::{class, only_reads},
};
use limpid_engine::{cancel::CancelToken, mailbox::Turn};
use limpid_protocol::{
    request::{Answer, Subject},
    view_error::{ErrorKind, ViewError},
    views::tokens::TokensView,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tower_lsp::Client;

/// An analysis that takes longer shows progress.
const QUIET: Duration = Duration::from_millis(500);

/// Bytes of a document in which a handler looks for a prompt itself: a selection in code is parsed, which takes as long as it is.
const FOUND_AT_ONCE: usize = 32 << 10;

/// Everything the handlers of one client share.
pub(crate) struct Desk {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: ClientId,
    pub(crate) analyses: Arc<Analyses>,
    pub(crate) client: Client,
    pub(crate) documents: Arc<Documents>,
    pub(crate) flights: Flights,
    pub(crate) settings: ClientSettings,
    pub(crate) configuration: Configuration,
    /// Documents whose problems the client was told.
    pub(crate) told_problems: Mutex<BTreeSet<String>>,
    pub(crate) negotiated: OnceLock<Negotiated>,
}

/// What a client brings along, beside what it says in LSP.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// Model of its requests that name none; none: the process's.
    pub default_model: Option<String>,
}

impl Desk {
    pub(crate) fn negotiated(&self) -> Negotiated {
        self.negotiated.get().copied().unwrap_or_default()
    }

    /// The client, if it shows progress.
    pub(crate) fn progress_client(&self) -> Option<Client> {
        self.negotiated().shows_progress.then(|| self.client.clone())
    }

    /// Answers a view.
    ///
    /// # Errors
    /// Those of PROTOCOL.md.
    pub(crate) async fn answer<V: Served>(
        &self,
        mut params: V::Params,
    ) -> Result<Answer<Value>, ViewError> {
        let place = Arc::new(self.place(V::subject(&params)).await?);
        V::settle(&mut params, &self.settings_of(&place.uri));
        let view = ViewKey::of::<V>(&params);
        let encoding = self.negotiated().encoding;
        let at = place.clone();
        let answer = self
            .run(V::METHOD, &place, move |desk, job| {
                let prompt = desk.prompt(&at.ask, job)?;
                let compute = || V::compute(desk, &at.ask, &params, job);
                let view = desk.view(&at.ask, &view, compute)?;
                let token_table = token_table(&prompt.tokens, &at, encoding);
                Ok(Answer {
                    analysis: at.id.clone(),
                    version: at.version,
                    model: prompt.model,
                    token_table,
                    view,
                })
            })
            .await?;
        self.analyses.keep_place(place);
        Ok(answer)
    }

    /// Runs `work` for a place: at once if all it needs is kept, else on a worker. The answer holds for the place's version or is an error.
    ///
    /// # Errors
    /// [`ErrorKind::StaleVersion`] after an edit, [`ErrorKind::Cancelled`] when a newer request of the method replaced this one,
    /// [`ErrorKind::ModelLoading`], and what `work` says.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        method: &'static str,
        place: &Place,
        work: impl Fn(&JobDesk, &Job) -> Result<T, ViewError> + Send + 'static,
    ) -> Result<T, ViewError> {
        let (shared, ask) = (&self.shared, &place.ask);
        let started = Instant::now();
        let flight = self.flights.start(&place.uri, method);
        // An edit before the flight started has stopped nothing.
        self.require_version(&place.uri, place.version)?;
        if let Some(kept) = self.kept(&work) {
            shared.stats.record(method, started.elapsed());
            return kept;
        }
        self.require_loaded(ask.model.as_deref())?;
        let hold = shared.analyst.hold(ask.model.as_deref());
        let waiter = shared.waiters.join(ask);
        let job = Job {
            cancel: flight.cancel.0.clone(),
            progress: progress::reporter(
                self.progress_client(),
                progress::fresh_token(),
                "Limpid".to_owned(),
                QUIET,
            ),
        };
        let worker = if only_reads(method) && shared.analyst.keeps(ask) {
            &shared.reading
        } else {
            shared.worker_of(ask)
        };
        let (reply, answer) = oneshot::channel();
        let desk = self.job_desk(false);
        worker.post(
            Turn { class: class(method), client: self.id },
            job.cancel.clone(),
            move || {
                let result = work(&desk, &job);
                drop(hold);
                result
            },
            move |result| {
                let _ = reply.send(result.unwrap_or_else(|e| Err(from_engine(&e))));
            },
        );
        let result = tokio::select! {
            biased;
            () = flight.stopped() => Err(ViewError::new(ErrorKind::Cancelled, "replaced by a newer request")),
            result = answer => result.unwrap_or_else(|_| {
                Err(ViewError::new(ErrorKind::Internal, "the analysis failed unexpectedly; please report it"))
            }),
        };
        drop(waiter);
        self.require_version(&place.uri, place.version)?;
        shared.stats.record(method, started.elapsed());
        result
    }

    /// What `work` answers from what is kept; none when something would have to be computed.
    fn kept<T>(
        &self,
        work: impl Fn(&JobDesk, &Job) -> Result<T, ViewError>,
    ) -> Option<Result<T, ViewError>> {
        let desk = self.job_desk(true);
        let result = work(&desk, &Job::new(CancelToken::default(), |_, _| {}));
        (!desk.has_missed()).then_some(result)
    }

    pub(crate) fn job_desk(&self, only_kept: bool) -> JobDesk {
        let Shared { analyst, numbers, waiters, .. } = &*self.shared;
        JobDesk::new(analyst.clone(), numbers.clone(), waiters.clone(), only_kept)
    }

    /// A glance at a prompt.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(crate) async fn glanced(
        &self,
        method: &'static str,
        place: &Place,
    ) -> Result<Arc<TokensView>, ViewError> {
        let ask = place.ask.clone();
        self.run(method, place, move |desk, job| desk.glance(&ask, job)).await
    }

    /// A glance that is kept already.
    pub(crate) fn kept_glance(&self, ask: &Ask) -> Option<Arc<TokensView>> {
        self.analyses.glance(ask)
    }

    /// A prompt of a document as a place, with what its folder and this client say.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyPrompt`].
    pub(crate) fn found(
        &self,
        uri: &str,
        document: &Document,
        prompt: Arc<PromptDocument>,
    ) -> Result<Place, ViewError> {
        Place::new(uri, document, prompt, &self.settings_of(uri))
    }

    /// # Errors
    /// [`ErrorKind::StaleVersion`] when another version is open.
    pub(crate) fn require_version(&self, uri: &str, version: i32) -> Result<(), ViewError> {
        let open = self.documents.version(uri);
        if open == Some(version) {
            return Ok(());
        }
        let open_now =
            open.map_or("it is closed".to_owned(), |open| format!("version {open} is open"));
        let mut error = ViewError::new(
            ErrorKind::StaleVersion,
            format!("{uri} changed: asked about version {version}, {open_now}"),
        );
        error.data.version = open;
        Err(error)
    }

    /// The place that a request names.
    ///
    /// # Errors
    /// [`ErrorKind::DocumentNotOpen`], [`ErrorKind::StaleVersion`], [`ErrorKind::EmptyPrompt`], [`ErrorKind::BadRequest`].
    pub(crate) async fn place(&self, subject: &Subject) -> Result<Place, ViewError> {
        if let Some(prompt) = &subject.prompt {
            let document = self.documents.snapshot(&prompt.uri)?;
            self.require_version(&prompt.uri, prompt.version)?;
            if subject.analysis.is_none() {
                let further = self.settings_of(&prompt.uri);
                let (encoding, prompt) = (self.negotiated().encoding, prompt.clone());
                let is_long = document.text.len_bytes() > FOUND_AT_ONCE;
                let find = move || Place::of_prompt(&prompt, &document, encoding, &further);
                let place = if is_long {
                    tokio::task::spawn_blocking(find).await.unwrap_or_else(|_| {
                        let problem = "finding the prompt failed unexpectedly; please report it";
                        Err(ViewError::new(ErrorKind::Internal, problem))
                    })?
                } else {
                    find()?
                };
                return Ok(place.with(subject));
            }
        }
        let Some(id) = &subject.analysis else {
            return Err(ViewError::new(
                ErrorKind::BadRequest,
                "`subject` names no prompt; give `prompt` or `analysis`",
            ));
        };
        let Some(place) = self.analyses.place(id) else {
            let problem =
                format!("analysis `{id}` is no longer kept; ask again with `subject.prompt`");
            return Err(ViewError::new(ErrorKind::BadRequest, problem));
        };
        self.documents.snapshot(&place.uri)?;
        self.require_version(&place.uri, place.version)?;
        Ok(Place::clone(&place).with(subject))
    }
}
