//! The real [`Analyst`]: models from the store, traces from a cache by prefix, inspections kept for follow-up requests.

use crate::{
    analyst::{Analyst, Ask, Continuing, Hold, Job, KnownRow, Measures, Rendering},
    error_codes::from_engine,
    model_slots::ModelSlots,
    predicted_cache::PredictedCache,
    prompt_tokens::chosen_positions,
};
use limpid_analysis::{
    attribution::Method,
    objective::ObjectiveKind,
    route_prune::Prune,
    views::inspection::{Inspector, Question, RankBy, Top},
};
use limpid_engine::{
    device::Compute, error::EngineError, forward::Watch, memory::MemoryBudget, model_pool::Loaded,
    model_store::ModelStore, tokenizer::Token, trace_cache::TraceCache,
};
use limpid_protocol::{
    inspection::Inspection,
    intervention::InterventionSet,
    model_status::{CacheStatus, ModelRow},
    request::TokenChoice,
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView},
        continuation::ContinueParams,
        edge::{EdgeCard, EdgeParams},
        effect::EffectParams,
        head::{HeadCard, HeadParams},
        lens::{LensParams, LensView},
        mlp::{MlpCard, MlpParams},
        neuron::{NeuronCard, NeuronParams},
        node::{NodeCard, NodeParams},
        routes::{RoutesParams, RoutesView},
        tokens::TokensView,
    },
};
use quick_cache::{Weighter, sync::Cache};
use std::{ops::Range, sync::Arc};

/// Inspections expected for follow-ups; their traces are shared with the trace cache.
const KEPT_INSPECTIONS: usize = 64;
/// Rows of heads and neurons in step one.
const ROWS: usize = 10;
/// More rows than this are not sent.
const MOST_ROWS: usize = 10_000;

/// Models, traces and inspections of one server.
pub struct EngineAnalyst {
    pub(crate) models: ModelSlots,
    pub(crate) traces: TraceCache,
    inspections: Cache<(Ask, String), Arc<Inspected>, ByBytes>,
    pub(crate) predicted: PredictedCache,
}

pub(crate) struct Inspected {
    pub(crate) inspector: Inspector,
    pub(crate) tokens: Vec<Token>,
    fingerprint: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<(Ask, String), Arc<Inspected>> for ByBytes {
    fn weight(&self, _: &(Ask, String), inspected: &Arc<Inspected>) -> u64 {
        inspected.inspector.findings().trace().bytes().max(1)
    }
}

impl EngineAnalyst {
    /// Nothing is loaded yet.
    pub fn new(
        store: ModelStore,
        compute: Compute,
        budget: MemoryBudget,
        default_model: String,
    ) -> Self {
        Self {
            models: ModelSlots::new(store, compute, budget, default_model),
            traces: TraceCache::new(budget.0 / 2),
            inspections: Cache::with_weighter(KEPT_INSPECTIONS, budget.0 / 4, ByBytes),
            predicted: PredictedCache::default(),
        }
    }

    pub(crate) fn loaded(&self, model: Option<&str>, job: &Job) -> Result<Arc<Loaded>, ViewError> {
        let loaded = self.models.load(model, job, &|gone| self.forget(gone));
        self.share_memory();
        loaded.map_err(|e| from_engine(&e))
    }

    /// Forgets what was computed with a model that goes.
    fn forget(&self, model: &Loaded) {
        self.traces.forget(model.fingerprint);
        self.predicted.forget(model.fingerprint);
        self.inspections.retain(|_, known| known.fingerprint != model.fingerprint);
    }

    /// What the models leave of the budget is for traces, and for inspections that outlive theirs in the cache.
    fn share_memory(&self) {
        let beside = self.models.bytes_beside();
        self.traces.set_capacity(beside / 2);
        self.inspections.set_capacity(beside / 4);
    }

