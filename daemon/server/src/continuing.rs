//! `limpid/continue`: a job a token, so that whoever asks in between waits for one token at most, and pieces sent as they
//! are written. A client that reads slowly slows its own continuation only.

use crate::{
    analyst::{Continuing, Job},
    answering::Desk,
    flights::Flight,
    place::Place,
    progress,
    token_table::token_table,
};
use limpid_engine::mailbox::Class;
use limpid_protocol::{
    request::{Answer, Request},
    view_error::ViewError,
    views::continuation::{
        ContinuationProgress, ContinuationSide, ContinuationView, Continue, ContinueParams,
        ContinuedToken, StoppedBy, UnchangedContinuation,
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Between two tokens whoever asks for anything else goes first.
const TURN: (Class, &str) = (Class::Ambient, "the continuation");
/// A prompt's own pass that takes longer shows progress.
const QUIET: Duration = Duration::from_millis(500);

impl Desk {
    /// Answers `limpid/continue`.
    ///
    /// # Errors
    /// As [`Desk::run`].
    pub(crate) async fn continuation(
        &self,
        params: ContinueParams,
    ) -> Result<Answer<ContinuationView>, ViewError> {
        let place = Arc::new(self.place(&params.subject).await?);
        self.require_loaded(place.ask.model.as_deref())?;
        let started = Instant::now();
        let flight = self.flights.start(&place.uri, Continue::METHOD);
        let result = self.continue_at(&place, &flight, params).await;
        self.require_version(&place.uri, place.version)?;
        self.shared.stats.record(Continue::METHOD, started.elapsed());
        let (under_way, view) = result?;
        let encoding = self.negotiated().encoding;
        let answer = Answer {
            analysis: place.id.clone(),
            version: place.version,
            model: under_way.model().to_owned(),
            token_table: token_table(under_way.prompt(), &place, encoding),
            view,
        };
        self.analyses.keep_place(place);
        Ok(answer)
    }

    /// A greedy continuation of a prompt with the default length.
    ///
    /// # Errors
    /// As [`Desk::run`].
    pub(crate) async fn continued(&self, place: &Place) -> Result<ContinuationView, ViewError> {
        self.require_loaded(place.ask.model.as_deref())?;
        let flight = self.flights.start(&place.uri, Continue::METHOD);
        let (_, view) = self.continue_at(place, &flight, ContinueParams::greedy()).await?;
        self.require_version(&place.uri, place.version)?;
        Ok(view)
    }

    async fn continue_at(
        &self,
        place: &Place,
        flight: &Flight,
        params: ContinueParams,
    ) -> Result<(Box<dyn Continuing>, ContinuationView), ViewError> {
        let shown = progress::reporter(
            self.progress_client(),
            progress::fresh_token(),
            "Limpid: continue".to_owned(),
            QUIET,
        );
        let token = params.partial_result_token.clone();
        let switches = self.switches_of(place, &params).await?;
        let (analyst, ask) = (self.shared.analyst.clone(), place.ask.clone());
        let job = Job { cancel: flight.cancel.0.clone(), progress: shown };
        let start = move || analyst.continuation(&ask, &params, switches.as_ref(), &job);
        let mut under_way: Box<dyn Continuing> =
            self.turn(flight, &place.ask, TURN, start).await??;
        let (mut own, mut unchanged) = (Written::default(), Written::default());
        loop {
            let job = Job::new(flight.cancel.0.clone(), |_, _| {});
            let step = move || {
                let step = under_way.step(&job);
                (under_way, step)
            };
            let (back, written) = self.turn(flight, &place.ask, TURN, step).await?;
            under_way = back;
            let (piece, stopped_by) = written?;
            let side = match piece.side {
                Some(ContinuationSide::Unchanged) => &mut unchanged,
                Some(ContinuationSide::Switched) | None => &mut own,
            };
            side.tokens.extend(piece.tokens.iter().cloned());
            side.text.push_str(&piece.text);
            side.stopped_by = stopped_by;
            if let Some(token) = &token
                && !(piece.tokens.is_empty() && piece.text.is_empty())
            {
                let piece = ContinuationProgress { token: token.clone(), value: piece };
                self.send_partial(flight, piece).await?;
            }
            if let Some(stopped_by) = own.stopped_by
                && (unchanged.stopped_by.is_some() || !under_way.has_sides())
            {
                let other = unchanged.stopped_by.map(|stopped_by| {
                    let Written { tokens, text, .. } = unchanged;
                    UnchangedContinuation::beside(&own.tokens, (tokens, text, stopped_by))
                });
                let Written { tokens, text, .. } = own;
                let view = ContinuationView { tokens, text, stopped_by, unchanged: other };
                return Ok((under_way, view));
            }
        }
    }
}

/// What was written of one side.
#[derive(Default)]
struct Written {
    tokens: Vec<ContinuedToken>,
    text: String,
    stopped_by: Option<StoppedBy>,
}
