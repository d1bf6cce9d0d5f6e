//! A run on a cached prefix is the whole run, bit for bit; a lean trace recomputes the same numbers.

use limpid_engine::{
    backward::Seed,
    device::Compute,
    model_pool::Loaded,
    norm::Gradients,
    pos_tensor::to_host,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{
    SMOLLM2, load, real_model,
    tiny::{FAMILIES, Tiny},
    watched,
};

const PLANS: [CapturePlan; 2] = [CapturePlan::Whole, CapturePlan::Lean];

fn bits(trace: &Trace, loaded: &Loaded, layer: usize) -> Vec<u32> {
    let of = trace.layer(layer, &loaded.model).unwrap();
    let rows = [
        &of.resid_pre,
        &of.q_raw,
        &of.k_raw,
        &of.q,
        &of.k,
        &of.v,
        &of.z,
        &of.attn_raw,
        &of.resid_mid,
        &of.mlp_in,
        &of.mlp_raw,
        &of.mlp_out,
    ];
    rows.iter()
        .flat_map(|rows| to_host(&rows.tensor().unwrap()).unwrap())
        .map(f32::to_bits)
        .collect()
}

fn forward(loaded: &Loaded, ids: &[u32], prefix: Option<&Trace>, plan: CapturePlan) -> Trace {
    watched(|watch| loaded.model.forward(ids, prefix, plan, watch)).unwrap()
}

/// Every layer, the logits and what comes back from both backward passes.
fn everything(loaded: &Loaded, trace: &Trace) -> Vec<Vec<u32>> {
    let model = &loaded.model;
    let mut all: Vec<Vec<u32>> =
        (0..model.spec.n_layers).map(|layer| bits(trace, loaded, layer)).collect();
    let mut add = |values: Vec<f32>| all.push(values.into_iter().map(f32::to_bits).collect());
    let resid = trace.resid_after(model.spec.n_layers).tensor().unwrap();
    add(to_host(&model.logits(&resid).unwrap()).unwrap());
    let mut g_logits = vec![0f32; model.spec.d_vocab];
    (g_logits[1], g_logits[2]) = (1.0, -1.0);
    let seeds = [Seed { position: trace.n_tokens() - 1, g_logits }];
    for gradients in [Gradients::True, Gradients::Linear] {
        let pass = watched(|watch| model.backward(trace, &seeds, gradients, watch, None)).unwrap();
        add(to_host(&pass.embedding).unwrap());
        add(pass.knock_out);
        add(pass.heads.concat());
    }
    all
}

#[test]
fn every_edit_of_a_tiny_prompt_behind_its_cached_prefix_is_the_whole_run() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let (loaded, ids) = (tiny.load(&Compute::cpu()), tiny.ids());
        for plan in PLANS {
            let first = forward(&loaded, &ids, None, plan);
            for at in 0..ids.len() {
                let mut edited = ids.clone();
                edited[at] = (ids[at] + 1) % 90;
                let behind = forward(&loaded, &edited, Some(&first), plan);
                let whole = forward(&loaded, &edited, None, plan);
                let same = everything(&loaded, &behind) == everything(&loaded, &whole);
                assert!(same, "{family} {plan:?} edited at {at}");
                // Shorter than what is cached: the last position is computed anew.
                let cut = forward(&loaded, &ids[..=at], Some(&first), plan);
                let whole = forward(&loaded, &ids[..=at], None, plan);
                let same = everything(&loaded, &cut) == everything(&loaded, &whole);
                assert!(same, "{family} {plan:?} cut after {at}");
            }
        }
    }
}

#[test]
fn a_prompt_typed_token_by_token_is_the_whole_run_and_lean_is_whole() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu());
        // Where the model goes that far: longer than a block of query rows and than a panel of keys.
        let n_tokens = loaded.model.spec.n_ctx.min(64);
        let ids: Vec<u32> = (0..n_tokens as u32).map(|at| (at * 29 + 3) % 90).collect();
        let wanted = everything(&loaded, &forward(&loaded, &ids, None, CapturePlan::Whole));
        for plan in PLANS {
            let mut typed = forward(&loaded, &ids[..1], None, plan);
            let lengths = [2, 3, 4, 5, 30, 31, 32, 33, 34, 48, 49, 63, 64].into_iter();
            for n in lengths.filter(|n| *n <= n_tokens) {
                typed = forward(&loaded, &ids[..n], Some(&typed), plan);
            }
            assert!(everything(&loaded, &typed) == wanted, "{family} {plan:?}");
        }
    }
}

#[test]
fn a_cached_prefix_changes_no_bit() {
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    let ids: Vec<u32> = (0..97).map(|i| 500 + (i * 7919) % 40_000).collect();
    let forward = |ids: &[u32], prefix: Option<&Trace>, plan| forward(&loaded, ids, prefix, plan);
    let mut edited = ids.clone();
    edited[60] = 4242;
    for plan in PLANS {
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
