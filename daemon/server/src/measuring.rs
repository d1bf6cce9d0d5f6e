//! `limpid/effect`: a job a batch of runs, behind whatever anybody else asks, and rows sent as they are measured. What was measured of
//! a question is kept for everybody, beside its cheap scores.

use crate::{
    analyst::{Job, Measures},
    answering::Desk,
    flights::Flight,
    parts::text_span,
    place::Place,
    positions::to_byte,
    progress,
    token_table::token_table,
};
use limpid_engine::mailbox::Class;
use limpid_protocol::{
    effect::EffectRow,
    request::{Answer, Request},
    view_error::ViewError,
    views::effect::{Effect, EffectParams, EffectProgress, EffectView},
};
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// Nobody waits behind a batch that somebody else could have had.
const TURN: (Class, &str) = (Class::Background, "measuring");
/// Measuring that takes longer shows progress.
const QUIET: Duration = Duration::from_millis(500);

impl Desk {
    /// Answers `limpid/effect`.
    ///
    /// # Errors
    /// As [`Desk::run`].
    pub(crate) async fn effect(
        &self,
        params: EffectParams,
    ) -> Result<Answer<EffectView>, ViewError> {
        let place = Arc::new(self.place(&params.subject).await?);
        let byte = |at| to_byte(&place.text, at, self.negotiated().encoding);
        let within = params.within.as_ref().map(|range| byte(range.start)..byte(range.end));
        let (under_way, view) = self.measured(&place, within, params).await?;
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

    /// Measures what params ask for of a place; `within`: bytes of the document.
    ///
    /// # Errors
    /// As [`Desk::run`].
    pub(crate) async fn measured(
        &self,
        place: &Arc<Place>,
        within: Option<Range<usize>>,
        mut params: EffectParams,
    ) -> Result<(Box<dyn Measures>, EffectView), ViewError> {
        params.floor = params.floor.or(self.settings_of(&place.uri).effects_floor);
        self.require_loaded(place.ask.model.as_deref())?;
        let started = Instant::now();
        let flight = self.flights.start(&place.uri, Effect::METHOD);
        self.require_version(&place.uri, place.version)?;
        let hold = self.shared.analyst.hold(place.ask.model.as_deref());
        let result = self.measure_at(place, &flight, within, params).await;
        drop(hold);
        self.require_version(&place.uri, place.version)?;
        self.shared.stats.record(Effect::METHOD, started.elapsed());
        let found = result?;
        // Lenses and hints show what is measured.
        let (negotiated, client) = (self.negotiated(), self.client.clone());
        tokio::spawn(async move { negotiated.refresh_measured(&client).await });
        Ok(found)
    }

    async fn measure_at(
        &self,
        place: &Arc<Place>,
        flight: &Flight,
        within: Option<Range<usize>>,
        params: EffectParams,
    ) -> Result<(Box<dyn Measures>, EffectView), ViewError> {
        let shown = progress::reporter(
            self.progress_client(),
            progress::fresh_token(),
            "Limpid: measure effects".to_owned(),
            QUIET,
        );
        let token = params.partial_result_token.clone();
        let (analyst, ask, numbers) =
            (self.shared.analyst.clone(), place.ask.clone(), self.shared.numbers.clone());
        let within = within.map(|span| text_span(&place.prompt.text, &span));
        let job = Job { cancel: flight.cancel.0.clone(), progress: shown.clone() };
        let known = numbers.clone();
        let start = move || {
            let kept = known.effects(&ask);
            let known = |key: &str| kept.as_ref()?.get(key).cloned();
            analyst.effects(&ask, &params, within, &known, &job)
        };
        let mut under_way: Box<dyn Measures> = self.turn(flight, &place.ask, TURN, start).await??;
        loop {
            let job = Job { cancel: flight.cancel.0.clone(), progress: shown.clone() };
            let step = move || {
                let rows = under_way.step(&job);
                (under_way, rows)
            };
            let (back, rows) = self.turn(flight, &place.ask, TURN, step).await?;
            under_way = back;
            let rows: Vec<EffectRow> = rows?;
            if rows.is_empty() {
                let view = under_way.view();
                return Ok((under_way, view));
            }
            numbers.keep_effects(&place.ask, &rows);
            let (done, of) = under_way.progress();
            shown(done as f32 / of.max(1) as f32, &format!("{done} of {of} runs"));
            if let Some(token) = &token {
                let rows = EffectProgress { token: token.clone(), value: rows };
                self.send_partial(flight, rows).await?;
            }
        }
    }
}
