//! Questions put to runs of prompts by the real [`Analyst`](crate::analyst::Analyst), and their routes; both are kept for follow-up
//! requests.

use crate::{
    analyst::{Ask, Job},
    engine_analyst::{EngineAnalyst, ROWS},
    error_codes::from_engine,
};
use limpid_analysis::{
    objective::ObjectiveKind,
    route_prune::Prune,
    views::{
        explained::Explained,
        inspection::{Inspector, Question, Top},
    },
};
use limpid_engine::{error::EngineError, forward::Watch, model_pool::Loaded, tokenizer::Token};
use limpid_protocol::view_error::ViewError;
use quick_cache::Weighter;
use std::sync::Arc;

/// A question put to its trace, before any routes.
pub(crate) struct Explaining {
    pub(crate) explained: Arc<Explained>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) fingerprint: u64,
}

/// The same with its routes.
pub(crate) struct Inspected {
    pub(crate) inspector: Inspector,
    pub(crate) explaining: Arc<Explaining>,
}

/// What is kept weighs what its trace does; traces are shared with the trace cache.
#[derive(Clone)]
pub(crate) struct ByBytes;

impl Weighter<(Ask, String), Arc<Inspected>> for ByBytes {
    fn weight(&self, _: &(Ask, String), inspected: &Arc<Inspected>) -> u64 {
        inspected.explaining.explained.trace().bytes().max(1)
    }
}

impl Weighter<Ask, Arc<Explaining>> for ByBytes {
    fn weight(&self, _: &Ask, explaining: &Arc<Explaining>) -> u64 {
        explaining.explained.trace().bytes().max(1)
    }
}

impl EngineAnalyst {
    /// The question with its routes.
    pub(crate) fn inspected(
        &self,
        ask: &Ask,
        prune: Prune,
        job: &Job,
    ) -> Result<Arc<Inspected>, ViewError> {
        let key = (ask.clone(), prune.to_string());
        if let Some(known) = self.inspections.get(&key) {
            return Ok(known);
        }
        let explaining = self.explaining(ask, job)?;
        let inspected = self.inspect_anew(explaining, prune, job).map_err(|e| from_engine(&e))?;
        let inspected = Arc::new(inspected);
        self.inspections.insert(key, Arc::clone(&inspected));
        Ok(inspected)
    }

    /// The question put to a run of its prompt; grows no routes.
    pub(crate) fn explaining(&self, ask: &Ask, job: &Job) -> Result<Arc<Explaining>, ViewError> {
        if let Some(known) = self.explained.get(ask) {
            return Ok(known);
        }
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        let explaining = self.explain_anew(loaded, ask, job).map_err(|e| from_engine(&e))?;
        let explaining = Arc::new(explaining);
        self.explained.insert(ask.clone(), Arc::clone(&explaining));
        Ok(explaining)
    }

    fn explain_anew(
        &self,
        loaded: Arc<Loaded>,
        ask: &Ask,
        job: &Job,
    ) -> Result<Explaining, EngineError> {
        let question = Question {
            position: ask.position,
            target: ask.token.as_ref().map(|choice| Self::token(&loaded, choice)).transpose()?,
            foil: Self::foil(&loaded, ask)?,
            answer: ask.answer.map(|answer| answer.start..answer.end),
            objective: ask
                .objective
                .map(str::parse::<ObjectiveKind>)
                .transpose()
                .map_err(EngineError::BadRequest)?,
            ..Question::DEFAULT
        };
        let (tokens, trace) = self.traced(&loaded, ask, job)?;
        let fingerprint = loaded.fingerprint;
        let mut explained = Explained::new(Arc::clone(&loaded), trace, &question)?;
        if let (Some(answer), Some(foil)) = (ask.answer, &ask.foil) {
            let watch = Watch { cancel: &job.cancel, progress: &|_, _| {} };
            let foil = self.foil_trace(&loaded, explained.trace(), answer, foil, watch)?;
            explained = explained.against(Arc::new(foil))?;
        }
        Ok(Explaining { explained: Arc::new(explained), tokens, fingerprint })
    }

    fn inspect_anew(
        &self,
        explaining: Arc<Explaining>,
        prune: Prune,
        job: &Job,
    ) -> Result<Inspected, EngineError> {
        let explained = Arc::clone(&explaining.explained);
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "following the flow");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let predicted = self.predicted(explained.loaded(), explained.trace(), &job.cancel)?;
        // Another target or foil of the same place needs no new routes.
        let known =
            self.inspections.iter().map(|(_, known)| Arc::clone(known.inspector.findings()));
        let inspector = Inspector::of(explained, (prune, Top::Strongest(ROWS)), known, watch)?;
        inspector.findings().know_predicted(&predicted);
        Ok(Inspected { inspector, explaining })
    }
}