    pub(crate) fn token(loaded: &Loaded, choice: &TokenChoice) -> Result<u32, EngineError> {
        match choice {
            TokenChoice::Id(id) => Ok(*id),
            TokenChoice::Text(text) => loaded.tokenizer()?.single(text),
        }
    }

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
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        let inspected = self.inspect_anew(loaded, ask, prune, job).map_err(|e| from_engine(&e))?;
        let inspected = Arc::new(inspected);
        self.inspections.insert(key, Arc::clone(&inspected));
        Ok(inspected)
    }

    fn inspect_anew(
        &self,
        loaded: Arc<Loaded>,
        ask: &Ask,
        prune: Prune,
        job: &Job,
    ) -> Result<Inspected, EngineError> {
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
            prune,
            top: Top::Strongest(ROWS),
        };
        let (tokens, trace) = self.traced(&loaded, ask, job)?;
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "following the flow");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let predicted = self.predicted(&loaded, &trace, &job.cancel)?;
        // Another target or foil of the same place needs no new routes.
        let known =
            self.inspections.iter().map(|(_, known)| Arc::clone(known.inspector.findings()));
        let fingerprint = loaded.fingerprint;
        let mut inspector = Inspector::new(Arc::clone(&loaded), trace, &question, known, watch)?;
        if let (Some(answer), Some(foil)) = (ask.answer, &ask.foil) {
            let trace = inspector.findings().trace();
            let foil = self.foil_trace(&loaded, trace, answer, foil, watch)?;
            inspector = inspector.against(Arc::new(foil))?;
        }
        inspector.findings().know_predicted(&predicted);
        Ok(Inspected { inspector, tokens, fingerprint })
    }

    fn prune(text: Option<&str>) -> Result<Prune, ViewError> {
        text.map_or(Ok(Prune::DEFAULT), |text| {
            text.parse().map_err(|e: String| ViewError::new(ErrorKind::BadRequest, e))
        })
    }
}

fn rows(top: Option<usize>) -> Top {
    Top::Strongest(top.unwrap_or(ROWS).min(MOST_ROWS))
}

impl Analyst for EngineAnalyst {
    fn models(&self) -> Vec<ModelRow> {
        self.models.rows()
    }

    fn cache(&self) -> CacheStatus {
        let status = self.traces.status();
        CacheStatus { bytes: status.bytes, hits: status.hits, misses: status.misses }
    }

    fn special_tokens(&self, model: Option<&str>) -> Arc<[String]> {
        let Some(loaded) = self.models.resident(model) else { return Arc::default() };
        let names = loaded.tokenizer.as_ref().map(|tokenizer| tokenizer.special_names());
        names.unwrap_or_default().into()
    }

    fn load(&self, model: Option<&str>, job: &Job) -> Result<(), ViewError> {
        self.loaded(model, job).map(|_| ())
    }

    fn is_loaded(&self, model: Option<&str>) -> bool {
        self.models.resident(model).is_some()
    }

    fn hold(&self, model: Option<&str>) -> Option<Hold> {
        self.models.hold(model)
    }

    fn keeps(&self, ask: &Ask) -> bool {
        self.inspections.peek(&(ask.clone(), Prune::DEFAULT.to_string())).is_some()
    }

    fn unload(&self, model: &str) -> Result<(), ViewError> {
        if self.models.unload(model, &|gone| self.forget(gone)) {
            self.share_memory();
            return Ok(());
        }
        let problem = format!("model `{model}` is not loaded");
        Err(ViewError::new(ErrorKind::ModelNotFound, problem))
    }

    fn render(&self, ask: &Ask, job: &Job) -> Result<Rendering, ViewError> {
        self.rendering(ask, job)
    }

    fn glance(&self, ask: &Ask, job: &Job) -> Result<TokensView, ViewError> {
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        self.glance_at(&loaded, ask, job).map_err(|e| from_engine(&e))
    }

