//! `limpid/compare`: a job a run, behind whatever anybody else asks, and one for the table. A run that fails says why.

use crate::{
    analyst::{Ask, Job},
    answering::Desk,
    compared_rows::{Parted, compared_rows},
    compared_run::{Found, Heritage, found, found_with},
    flights::Flight,
    parts::{Outline, segments},
    place::Place,
    progress,
    token_table::token_table,
};
use limpid_engine::mailbox::Class;
use limpid_protocol::{
    inspection::Inspection,
    part_row::PartBy,
    request::{Answer, Request, Subject},
    view_error::{ErrorKind, ViewError},
    views::compare::{Compare, CompareParams, CompareRun, CompareView},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Nobody waits behind a run that somebody else could have had.
const TURN: (Class, &str) = (Class::Background, "the comparison");
/// A comparison that takes longer shows progress.
const QUIET: Duration = Duration::from_millis(500);
/// More runs beside the first are not taken.
const MOST_RUNS: usize = 16;

/// A run as the view has it, where it was asked, and what it found.
type Ran = (CompareRun, Option<Place>, Option<Found>);

impl Desk {
    /// Answers `limpid/compare`.
    ///
    /// # Errors
    /// As [`Desk::run`]; of the first run only.
    pub(crate) async fn comparison(
        &self,
        params: CompareParams,
    ) -> Result<Answer<CompareView>, ViewError> {
        if !(1..=MOST_RUNS).contains(&params.with.len()) {
            let n = params.with.len();
            let problem = format!("`with` names {n} runs; name 1 to {MOST_RUNS}");
            return Err(ViewError::new(ErrorKind::BadRequest, problem));
        }
        let place = self.place(&params.subject).await?;
        self.require_loaded(place.ask.model.as_deref())?;
        let started = Instant::now();
        let flight = self.flights.start(&place.uri, Compare::METHOD);
        self.require_version(&place.uri, place.version)?;
        let result = self.compare_at(&place, &flight, &params).await;
        self.require_version(&place.uri, place.version)?;
        self.shared.stats.record(Compare::METHOD, started.elapsed());
        result
    }

    async fn compare_at(
        &self,
        place: &Place,
        flight: &Flight,
        params: &CompareParams,
    ) -> Result<Answer<CompareView>, ViewError> {
        let shown = progress::reporter(
            self.progress_client(),
            progress::fresh_token(),
            "Limpid: compare".to_owned(),
            QUIET,
        );
        let by = params.by.unwrap_or_else(|| usual_cut(&place.ask));
        let cut = (by, params.method.as_deref().unwrap_or("atp"));
        let first = self.first_run(place, flight, cut).await?;
        let inspection = Arc::clone(&first.inspection);
        let (method, unit) = (first.method.clone(), first.unit.clone());
        let mut ran: Vec<Ran> = vec![answered(place.clone(), first)];
        for (at, subject) in params.with.iter().enumerate() {
            let n = params.with.len();
            shown(at as f32 / n as f32, &format!("run {} of {}", at + 2, n + 1));
            ran.push(self.other_run(subject, (place, &inspection), flight, cut).await?);
        }
        let parted = |(_, place, found): &Ran| {
            let (place, found) = (place.as_ref()?, found.as_ref()?);
            Some(Parted { text: place.ask.text.clone(), parts: found.parts.clone() })
        };
        let parted: Vec<Option<Parted>> = ran.iter().map(parted).collect();
        let rows = self.turn(flight, &place.ask, TURN, move || compared_rows(&parted)).await?;
        let mut runs = Vec::new();
        for (run, place, _) in ran {
            place.into_iter().for_each(|place| self.analyses.keep_place(Arc::new(place)));
            runs.push(run);
        }
        Ok(Answer {
            analysis: place.id.clone(),
            version: place.version,
            model: inspection.model.name.clone(),
            token_table: token_table(&inspection.tokens, place, self.negotiated().encoding),
            view: CompareView { by, method, unit, runs, rows },
        })
    }

    async fn first_run(
        &self,
        place: &Place,
        flight: &Flight,
        (by, method): (PartBy, &str),
    ) -> Result<Found, ViewError> {
        let (desk, ask, method) = (self.job_desk(false), place.ask.clone(), method.to_owned());
        let hold = self.shared.analyst.hold(ask.model.as_deref());
        let waiter = self.shared.waiters.join(&ask);
        let job = Job::new(flight.cancel.0.clone(), |_, _| {});
        let work = move || found(&desk, &ask, by, &method, &job);
        let result = self.turn(flight, &place.ask, TURN, work).await;
        drop((hold, waiter));
        result?
    }

    /// Another run; its failure is told in it.
    ///
    /// # Errors
    /// The whole comparison was stopped.
    async fn other_run(
        &self,
        subject: &Subject,
        first: (&Place, &Arc<Inspection>),
        flight: &Flight,
        cut: (PartBy, &str),
    ) -> Result<Ran, ViewError> {
        let (place, heritage) = match self.other_place(subject, first).await {
            Ok(found) => found,
            Err(error) => return Ok(self.failed(subject.model.as_deref(), None, &error)),
        };
        let result = self.run_other(&place, heritage, flight, cut).await;
        match result {
            Ok((ask, found)) => Ok(answered(place.asking(ask), found)),
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(error) => {
                let model = place.ask.model.clone();
                Ok(self.failed(model.as_deref(), Some(place), &error))
            }
        }
    }

    async fn run_other(
        &self,
        place: &Place,
        heritage: Option<Heritage>,
        flight: &Flight,
        (by, method): (PartBy, &str),
    ) -> Result<(Ask, Found), ViewError> {
        tokio::select! {
            biased;
            () = flight.stopped() => {
                return Err(ViewError::new(ErrorKind::Cancelled, "replaced by a newer request"));
            }
            loaded = self.loaded(place.ask.model.as_deref()) => loaded?,
        }
        let (desk, ask, method) = (self.job_desk(false), place.ask.clone(), method.to_owned());
        let hold = self.shared.analyst.hold(ask.model.as_deref());
        let job = Job::new(flight.cancel.0.clone(), |_, _| {});
        let work = move || found_with(&desk, ask, heritage.as_ref(), (by, &method), &job);
        let result = self.turn(flight, &place.ask, TURN, work).await;
        drop(hold);
        result?
    }

    /// Where another run looks, and what it takes over in words: everything where it is another model's or another text's; nothing
    /// where it is the same model's, whose tokens are the same.
    async fn other_place(
        &self,
        subject: &Subject,
        (first, inspection): (&Place, &Arc<Inspection>),
    ) -> Result<(Place, Option<Heritage>), ViewError> {
        let (base, source) = match (&subject.analysis, &subject.prompt) {
            (Some(id), _) => {
                let place = self.analyses.place(id).ok_or_else(|| no_longer_kept(id))?;
                let known = self.shared.numbers.first(&place.ask);
                (Place::clone(&place), known)
            }
            (None, Some(prompt)) => {
                let prompt = Subject { prompt: Some(prompt.clone()), ..Subject::nothing() };
                let place = self.place(&prompt).await?;
                let (text, turns) = (place.ask.text.clone(), place.ask.turns.clone());
                let ask = Ask { text, turns, ..first.ask.clone() };
                (place.asking(ask), Some(Arc::clone(inspection)))
            }
            (None, None) => (first.clone(), Some(Arc::clone(inspection))),
        };
        let is_own = subject.analysis.is_some();
        let asked = base.ask.clone();
        let mut place = base.with(subject);
        let named = |model: &Option<String>| {
            model.clone().or_else(|| Some(self.shared.model_row(None)?.name))
        };
        let is_same_model = subject.model.is_none() || subject.model == named(&asked.model);
        if is_same_model {
            place = place.named(asked.model.clone());
        }
        let is_same_text = place.ask.text == first.ask.text && place.ask.turns == first.ask.turns;
        if is_same_model && (is_own || is_same_text) {
            return Ok((place, None));
        }
        let Some(from) = source else {
            // What its target was in words is forgotten, and its number says nothing to another model.
            let ask = Ask { token: None, foil: None, ..place.ask.clone() };
            return Ok((place.asking(ask).with(subject), None));
        };
        let ask = if is_own { asked } else { first.ask.clone() };
        let (target, foil) = (subject.target.is_none(), subject.foil.is_none());
        Ok((place, Some(Heritage { from, ask, target, foil, is_same_model })))
    }

    fn failed(&self, model: Option<&str>, place: Option<Place>, error: &ViewError) -> Ran {
        let default = || self.shared.model_row(None).map(|row| row.name);
        let run = CompareRun {
            analysis: place.as_ref().map(|place| place.id.clone()),
            model: model.map(String::from).or_else(default).unwrap_or_default(),
            target: None,
            predictions: Vec::new(),
            value: None,
            n_tokens: None,
            problem: Some(error.message.clone()),
        };
        (run, place, None)
    }
}

fn answered(place: Place, found: Found) -> Ran {
    let run = CompareRun {
        analysis: Some(place.id.clone()),
        model: found.inspection.model.name.clone(),
        target: Some(found.target.clone()),
        predictions: found.inspection.predictions.clone(),
        value: Some(found.value),
        n_tokens: Some(found.inspection.tokens.len()),
        problem: None,
    };
    (run, Some(place), Some(found))
}

/// The coarsest of sentences, lines and words of which a prompt has two.
fn usual_cut(ask: &Ask) -> PartBy {
    let outline = Outline::of_ask(ask);
    let is_cut = |by: &PartBy| segments(&ask.text, &outline, *by).len() > 1;
    [PartBy::Sentence, PartBy::Line].into_iter().find(is_cut).unwrap_or(PartBy::Word)
}

fn no_longer_kept(id: &str) -> ViewError {
    let problem = format!(
        "analysis `{id}` is no longer kept: its document was closed, or many others were made since; inspect that prompt again"
    );
    ViewError::new(ErrorKind::BadRequest, problem)
}
