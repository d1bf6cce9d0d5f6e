//! The real [`Analyst`]: models from the store, traces from a cache by prefix, inspections kept for follow-up requests.

use crate::{
    analyst::{Analyst, Ask, Continuing, Job},
    error_codes::from_engine,
};
use dashmap::DashMap;
use limpid_analysis::{
    attribution::Method,
    objective::ObjectiveKind,
    route_prune::Prune,
    views::inspection::{Inspector, Question, RankBy, Top},
};
use limpid_engine::{
    device::Compute,
    error::EngineError,
    forward::Watch,
    memory::MemoryBudget,
    model_pool::{self, Loaded},
    model_store::{ModelStore, StoreProgress},
    tokenizer::{Specials, Token},
    trace::{CapturePlan, Trace},
    trace_cache::TraceCache,
};
use limpid_protocol::{
    inspection::Inspection,
    model_status::{CacheStatus, ModelRow},
    request::TokenChoice,
    view_error::{ErrorKind, ViewError},
    views::{
        attribution::{AttributionParams, AttributionView},
        continuation::ContinueParams,
        edge::{EdgeCard, EdgeParams},
        head::{HeadCard, HeadParams},
        lens::{LensParams, LensView},
        mlp::{MlpCard, MlpParams},
        neuron::{NeuronCard, NeuronParams},
        node::{NodeCard, NodeParams},
        routes::{RoutesParams, RoutesView},
    },
};
use quick_cache::sync::Cache;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// Inspections kept for follow-ups; their traces are shared with the trace cache.
const KEPT_INSPECTIONS: usize = 16;
/// Rows of heads and neurons in step one.
const ROWS: usize = 10;
/// More rows than this are not sent.
const MOST_ROWS: usize = 10_000;

/// Models, traces and inspections of one server.
pub struct EngineAnalyst {
    pub(crate) store: ModelStore,
    pub(crate) compute: Compute,
    budget: MemoryBudget,
    pub(crate) default_model: String,
    pub(crate) models: DashMap<String, Slot>,
    traces: TraceCache,
    inspections: Cache<(Ask, String), Arc<Inspected>>,
}

#[derive(Clone)]
pub(crate) enum Slot {
    Loading(Arc<AtomicU32>),
    Loaded(Arc<Loaded>),
    Failed(String),
}

struct Inspected {
    inspector: Inspector,
    tokens: Vec<Token>,
}

impl EngineAnalyst {
    /// Nothing is loaded yet. Half of the budget is for traces.
    pub fn new(
        store: ModelStore,
        compute: Compute,
        budget: MemoryBudget,
        default_model: String,
    ) -> Self {
        Self {
            store,
            compute,
            budget,
            default_model,
            models: DashMap::new(),
            traces: TraceCache::new(budget.0 / 2),
            inspections: Cache::new(KEPT_INSPECTIONS),
        }
    }

    fn name_of<'a>(&'a self, model: Option<&'a str>) -> &'a str {
        model.unwrap_or(&self.default_model)
    }

