//! Models under one byte budget, with the real engine on tiny models.

use limpid_engine::{
    cancel::CancelToken,
    device::Compute,
    memory::MemoryBudget,
    model_store::{ModelStore, StoreSettings},
};
use limpid_protocol::{model_status::ModelState, view_error::ErrorKind};
use limpid_server::{Analyst, EngineAnalyst, Job};

fn tiny(family: &str) -> String {
    format!("{}/../../tests/golden/tiny/{family}", env!("CARGO_MANIFEST_DIR"))
}

fn analyst(compute: Compute, budget: u64) -> EngineAnalyst {
    let store = ModelStore::new(StoreSettings::from_env());
    EngineAnalyst::new(store, compute, MemoryBudget(budget), tiny("llama"))
}

fn load(analyst: &EngineAnalyst, family: &str) {
    analyst.load(Some(&tiny(family)), &job()).unwrap();
}

fn job() -> Job {
    Job::new(CancelToken::default(), |_, _| {})
}

/// Bytes of the models in memory.
fn resident(analyst: &EngineAnalyst) -> Vec<(String, u64)> {
    let rows = analyst.models().into_iter().filter(|row| row.state == ModelState::Loaded);
    rows.map(|row| (row.name.rsplit('/').next().unwrap().to_owned(), row.bytes.unwrap())).collect()
}

fn names(analyst: &EngineAnalyst) -> Vec<String> {
    resident(analyst).into_iter().map(|(name, _)| name).collect()
}

/// An analyst in which any two of three models fit, with the first two loaded.
fn room_for_two() -> EngineAnalyst {
    let roomy = analyst(Compute::cpu(), 1 << 30);
    for family in ["llama", "gpt2", "gemma3_text"] {
        load(&roomy, family);
    }
    let bytes: Vec<u64> = resident(&roomy).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(bytes.len(), 3);
    let most = bytes.iter().sum::<u64>() - bytes.iter().min().unwrap() / 2;
    let tight = analyst(Compute::cpu(), most * 8 / 7);
    load(&tight, "llama");
    load(&tight, "gpt2");
    assert_eq!(names(&tight), ["gpt2", "llama"]);
    tight
}

#[test]
fn the_least_recently_used_model_goes_when_another_needs_its_room() {
    let analyst = room_for_two();
    assert!(analyst.is_loaded(Some(&tiny("llama"))), "used again");
    load(&analyst, "gemma3_text");
    assert_eq!(names(&analyst), ["gemma3_text", "llama"]);
}

#[test]
fn a_model_that_a_job_works_with_stays() {
    let analyst = room_for_two();
    let hold = analyst.hold(Some(&tiny("llama")));
    assert!(hold.is_some());
    load(&analyst, "gemma3_text");
    assert_eq!(names(&analyst), ["gemma3_text", "llama"]);
    assert!(analyst.hold(Some(&tiny("gpt2"))).is_none());
}

#[test]
fn a_model_that_cannot_fit_is_refused_with_the_numbers() {
    let analyst = analyst(Compute::cpu_plain(Compute::cpu().dtype), 1000);
    let error = analyst.load(None, &job()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemoryBudget);
    assert!(error.data.needed > error.data.available, "{error:?}");
}
