//! Traces by token prefix, bounded in bytes, least valuable out first. An edited prompt finds the trace that shares the
//! longest prefix with it; the same prompt finds its own.

use crate::trace::{CapturePlan, Trace};
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// Which trace: the model's fingerprint, how much is kept, and the tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    model: u64,
    is_lean: bool,
    token_ids: Vec<u32>,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Arc<Trace>> for ByBytes {
    fn weight(&self, _: &Key, trace: &Arc<Trace>) -> u64 {
        trace.bytes().max(1)
    }
}

/// How the cache has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    /// Bytes held.
    pub bytes: u64,
    /// Exact hits.
    pub hits: u64,
    /// Look-ups that found no exact match.
    pub misses: u64,
}

/// A byte-bounded store of traces.
#[derive(Debug)]
pub struct TraceCache {
    traces: Cache<Key, Arc<Trace>, ByBytes>,
}

impl TraceCache {
    /// A cache that holds at most `capacity` bytes of traces.
    pub fn new(capacity: u64) -> Self {
        Self { traces: Cache::with_weighter(64, capacity, ByBytes) }
    }

    fn key(model: u64, plan: CapturePlan, token_ids: &[u32]) -> Key {
        Key { model, is_lean: plan == CapturePlan::Lean, token_ids: token_ids.to_vec() }
    }

    /// The trace of exactly these tokens.
    pub fn get(&self, model: u64, plan: CapturePlan, token_ids: &[u32]) -> Option<Arc<Trace>> {
        self.traces.get(&Self::key(model, plan, token_ids))
    }

    /// The trace that shares the longest prefix with these tokens.
    ///
    /// *Cost*: one comparison per held trace, of which there are few.
    pub fn longest_prefix(
        &self,
        model: u64,
        plan: CapturePlan,
        token_ids: &[u32],
    ) -> Option<Arc<Trace>> {
        let is_lean = plan == CapturePlan::Lean;
        let shared =
            |key: &Key| key.token_ids.iter().zip(token_ids).take_while(|(a, b)| a == b).count();
        let (key, n_shared) = self
            .traces
            .iter()
            .filter(|(key, _)| key.model == model && key.is_lean == is_lean)
            .map(|(key, _)| {
                let n_shared = shared(&key);
                (key, n_shared)
            })
            .max_by_key(|(_, n_shared)| *n_shared)?;
        if n_shared == 0 { None } else { self.traces.get(&key) }
    }

    /// Keeps a trace, letting others go where it would not fit beside them.
    pub fn insert(&self, model: u64, trace: Arc<Trace>) {
        self.traces.insert(Self::key(model, trace.plan(), trace.token_ids()), trace);
    }

    /// Forgets every trace of a model.
    pub fn forget(&self, model: u64) {
        self.traces.retain(|key, _| key.model != model);
    }

    /// Holds at most this many bytes from now on.
    pub fn set_capacity(&self, capacity: u64) {
        self.traces.set_capacity(capacity);
    }

    /// How it has done so far.
    pub fn status(&self) -> CacheStatus {
        CacheStatus {
            bytes: self.traces.weight(),
            hits: self.traces.hits(),
            misses: self.traces.misses(),
        }
    }
}