    fn inspect(&self, ask: &Ask, job: &Job) -> Result<Inspection, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        let progress = |_: usize, _: usize| {};
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        inspected.inspector.first_step(&inspected.tokens, watch).map_err(|e| from_engine(&e))
    }

    fn attributions(
        &self,
        ask: &Ask,
        params: &AttributionParams,
        job: &Job,
    ) -> Result<AttributionView, ViewError> {
        let methods = match &params.methods {
            None => vec![Method::Atp],
            Some(names) => names
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, String>>()
                .map_err(|e| ViewError::new(ErrorKind::BadRequest, e))?,
        };
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        let inspector = &inspected.inspector;
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "walking back");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let view = || -> Result<AttributionView, EngineError> {
            let attributions = inspector.attributions(watch)?;
            let top = rows(params.top);
            Ok(AttributionView {
                target: inspector.target(),
                attribution: inspector.attribution(attributions, &methods),
                heads: inspector.heads(Some(attributions), RankBy::Attribution, top)?,
                neurons: inspector.neurons(Some(attributions), RankBy::Attribution, top)?,
            })
        };
        view().map_err(|e| from_engine(&e))
    }

    fn continuation(
        &self,
        ask: &Ask,
        params: &ContinueParams,
        switches: Option<&InterventionSet>,
        job: &Job,
    ) -> Result<Box<dyn Continuing>, ViewError> {
        self.start_continuation(ask, params, switches, job)
    }

    fn effects(
        &self,
        ask: &Ask,
        params: &EffectParams,
        within: Option<Range<usize>>,
        known: KnownRow<'_>,
        job: &Job,
    ) -> Result<Box<dyn Measures>, ViewError> {
        self.start_effects(ask, params, within, known, job)
    }

    fn routes(&self, ask: &Ask, params: &RoutesParams, job: &Job) -> Result<RoutesView, ViewError> {
        let prune = Self::prune(params.prune.as_deref())?;
        let inspected = self.inspected(ask, prune, job)?;
        let inspector = &inspected.inspector;
        let view = || -> Result<RoutesView, EngineError> {
            let top = rows(params.top);
            Ok(RoutesView {
                target: inspector.target(),
                routes: match params.max_edges {
                    Some(max_edges) => inspector.strongest_routes(max_edges),
                    None => inspector.routes(),
                },
                heads: inspector.heads(None, RankBy::Flow, top)?,
                neurons: inspector.neurons(None, RankBy::Flow, top)?,
            })
        };
        view().map_err(|e| from_engine(&e))
    }

    fn lens(&self, ask: &Ask, params: &LensParams, job: &Job) -> Result<LensView, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        let inspector = &inspected.inspector;
        let positions = chosen_positions(params.positions.as_deref(), inspected.tokens.len())?;
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "reading the lens");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let lens = inspector.lens(&positions, watch).map_err(|e| from_engine(&e))?;
        Ok(LensView { target: inspector.target(), positions, lens })
    }

    fn node(&self, ask: &Ask, params: &NodeParams, job: &Job) -> Result<NodeCard, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        inspected.inspector.node_card(params).map_err(|e| from_engine(&e))
    }

    fn edge(&self, ask: &Ask, params: &EdgeParams, job: &Job) -> Result<EdgeCard, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        inspected.inspector.edge_card(params).map_err(|e| from_engine(&e))
    }

    fn head(&self, ask: &Ask, params: &HeadParams, job: &Job) -> Result<HeadCard, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        inspected.inspector.head_card(params).map_err(|e| from_engine(&e))
    }

    fn mlp(&self, ask: &Ask, params: &MlpParams, job: &Job) -> Result<MlpCard, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        inspected.inspector.mlp_card(params).map_err(|e| from_engine(&e))
    }

    fn neuron(&self, ask: &Ask, params: &NeuronParams, job: &Job) -> Result<NeuronCard, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        inspected.inspector.neuron_card(params).map_err(|e| from_engine(&e))
    }
}
