//! What was answered lately: places by analysis id, of one client; first and second steps by question, of all.

use crate::{analyst::Ask, place::Place};
use limpid_analysis::views::known_effects::KnownEffects;
use limpid_protocol::{
    effect::{EffectRow, FLOOR},
    inspection::Inspection,
    request::Request,
    views::{attribution::AttributionView, tokens::TokensView},
};
use quick_cache::{Weighter, sync::Cache};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

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

/// Bytes of glances that are kept, about.
const GLANCE_BYTES: u64 = 32 << 20;
/// Bytes of first steps that are kept, about.
const FIRST_BYTES: u64 = 128 << 20;
/// Bytes of second steps that are kept, about.
const SECOND_BYTES: u64 = 32 << 20;
/// Bytes of views that are kept, about.
const VIEW_BYTES: u64 = 64 << 20;

/// Bytes of measured effects that are kept, about.
const EFFECT_BYTES: u64 = 64 << 20;

/// Numbers by question, for all clients of a process: equal questions have equal answers, whoever asks.
pub(crate) struct Numbers {
    glances: Cache<Ask, Arc<TokensView>, ByBytes>,
    first: Cache<Ask, Arc<Inspection>, ByBytes>,
    second: Cache<Ask, Arc<AttributionView>, ByBytes>,
    views: Cache<(Ask, ViewKey), Arc<KeptView>, ByBytes>,
    effects: Cache<Ask, Arc<KeptEffects>, ByBytes>,
}

/// What was measured of a question, by what was changed.
pub(crate) type KeptEffects = BTreeMap<String, EffectRow>;

#[derive(Clone)]
struct ByBytes;

/// Which view of a question: its method and params, without the subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ViewKey(String);

impl ViewKey {
    pub(crate) fn of<V: Request>(params: &V::Params) -> Self {
        let mut params = serde_json::to_value(params).unwrap_or_default();
        if let Some(params) = params.as_object_mut() {
            params.remove("subject");
        }
        Self(format!("{} {params}", V::METHOD))
    }
}

/// A view as JSON, with what it takes.
pub(crate) struct KeptView {
    pub(crate) view: Value,
    bytes: usize,
}

/// Bytes of a value in memory for each byte of its text, about.
const BYTES_A_LETTER: usize = 4;

impl Weighter<(Ask, ViewKey), Arc<KeptView>> for ByBytes {
    fn weight(&self, (ask, key): &(Ask, ViewKey), kept: &Arc<KeptView>) -> u64 {
        (ask.text.len() + key.0.len() + kept.bytes + ROW) as u64
    }
}

/// Bytes of a row of heads or neurons, with the tokens it writes.
const ROW: usize = 1024;
/// Bytes of a token, a node or an edge with a few heads.
const ITEM: usize = 96;

impl Weighter<Ask, Arc<TokensView>> for ByBytes {
    fn weight(&self, ask: &Ask, known: &Arc<TokensView>) -> u64 {
        (ask.text.len() + known.tokens.len() * ITEM + ROW) as u64
    }
}

impl Weighter<Ask, Arc<Inspection>> for ByBytes {
    fn weight(&self, ask: &Ask, known: &Arc<Inspection>) -> u64 {
        let rows = known.heads.len() + known.neurons.len();
        let items = known.tokens.len() + known.routes.nodes.len() + known.routes.edges.len();
        (ask.text.len() + rows * ROW + items * ITEM + ROW) as u64
    }
}

impl Weighter<Ask, Arc<KeptEffects>> for ByBytes {
    fn weight(&self, ask: &Ask, known: &Arc<KeptEffects>) -> u64 {
        (ask.text.len() + known.len() * ROW + ROW) as u64
    }
}

impl Weighter<Ask, Arc<AttributionView>> for ByBytes {
    fn weight(&self, ask: &Ask, known: &Arc<AttributionView>) -> u64 {
        let rows = known.heads.len() + known.neurons.len();
        (ask.text.len() + rows * ROW + known.attribution.scores.len() * 4 + ROW) as u64
    }
}

