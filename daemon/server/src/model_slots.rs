//! The models of a process under one byte budget: loading, sharing, and letting the least recently used go when another needs its room.
//! A model that a job works with or waits for is never let go. What must not live here: traces, questions.

use crate::analyst::{Hold, Job};
use dashmap::DashMap;
use limpid_engine::{
    device::Compute,
    error::EngineError,
    memory::MemoryBudget,
    model::Model,
    model_pool::{self, Loaded},
    model_store::{ModelStore, StoreProgress},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a load waits for models that others work with, before it makes do with what is free.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The models, by the names they were asked for.
pub(crate) struct ModelSlots {
    pub(crate) store: ModelStore,
    pub(crate) compute: Compute,
    pub(crate) default_model: String,
    pub(crate) slots: DashMap<String, Slot>,
    budget: MemoryBudget,
    clock: AtomicU64,
}

#[derive(Clone)]
pub(crate) enum Slot {
    Loading(Arc<AtomicU32>),
    Loaded(Resident),
    Failed(String),
}

/// A model in memory.
#[derive(Clone)]
pub(crate) struct Resident {
    pub(crate) loaded: Arc<Loaded>,
    last_used: Arc<AtomicU64>,
    hold: Arc<()>,
}

/// What becomes of a model's traces and inspections when it goes.
pub(crate) type Forget<'a> = &'a dyn Fn(&Loaded);

impl ModelSlots {
    pub(crate) fn new(
        store: ModelStore,
        compute: Compute,
        budget: MemoryBudget,
        default_model: String,
    ) -> Self {
        let (slots, clock) = (DashMap::new(), AtomicU64::new(0));
        Self { store, compute, default_model, slots, budget, clock }
    }

    pub(crate) fn name_of<'a>(&'a self, model: Option<&'a str>) -> &'a str {
        model.unwrap_or(&self.default_model)
    }

    /// Bytes that traces and inspections may take beside the models.
    pub(crate) fn bytes_beside(&self) -> u64 {
        self.budget.0.saturating_sub(self.bytes())
    }

    /// The model, if it is in memory.
    pub(crate) fn resident(&self, model: Option<&str>) -> Option<Arc<Loaded>> {
        let slot = self.slots.get(self.name_of(model))?;
        let Slot::Loaded(resident) = slot.value() else { return None };
        resident.last_used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(Arc::clone(&resident.loaded))
    }

    /// Keeps the model in memory while it lives; none when it is not there.
    pub(crate) fn hold(&self, model: Option<&str>) -> Option<Hold> {
        let slot = self.slots.get(self.name_of(model))?;
        let Slot::Loaded(resident) = slot.value() else { return None };
        Some(resident.hold.clone())
    }

    /// The model, loaded if it is not.
    pub(crate) fn load(
        &self,
        model: Option<&str>,
        job: &Job,
        forget: Forget<'_>,
    ) -> Result<Arc<Loaded>, EngineError> {
        if let Some(loaded) = self.resident(model) {
            return Ok(loaded);
        }
        let name = self.name_of(model).to_owned();
        let share = Arc::new(AtomicU32::new(0));
        self.slots.insert(name.clone(), Slot::Loading(Arc::clone(&share)));
        match self.fetch_and_load(&name, &share, job, forget) {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                let last_used = Arc::new(self.clock.fetch_add(1, Ordering::Relaxed).into());
                let resident =
                    Resident { loaded: Arc::clone(&loaded), last_used, hold: Arc::default() };
                self.slots.insert(name, Slot::Loaded(resident));
                Ok(loaded)
            }
            Err(EngineError::Cancelled) => {
                self.slots.remove(&name);
                Err(EngineError::Cancelled)
            }
            Err(error) => {
                self.slots.insert(name, Slot::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    /// Frees a model; false when there is none of this name.
    pub(crate) fn unload(&self, name: &str, forget: Forget<'_>) -> bool {
        match self.slots.remove(name) {
            Some((_, Slot::Loaded(resident))) => {
                forget(&resident.loaded);
                true
            }
            found => found.is_some(),
        }
    }

    fn fetch_and_load(
        &self,
        name: &str,
        share: &AtomicU32,
        job: &Job,
        forget: Forget<'_>,
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
        let needed = Model::decoded_bytes(&opened.checkpoint.spec, &self.compute);
        let room = self.make_room(needed, forget, &|| {
            says(0.5, "waiting for memory that others use");
            job.cancel.check()
        })?;
        let progress =
            |done: usize, of: usize| says(0.5 + 0.5 * done as f32 / of as f32, "loading");
        model_pool::load(opened, &self.compute, MemoryBudget(room), &progress)
    }

    /// Lets models go until `needed` bytes fit or no more can go; answers the bytes there are.
    fn make_room(
        &self,
        needed: u64,
        forget: Forget<'_>,
        wait: &dyn Fn() -> Result<(), EngineError>,
    ) -> Result<u64, EngineError> {
        // An eighth is for traces: a model without any is of no use.
        let most = self.budget.0 - self.budget.0 / 8;
        let started = Instant::now();
        loop {
            let room = most.saturating_sub(self.bytes());
            if needed <= room {
                return Ok(room);
            }
            if self.let_one_go(forget) {
                continue;
            }
            if self.bytes() == 0 || needed > most || started.elapsed() > PATIENCE {
                return Ok(room);
            }
            wait()?;
            std::thread::sleep(PAUSE);
        }
    }

    /// Lets the least recently used model go that nobody holds.
    fn let_one_go(&self, forget: Forget<'_>) -> bool {
        let mut idle: Vec<(u64, String)> = self
            .residents()
            .filter(|(_, resident)| is_idle(resident, 2))
            .map(|(name, resident)| (resident.last_used.load(Ordering::Relaxed), name))
            .collect();
        idle.sort();
        idle.into_iter().any(|(_, name)| {
            // Looked at again under the slot's lock: a job may have come in between.
            let gone = self.slots.remove_if(
                &name,
                |_, slot| matches!(slot, Slot::Loaded(resident) if is_idle(resident, 1)),
            );
            let Some((name, Slot::Loaded(resident))) = gone else { return false };
            tracing::info!(model = name, "let go to make room for another");
            forget(&resident.loaded);
            true
        })
    }

    fn residents(&self) -> impl Iterator<Item = (String, Resident)> + '_ {
        self.slots.iter().filter_map(|entry| match entry.value() {
            Slot::Loaded(resident) => Some((entry.key().clone(), resident.clone())),
            _ => None,
        })
    }

    fn bytes(&self) -> u64 {
        self.residents().map(|(_, resident)| resident.loaded.model.bytes()).sum()
    }
}

/// Whether nobody holds a model, when this many clones of its slot exist.
fn is_idle(resident: &Resident, n_clones: usize) -> bool {
    Arc::strong_count(&resident.hold) <= n_clones
}
