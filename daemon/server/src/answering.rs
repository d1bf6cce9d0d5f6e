//! The way of every request: find its place, post a job, await it, and answer only if the document is still the one it was asked about.
//! What must not live here: what a view shows.

use crate::{
    analyses::{Analyses, Numbers, ViewKey},
    analyst::{Analyst, Ask, Job},
    capabilities::Negotiated,
    configuration::Configuration,
    documents::{Document, Documents},
    error_codes::from_engine,
    flights::Flights,
    methods::Served,
    part_shares::FLOW,
    place::Place,
    progress,
    prompt_document::PromptDocument,
    shared::{ClientId, Shared},
    token_table::token_table,
    urgency::{class, only_reads},
    waiters::Waiters,
};
use limpid_analysis::views::known_effects::KnownEffects;
use limpid_engine::{cancel::CancelToken, mailbox::Turn};
use limpid_protocol::{
    inspection::Inspection,
    request::{Answer, Subject},
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView},
        tokens::TokensView,
    },
};
use serde::Serialize;
use serde_json::Value;
use std::{
    cell::Cell,
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
                let inspection = desk.inspection(&at.ask, job)?;
                let compute = || V::compute(desk, &at.ask, &params, &inspection, job);
                let view = desk.view(&at.ask, &view, compute)?;
                let token_table = token_table(&inspection.tokens, &at, encoding);
                let model = inspection.model.name.clone();
                Ok(Answer {
                    analysis: at.id.clone(),
                    version: at.version,
                    model,
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
        let title = format!("Limpid: {}", method.rsplit('/').next().unwrap_or(method));
        let job = Job {
            cancel: flight.cancel.0.clone(),
            progress: progress::reporter(
                self.progress_client(),
                progress::fresh_token(),
                title,
                QUIET,
            ),
        };
        let is_finished = only_reads(method) && shared.numbers.first(ask).is_some();
        let worker = if is_finished && shared.analyst.keeps(ask) {
            &shared.reading
        } else {
            &shared.compute
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
        (!desk.has_missed.get()).then_some(result)
    }

    fn job_desk(&self, only_kept: bool) -> JobDesk {
        let Shared { analyst, numbers, waiters, .. } = &*self.shared;
        JobDesk {
            analyst: analyst.clone(),
            numbers: numbers.clone(),
            waiters: waiters.clone(),
            only_kept,
            has_missed: Cell::new(false),
            has_asked: Cell::new(false),
        }
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

/// What a job works with.
pub(crate) struct JobDesk {
    analyst: Arc<dyn Analyst>,
    numbers: Arc<Numbers>,
    waiters: Waiters,
    /// Nothing may be computed: the job runs on the task of all handlers.
    only_kept: bool,
    has_missed: Cell<bool>,
    /// The models were asked for something that is not kept.
    has_asked: Cell<bool>,
}

impl JobDesk {
    /// The models.
    ///
    /// # Errors
    /// Only what is kept may be used now.
    pub(crate) fn analyst(&self) -> Result<&dyn Analyst, ViewError> {
        if self.only_kept {
            self.has_missed.set(true);
            return Err(ViewError::new(ErrorKind::Cancelled, "not kept"));
        }
        self.has_asked.set(true);
        Ok(&*self.analyst)
    }

    /// A view as JSON. What the models were asked for is computed at most once for a question and its params; what is made of kept
    /// numbers is not kept again.
    fn view<T: Serialize>(
        &self,
        ask: &Ask,
        key: &ViewKey,
        compute: impl FnOnce() -> Result<T, ViewError>,
    ) -> Result<Value, ViewError> {
        if let Some(kept) = self.numbers.view(ask, key) {
            return Ok(kept.view.clone());
        }
        self.has_asked.set(false);
        let view = serde_json::to_value(compute()?)
            .map_err(|error| ViewError::new(ErrorKind::Internal, error.to_string()))?;
        if self.has_asked.get() {
            self.numbers.keep_view(ask, key, &view);
        }
        Ok(view)
    }

    /// A glance, computed at most once for a question; an inspection of it holds one.
    ///
    /// # Errors
    /// Of the engine and the request.
    pub(crate) fn glance(&self, ask: &Ask, job: &Job) -> Result<Arc<TokensView>, ViewError> {
        if let Some(kept) = self.numbers.glance(ask) {
            return Ok(kept);
        }
        let analyst = self.analyst()?;
        let shared = job.until(self.cancel_of(ask, job));
        let glance = Arc::new(analyst.glance(ask, &shared)?);
        shared.check()?;
        self.numbers.keep_glance(ask, glance.clone());
        job.check()?;
        Ok(glance)
    }

    /// Step one, computed at most once for a question, and given up only when nobody waits for it any more.
    pub(crate) fn inspection(&self, ask: &Ask, job: &Job) -> Result<Arc<Inspection>, ViewError> {
        if let Some(kept) = self.numbers.first(ask) {
            return Ok(kept);
        }
        let analyst = self.analyst()?;
        let shared = job.until(self.cancel_of(ask, job));
        let inspection = Arc::new(analyst.inspect(ask, &shared)?);
        shared.check()?;
        self.numbers.keep_first(ask, inspection.clone());
        job.check()?;
        Ok(inspection)
    }

    /// What was measured of a question so far.
    pub(crate) fn known_effects(&self, ask: &Ask) -> KnownEffects {
        self.numbers.known_effects(ask)
    }

    /// Step two with default rows and the flow of every token, computed at most once for a question.
    pub(crate) fn attributions(
        &self,
        ask: &Ask,
        job: &Job,
    ) -> Result<Arc<AttributionView>, ViewError> {
        if let Some(kept) = self.numbers.second(ask) {
            return Ok(kept);
        }
        let methods = Some(vec!["atp".to_owned(), FLOW.to_owned()]);
        let params = AttributionParams { subject: Subject::nothing(), methods, top: None };
        let analyst = self.analyst()?;
        let shared = job.until(self.cancel_of(ask, job));
        let attribution = Arc::new(analyst.attributions(ask, &params, &shared)?);
        shared.check()?;
        self.numbers.keep_second(ask, attribution.clone());
        job.check()?;
        Ok(attribution)
    }

    fn cancel_of(&self, ask: &Ask, job: &Job) -> CancelToken {
        self.waiters.cancel_of(ask).unwrap_or_else(|| job.cancel.clone())
    }
}
