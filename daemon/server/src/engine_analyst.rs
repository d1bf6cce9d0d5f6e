//! The real [`Analyst`]: models from the store, traces from a cache by prefix, inspections kept for follow-up requests.

use crate::{
    analyst::{Analyst, Ask, Continuing, Hold, Job, KnownRow, Measures, Prompt, Rendering},
    engine_inspections::{ByBytes, Explaining, Inspected},
    error_codes::from_engine,
    model_slots::ModelSlots,
    predicted_cache::PredictedCache,
    prompt_tokens::chosen_positions,
};
use limpid_analysis::{
    attribution::Method,
    route_prune::Prune,
    views::{
        glance::token_rows,
        inspection::{RankBy, Top},
    },
};
use limpid_engine::{
    device::Compute, error::EngineError, forward::Watch, memory::MemoryBudget, model_pool::Loaded,
    model_store::ModelStore, trace_cache::TraceCache,
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
use quick_cache::sync::Cache;
use std::{ops::Range, sync::Arc};

/// Inspections expected for follow-ups; their traces are shared with the trace cache.
const KEPT_INSPECTIONS: usize = 64;
/// Rows of heads and neurons in step one.
pub(crate) const ROWS: usize = 10;
/// More rows than this are not sent.
const MOST_ROWS: usize = 10_000;

/// Models, traces and inspections of one server.
pub struct EngineAnalyst {
    pub(crate) models: ModelSlots,
    pub(crate) traces: TraceCache,
    pub(crate) explained: Cache<Ask, Arc<Explaining>, ByBytes>,
    pub(crate) inspections: Cache<(Ask, String), Arc<Inspected>, ByBytes>,
    pub(crate) predicted: PredictedCache,
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
            explained: Cache::with_weighter(KEPT_INSPECTIONS, budget.0 / 4, ByBytes),
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
        self.explained.retain(|_, known| known.fingerprint != model.fingerprint);
        self.inspections.retain(|_, known| known.explaining.fingerprint != model.fingerprint);
    }

    /// What the models leave of the budget is for traces, and for questions and inspections that outlive theirs in the cache.
    fn share_memory(&self) {
        let beside = self.models.bytes_beside();
        self.traces.set_capacity(beside / 2);
        self.explained.set_capacity(beside / 4);
        self.inspections.set_capacity(beside / 4);
    }

    pub(crate) fn token(loaded: &Loaded, choice: &TokenChoice) -> Result<u32, EngineError> {
        match choice {
            TokenChoice::Id(id) => Ok(*id),
            TokenChoice::Text(text) => loaded.tokenizer()?.single(text),
        }
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

    fn prompt(&self, ask: &Ask, job: &Job) -> Result<Prompt, ViewError> {
        let explaining = self.explaining(ask, job)?;
        let loaded = explaining.explained.loaded();
        let tokens = token_rows(loaded, &explaining.tokens, &[]);
        Ok(Prompt { model: loaded.name.clone(), tokens })
    }

    fn glance(&self, ask: &Ask, job: &Job) -> Result<TokensView, ViewError> {
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        self.glance_at(&loaded, ask, job).map_err(|e| from_engine(&e))
    }

    fn inspect(&self, ask: &Ask, job: &Job) -> Result<Inspection, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        let progress = |_: usize, _: usize| {};
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        inspected
            .inspector
            .first_step(&inspected.explaining.tokens, watch)
            .map_err(|e| from_engine(&e))
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
        // Scores alone, which heat shows, need no routes: they are the larger part of the work.
        let with_routes = params.top != Some(0) || methods.contains(&Method::Flow);
        let explaining = self.explaining(ask, job)?;
        let explained = &explaining.explained;
        let inspected = match with_routes {
            true => Some(self.inspected(ask, Prune::DEFAULT, job)?),
            false => None,
        };
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "walking back");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let view = || -> Result<AttributionView, EngineError> {
            let is_linear_alone = methods == [Method::AtpLinear] && inspected.is_none();
            if is_linear_alone && let Some(attribution) = explained.linear_attribution(watch)? {
                let (heads, neurons) = (Vec::new(), Vec::new());
                return Ok(AttributionView {
                    target: explained.target(),
                    attribution,
                    heads,
                    neurons,
                });
            }
            let attributions = explained.attributions(watch)?;
            let (mut flows, mut heads, mut neurons) = (Vec::new(), Vec::new(), Vec::new());
            if let Some(inspected) = &inspected {
                let (inspector, top) = (&inspected.inspector, rows(params.top));
                flows = inspector.input_flows();
                heads = inspector.heads(Some(attributions), RankBy::Attribution, top)?;
                neurons = inspector.neurons(Some(attributions), RankBy::Attribution, top)?;
            }
            Ok(AttributionView {
                target: explained.target(),
                attribution: explained.attribution(attributions, &methods, &flows),
                heads,
                neurons,
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
        let positions =
            chosen_positions(params.positions.as_deref(), inspected.explaining.tokens.len())?;
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
