//! What a job works with: the models, and the numbers that were computed before, so that each is computed at most once.
//! What must not live here: clients, places.

use crate::{
    analyses::{Numbers, ViewKey},
    analyst::{Analyst, Ask, Job, Prompt},
    part_shares::FLOW,
    waiters::Waiters,
};
use limpid_analysis::views::known_effects::KnownEffects;
use limpid_engine::cancel::CancelToken;
use limpid_protocol::{
    effect::EffectRow,
    inspection::Inspection,
    request::Subject,
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView},
        tokens::TokensView,
    },
};
use serde::Serialize;
use serde_json::Value;
use std::{cell::Cell, sync::Arc};

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
    /// A desk for one job; with `only_kept` nothing may be computed.
    pub(crate) fn new(
        analyst: Arc<dyn Analyst>,
        numbers: Arc<Numbers>,
        waiters: Waiters,
        only_kept: bool,
    ) -> Self {
        let (has_missed, has_asked) = (Cell::new(false), Cell::new(false));
        Self { analyst, numbers, waiters, only_kept, has_missed, has_asked }
    }

    /// Whether something would have to be computed that may not be.
    pub(crate) fn has_missed(&self) -> bool {
        self.has_missed.get()
    }

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
    pub(crate) fn view<T: Serialize>(
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

    /// The tokens of a prompt: of a glance or an inspection that is kept, or without one.
    ///
    /// # Errors
    /// Of the engine and the request.
    pub(crate) fn prompt(&self, ask: &Ask, job: &Job) -> Result<Prompt, ViewError> {
        match self.numbers.glance(ask) {
            Some(kept) => {
                Ok(Prompt { model: kept.model.name.clone(), tokens: kept.tokens.clone() })
            }
            None => self.analyst()?.prompt(ask, job),
        }
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

    /// Keeps what was measured of a question.
    pub(crate) fn keep_effects(&self, ask: &Ask, rows: &[EffectRow]) {
        self.numbers.keep_effects(ask, rows);
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