/// What one client may come back to: its places, and the numbers of all.
pub(crate) struct Analyses {
    places: Mutex<Recent<String, Arc<Place>>>,
    numbers: Arc<Numbers>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            glances: Cache::with_weighter(1024, GLANCE_BYTES, ByBytes),
            first: Cache::with_weighter(1024, FIRST_BYTES, ByBytes),
            second: Cache::with_weighter(1024, SECOND_BYTES, ByBytes),
            views: Cache::with_weighter(1024, VIEW_BYTES, ByBytes),
            effects: Cache::with_weighter(1024, EFFECT_BYTES, ByBytes),
        }
    }
}

macro_rules! locked {
    ($of:expr) => {
        $of.lock().unwrap_or_else(PoisonError::into_inner)
    };
}

impl Numbers {
    /// A glance: one of its own, or what an inspection of the same question holds.
    pub(crate) fn glance(&self, ask: &Ask) -> Option<Arc<TokensView>> {
        self.glances.get(ask).or_else(|| {
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
        self.glances.insert(ask.clone(), glance);
    }

    pub(crate) fn first(&self, ask: &Ask) -> Option<Arc<Inspection>> {
        self.first.get(ask)
    }

    pub(crate) fn keep_first(&self, ask: &Ask, inspection: Arc<Inspection>) {
        self.first.insert(ask.clone(), inspection);
    }

    pub(crate) fn second(&self, ask: &Ask) -> Option<Arc<AttributionView>> {
        self.second.get(ask)
    }

    pub(crate) fn keep_second(&self, ask: &Ask, attribution: Arc<AttributionView>) {
        self.second.insert(ask.clone(), attribution);
    }

    pub(crate) fn view(&self, ask: &Ask, key: &ViewKey) -> Option<Arc<KeptView>> {
        self.views.get(&(ask.clone(), key.clone()))
    }

    pub(crate) fn keep_view(&self, ask: &Ask, key: &ViewKey, view: &Value) {
        let bytes = view.to_string().len() * BYTES_A_LETTER;
        let kept = KeptView { view: view.clone(), bytes };
        self.views.insert((ask.clone(), key.clone()), Arc::new(kept));
    }

    /// What was measured of a question.
    pub(crate) fn effects(&self, ask: &Ask) -> Option<Arc<KeptEffects>> {
        self.effects.get(ask)
    }

    /// The same to be put beside scores.
    pub(crate) fn known_effects(&self, ask: &Ask) -> KnownEffects {
        let kept = self.effects(ask);
        KnownEffects::new(kept.iter().flat_map(|kept| kept.values()), FLOOR)
    }

    /// Adds what was measured; views of the question are made anew with it.
    pub(crate) fn keep_effects(&self, ask: &Ask, rows: &[EffectRow]) {
        let mut kept = self.effects(ask).map_or_else(KeptEffects::new, |kept| (*kept).clone());
        let measured = rows.iter().filter(|row| row.effect.is_some());
        kept.extend(measured.filter_map(|row| Some((row.intervention.key()?, row.clone()))));
        self.effects.insert(ask.clone(), Arc::new(kept));
        self.views.retain(|(of, _), _| of != ask);
    }

    /// Forgets the numbers of a model by any of its names: another may answer to them now.
    pub(crate) fn forget(&self, names: &[Option<String>]) {
        self.glances.retain(|ask, _| !names.contains(&ask.model));
        self.first.retain(|ask, _| !names.contains(&ask.model));
        self.second.retain(|ask, _| !names.contains(&ask.model));
        self.effects.retain(|ask, _| !names.contains(&ask.model));
        self.views.retain(|(ask, _), _| !names.contains(&ask.model));
    }
}

impl Analyses {
    pub(crate) fn new(numbers: Arc<Numbers>) -> Self {
        Self { places: Mutex::new(Recent::new(128)), numbers }
    }

    pub(crate) fn place(&self, id: &str) -> Option<Arc<Place>> {
        locked!(self.places).get(&id.to_owned())
    }

    pub(crate) fn keep_place(&self, place: Arc<Place>) {
        locked!(self.places).put(place.id.clone(), place);
    }

    /// As [`Numbers::glance`].
    pub(crate) fn glance(&self, ask: &Ask) -> Option<Arc<TokensView>> {
        self.numbers.glance(ask)
    }

    /// Forgets places in a closed document; their numbers stay until they are pushed out.
    pub(crate) fn forget_document(&self, uri: &str) {
        locked!(self.places).entries.retain(|(_, place)| place.uri != uri);
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
