//! The list of models that a client is shown: what is loaded or on its way, what is in the store, what can be fetched.

use crate::model_slots::{ModelSlots, Slot};
use limpid_engine::model_store::ModelStore;
use limpid_protocol::model_status::{ModelRow, ModelState};
use std::sync::atomic::Ordering;

impl ModelSlots {
    /// The list, by name.
    pub(crate) fn rows(&self) -> Vec<ModelRow> {
        let mut rows: Vec<ModelRow> = self
            .slots
            .iter()
            .map(|entry| {
                let mut row = ModelRow {
                    name: entry.key().clone(),
                    state: ModelState::Loading,
                    progress: None,
                    device: None,
                    bytes: None,
                    problem: None,
                    is_default: *entry.key() == self.default_model,
                };
                match entry.value() {
                    Slot::Loading(share) => {
                        let share = f32::from_bits(share.load(Ordering::Relaxed));
                        row.state =
                            if share < 0.5 { ModelState::Fetching } else { ModelState::Loading };
                        row.progress = Some(share);
                    }
                    Slot::Loaded(resident) => {
                        row.state = ModelState::Loaded;
                        row.device = Some(self.compute.kind.name().to_owned());
                        row.bytes = Some(resident.loaded.model.bytes());
                    }
                    Slot::Failed(problem) => {
                        row.state = ModelState::Failed;
                        row.problem = Some(problem.clone());
                    }
                }
                row
            })
            .collect();
        let available = self.store.list().unwrap_or_default().into_iter().map(|model| model.name);
        let known = ModelStore::known().map(|(name, _)| name.to_owned());
        for name in available.chain(known).chain([self.default_model.clone()]) {
            if rows.iter().all(|row| row.name != name) {
                rows.push(ModelRow {
                    is_default: name == self.default_model,
                    name,
                    state: ModelState::Available,
                    progress: None,
                    device: None,
                    bytes: None,
                    problem: None,
                });
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }
}
