//! What was answered lately: places by analysis id, first and second steps by question. Least recently used goes first.

use crate::{analyst::Ask, place::Place};
use limpid_protocol::{
    inspection::Inspection,
    views::{attribution::AttributionView, tokens::TokensView},
};
use std::sync::{Arc, Mutex, PoisonError};

/// A short list, most recent last. Looked up by walking: it is shorter than hashing a prompt twice would cost.
struct Recent<K, V> {
    entries: Vec<(K, V)>,
    room: usize,
}

impl<K: PartialEq, V: Clone> Recent<K, V> {
    fn new(room: usize) -> Self {
        Self { entries: Vec::new(), room }
    }

    fn get(&mut self, key: &K) -> Option<V> {
        let at = self.entries.iter().position(|(known, _)| known == key)?;
        let entry = self.entries.remove(at);
        let value = entry.1.clone();
        self.entries.push(entry);
        Some(value)
    }

    fn put(&mut self, key: K, value: V) {
        self.entries.retain(|(known, _)| *known != key);
        if self.entries.len() == self.room {
            self.entries.remove(0);
        }
        self.entries.push((key, value));
    }
}

/// The answers kept.
pub(crate) struct Analyses {
    places: Mutex<Recent<String, Arc<Place>>>,
    glances: Mutex<Recent<Ask, Arc<TokensView>>>,
    first: Mutex<Recent<Ask, Arc<Inspection>>>,
    second: Mutex<Recent<Ask, Arc<AttributionView>>>,
}

impl Default for Analyses {
    fn default() -> Self {
        Self {
            places: Mutex::new(Recent::new(128)),
            glances: Mutex::new(Recent::new(64)),
            first: Mutex::new(Recent::new(32)),
            second: Mutex::new(Recent::new(32)),
        }
    }
}

macro_rules! locked {
    ($of:expr) => {
        $of.lock().unwrap_or_else(PoisonError::into_inner)
    };
}

impl Analyses {
    pub(crate) fn place(&self, id: &str) -> Option<Arc<Place>> {
        locked!(self.places).get(&id.to_owned())
    }

    pub(crate) fn keep_place(&self, place: Arc<Place>) {
        locked!(self.places).put(place.id.clone(), place);
    }

    /// A glance: one of its own, or what an inspection of the same question holds.
    pub(crate) fn glance(&self, ask: &Ask) -> Option<Arc<TokensView>> {
        locked!(self.glances).get(ask).or_else(|| {
            let kept = self.first(ask)?;
            let glance = Arc::new(TokensView {
                model: kept.model.clone(),
                tokens: kept.tokens.clone(),
                target: kept.target.clone(),
                predictions: kept.predictions.clone(),
            });
            self.keep_glance(ask, glance.clone());
            Some(glance)
        })
    }

    pub(crate) fn keep_glance(&self, ask: &Ask, glance: Arc<TokensView>) {
        locked!(self.glances).put(ask.clone(), glance);
    }

    pub(crate) fn first(&self, ask: &Ask) -> Option<Arc<Inspection>> {
        locked!(self.first).get(ask)
    }

    pub(crate) fn keep_first(&self, ask: &Ask, inspection: Arc<Inspection>) {
        locked!(self.first).put(ask.clone(), inspection);
    }

    pub(crate) fn second(&self, ask: &Ask) -> Option<Arc<AttributionView>> {
        locked!(self.second).get(ask)
    }

    pub(crate) fn keep_second(&self, ask: &Ask, attribution: Arc<AttributionView>) {
        locked!(self.second).put(ask.clone(), attribution);
    }

    /// Forgets places in a closed document; their numbers stay until they are pushed out.
    pub(crate) fn forget_document(&self, uri: &str) {
        locked!(self.places).entries.retain(|(_, place)| place.uri != uri);
    }

    /// Forgets all numbers: another model may answer to the same name now.
    pub(crate) fn forget_numbers(&self) {
        locked!(self.glances).entries.clear();
        locked!(self.first).entries.clear();
        locked!(self.second).entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut recent = Recent::new(2);
        recent.put(1, "a");
        recent.put(2, "b");
        assert_eq!(recent.get(&1), Some("a"));
        recent.put(3, "c");
        assert_eq!((recent.get(&1), recent.get(&2), recent.get(&3)), (Some("a"), None, Some("c")));
    }
}
