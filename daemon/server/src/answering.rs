//! The way of every request: find its place, post a job, await it, and answer only if the document is still the one it was asked about.
//! What must not live here: what a view shows.

use crate::{
    analyses::Analyses,
    analyst::{Analyst, Ask, Job},
    documents::Documents,
    error_codes::from_engine,
    flights::Flights,
    method_stats::MethodStats,
    methods::Served,
    model_loading::Loading,
    place::Place,
    positions::Encoding,
    progress,
    token_table::token_table,
};
use limpid_engine::worker::Worker;
use limpid_protocol::{
    inspection::Inspection,
    request::{Answer, Subject},
    view_error::{ErrorKind, ViewError},
    views::attribution::{AttributionParams, AttributionView},
};
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tower_lsp::Client;

/// An analysis that takes longer shows progress.
const QUIET: Duration = Duration::from_millis(500);

/// What was agreed at `initialize`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Negotiated {
    pub(crate) encoding: Encoding,
    pub(crate) shows_progress: bool,
    pub(crate) refreshes_inlays: bool,
}

/// Everything the handlers share.
pub(crate) struct Desk {
    pub(crate) analyst: Arc<dyn Analyst>,
    pub(crate) analyses: Arc<Analyses>,
    pub(crate) client: Client,
    pub(crate) documents: Documents,
    pub(crate) flights: Flights,
    pub(crate) loading: Loading,
    pub(crate) stats: MethodStats,
    pub(crate) compute: Worker,
    pub(crate) started: Instant,
    pub(crate) negotiated: OnceLock<Negotiated>,
}

impl Desk {
    pub(crate) fn negotiated(&self) -> Negotiated {
        let before = Negotiated {
            encoding: Encoding::Utf16,
            shows_progress: false,
            refreshes_inlays: false,
        };
        self.negotiated.get().copied().unwrap_or(before)
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
        params: V::Params,
    ) -> Result<Answer<V::Body>, ViewError> {
        let place = Arc::new(self.place(V::subject(&params))?);
        let encoding = self.negotiated().encoding;
        let at = place.clone();
        let answer = self
            .run(V::METHOD, &place, move |desk, job| {
                let inspection = desk.inspection(&at.ask, job)?;
                let view = V::compute(desk, &at.ask, &params, &inspection, job)?;
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

    /// Runs `work` for a place on the compute worker; the answer holds for the place's version or is an error.
    ///
    /// # Errors
    /// [`ErrorKind::StaleVersion`] after an edit, [`ErrorKind::Cancelled`] when a newer request of the method replaced this one,
    /// [`ErrorKind::ModelLoading`], and what `work` says.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        method: &'static str,
        place: &Place,
        work: impl FnOnce(&JobDesk, &Job) -> Result<T, ViewError> + Send + 'static,
    ) -> Result<T, ViewError> {
        self.require_loaded(place.ask.model.as_deref())?;
        let started = Instant::now();
        let flight = self.flights.start(&place.uri, method);
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
        let desk = JobDesk { analyst: self.analyst.clone(), analyses: self.analyses.clone() };
        let (reply, answer) = oneshot::channel();
        self.compute.post(
            job.cancel.clone(),
            move || work(&desk, &job),
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
        self.require_version(&place.uri, place.version)?;
        self.stats.record(method, started.elapsed());
        result
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

    pub(crate) fn place(&self, subject: &Subject) -> Result<Place, ViewError> {
        if let Some(prompt) = &subject.prompt {
            let document = self.documents.snapshot(&prompt.uri)?;
            self.require_version(&prompt.uri, prompt.version)?;
            if subject.analysis.is_none() {
                return Ok(
                    Place::of_prompt(prompt, &document, self.negotiated().encoding)?.with(subject)
                );
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

/// What a job works with on the compute worker.
pub(crate) struct JobDesk {
    pub(crate) analyst: Arc<dyn Analyst>,
    pub(crate) analyses: Arc<Analyses>,
}

impl JobDesk {
    /// Step one, computed at most once for a question.
    pub(crate) fn inspection(&self, ask: &Ask, job: &Job) -> Result<Arc<Inspection>, ViewError> {
        if let Some(kept) = self.analyses.first(ask) {
            return Ok(kept);
        }
        let inspection = Arc::new(self.analyst.inspect(ask, job)?);
        job.check()?;
        self.analyses.keep_first(ask, inspection.clone());
        Ok(inspection)
    }

    /// Step two with default parameters, computed at most once for a question.
    pub(crate) fn attributions(
        &self,
        ask: &Ask,
        job: &Job,
    ) -> Result<Arc<AttributionView>, ViewError> {
        if let Some(kept) = self.analyses.second(ask) {
            return Ok(kept);
        }
        let nothing = Subject {
            prompt: None,
            analysis: None,
            model: None,
            target: None,
            foil: None,
            objective: None,
        };
        let params = AttributionParams { subject: nothing, methods: None, top: None };
        let attribution = Arc::new(self.analyst.attributions(ask, &params, job)?);
        job.check()?;
        self.analyses.keep_second(ask, attribution.clone());
        Ok(attribution)
    }
}