    pub(crate) fn loaded(&self, model: Option<&str>, job: &Job) -> Result<Arc<Loaded>, ViewError> {
        let name = self.name_of(model).to_owned();
        if let Some(Slot::Loaded(loaded)) = self.models.get(&name).map(|slot| slot.clone()) {
            return Ok(loaded);
        }
        let share = Arc::new(AtomicU32::new(0));
        self.models.insert(name.clone(), Slot::Loading(Arc::clone(&share)));
        let result = self.fetch_and_load(&name, &share, job);
        match result {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                self.models.insert(name, Slot::Loaded(Arc::clone(&loaded)));
                Ok(loaded)
            }
            Err(EngineError::Cancelled) => {
                self.models.remove(&name);
                Err(from_engine(&EngineError::Cancelled))
            }
            Err(error) => {
                self.models.insert(name, Slot::Failed(error.to_string()));
                Err(from_engine(&error))
            }
        }
    }

    fn fetch_and_load(
        &self,
        name: &str,
        share: &AtomicU32,
        job: &Job,
    ) -> Result<Loaded, EngineError> {
        let says = |part: f32, doing: &str| {
            share.store(part.to_bits(), Ordering::Relaxed);
            job.progress(part, doing);
        };
        let files = self.store.resolve(name, &|progress: StoreProgress| {
            let part = progress
                .total_bytes
                .map_or(0.0, |total| progress.done_bytes as f32 / total.max(1) as f32);
            says(0.5 * part, "fetching");
        })?;
        job.cancel.check()?;
        let opened = model_pool::open(&files)?;
        let progress =
            |done: usize, of: usize| says(0.5 + 0.5 * done as f32 / of as f32, "loading");
        model_pool::load(opened, &self.compute, self.budget, &progress)
    }

    fn token(loaded: &Loaded, choice: &TokenChoice) -> Result<u32, EngineError> {
        match choice {
            TokenChoice::Id(id) => Ok(*id),
            TokenChoice::Text(text) => loaded.tokenizer()?.single(text),
        }
    }

    fn inspected(&self, ask: &Ask, prune: Prune, job: &Job) -> Result<Arc<Inspected>, ViewError> {
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
            foil: ask.foil.as_ref().map(|choice| Self::token(&loaded, choice)).transpose()?,
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
        // Another target or foil of the same place needs no new routes.
        let known =
            self.inspections.iter().map(|(_, known)| Arc::clone(known.inspector.findings()));
        let inspector = Inspector::new(loaded, trace, &question, known, watch)?;
        Ok(Inspected { inspector, tokens })
    }

    /// Bytes that a trace, or the keys and values of a continuation, may take now.
    pub(crate) fn available_bytes(&self) -> u64 {
        self.budget.0.min(self.compute.free_bytes())
    }

    /// The prompt's tokens and trace, from the cache as far as it reaches.
    pub(crate) fn traced(
        &self,
        loaded: &Loaded,
        ask: &Ask,
        job: &Job,
    ) -> Result<(Vec<Token>, Arc<Trace>), EngineError> {
        let model = &loaded.model;
        let tokens =
            loaded.tokenizer()?.encode_within(&ask.text, Specials::Parse, model.spec.n_ctx)?;
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let progress =
            |done: usize, of: usize| job.progress(done as f32 / of as f32, "reading the prompt");
        let watch = Watch { cancel: &job.cancel, progress: &progress };
        let plan = CapturePlan::choose(&model.spec, ids.len(), self.available_bytes())?;
        if let Some(trace) = self.traces.get(loaded.fingerprint, plan, &ids) {
            return Ok((tokens, trace));
        }
        let prefix = self.traces.longest_prefix(loaded.fingerprint, plan, &ids);
        let trace = Arc::new(model.forward(&ids, prefix.as_deref(), plan, watch)?);
        self.traces.insert(loaded.fingerprint, Arc::clone(&trace));
        Ok((tokens, trace))
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
        self.model_rows()
    }

    fn cache(&self) -> CacheStatus {
        let status = self.traces.status();
        CacheStatus { bytes: status.bytes, hits: status.hits, misses: status.misses }
    }

    fn load(&self, model: Option<&str>, job: &Job) -> Result<(), ViewError> {
        self.loaded(model, job).map(|_| ())
    }

    fn unload(&self, model: &str) -> Result<(), ViewError> {
        match self.models.remove(model) {
            Some((_, Slot::Loaded(loaded))) => {
                self.traces.forget(loaded.fingerprint);
                self.inspections.clear();
                Ok(())
            }
            Some(_) => Ok(()),
            None => Err(ViewError::new(
                ErrorKind::ModelNotFound,
                format!("model `{model}` is not loaded"),
            )),
        }
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
        job: &Job,
    ) -> Result<Box<dyn Continuing>, ViewError> {
        self.start_continuation(ask, params, job)
    }

    fn routes(&self, ask: &Ask, params: &RoutesParams, job: &Job) -> Result<RoutesView, ViewError> {
        let prune = Self::prune(params.prune.as_deref())?;
        let inspected = self.inspected(ask, prune, job)?;
        let inspector = &inspected.inspector;
        let view = || -> Result<RoutesView, EngineError> {
            let top = rows(params.top);
            Ok(RoutesView {
                target: inspector.target(),
                routes: inspector.routes(),
                heads: inspector.heads(None, RankBy::Flow, top)?,
                neurons: inspector.neurons(None, RankBy::Flow, top)?,
            })
        };
        view().map_err(|e| from_engine(&e))
    }

    fn lens(&self, ask: &Ask, params: &LensParams, job: &Job) -> Result<LensView, ViewError> {
        let inspected = self.inspected(ask, Prune::DEFAULT, job)?;
        let inspector = &inspected.inspector;
        let n_tokens = inspected.tokens.len();
        let positions = params.positions.clone().unwrap_or_else(|| (0..n_tokens).collect());
        if let Some(position) = positions.iter().find(|position| **position >= n_tokens) {
            let problem = format!(
                "position {position} is out of range; the prompt has positions 0 to {}",
                n_tokens - 1
            );
            return Err(ViewError::new(ErrorKind::BadRequest, problem));
        }
        if positions.is_empty() || positions.len() > n_tokens {
            let problem = format!(
                "`positions` has {} entries for {n_tokens} tokens; name each position once, or leave it out for all",
                positions.len()
            );
            return Err(ViewError::new(ErrorKind::BadRequest, problem));
        }
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
