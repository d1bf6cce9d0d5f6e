//! A run on a cached prefix is the whole run, bit for bit; a lean trace recomputes the same numbers.

use limpid_engine::{
    device::Compute,
    pos_tensor::to_host,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{SMOLLM2, load, real_model, watched};

fn bits(trace: &Trace, loaded: &limpid_engine::model_pool::Loaded, layer: usize) -> Vec<u32> {
    let of = trace.layer(layer, &loaded.model).unwrap();
    let rows = [&of.resid_pre, &of.q, &of.k, &of.v, &of.z, &of.resid_mid, &of.mlp_in, &of.mlp_out];
    rows.iter()
        .flat_map(|rows| to_host(&rows.tensor().unwrap()).unwrap())
        .map(f32::to_bits)
        .collect()
}

#[test]
fn a_cached_prefix_changes_no_bit() {
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    let ids: Vec<u32> = (0..97).map(|i| 500 + (i * 7919) % 40_000).collect();
    let forward = |ids: &[u32], prefix: Option<&Trace>, plan| {
        watched(|watch| loaded.model.forward(ids, prefix, plan, watch)).unwrap()
    };
    let mut edited = ids.clone();
    edited[60] = 4242;
    for plan in [CapturePlan::Whole, CapturePlan::Lean] {
        let first = forward(&ids, None, plan);
        let whole = forward(&edited, None, plan);
        let behind = forward(&edited, Some(&first), plan);
        let longer: Vec<u32> = edited.iter().copied().chain([77, 78, 79]).collect();
        let typed = forward(&longer, Some(&behind), plan);
        let typed_whole = forward(&longer, None, plan);
        for layer in [0, 13, 29] {
            assert!(
                bits(&behind, &loaded, layer) == bits(&whole, &loaded, layer),
                "{plan:?} {layer}"
            );
            assert!(
                bits(&typed, &loaded, layer) == bits(&typed_whole, &loaded, layer),
                "{plan:?} {layer}"
            );
        }
    }
    let whole = forward(&ids, None, CapturePlan::Whole);
    let lean = forward(&ids, None, CapturePlan::Lean);
    assert!(lean.bytes() * 3 < whole.bytes());
    assert!(bits(&whole, &loaded, 7) == bits(&lean, &loaded, 7));
}

#[test]
fn weights_kept_as_stored_give_the_same_bits() {
    use limpid_engine::{memory::MemoryBudget, model_pool, model_store::ModelFiles};
    let files = ModelFiles { name: "test".to_owned(), weights: real_model(SMOLLM2) };
    let opened = || model_pool::open(&files).unwrap();
    let load = |budget| model_pool::load(opened(), &Compute::cpu(), budget, &|_, _| {}).unwrap();
    let (decoded, stored) = (load(MemoryBudget(u64::MAX)), load(MemoryBudget(1 << 20)));
    assert_eq!(stored.model.bytes(), 0);
    let ids = [504, 3575, 282, 4649, 314];
    let (a, b) = (limpid_tests::trace(&decoded, &ids), limpid_tests::trace(&stored, &ids));
    assert!(bits(&a, &decoded, 29) == bits(&b, &stored, 29));
}
