//! Weights in bf16, which a GPU keeps unless told otherwise: near the golden numbers, not at them. The CPU makes the same
//! products from them, so the tolerances are tried without a GPU too.

use crate::{
    real_attributions::check_attributions,
    real_models::{floats, ids, logits_at},
    tolerances,
};
use candle_core::DType;
use limpid_analysis::vocabulary::log_sum_exp;
use limpid_engine::device::Compute;
use limpid_tests::{
    GEMMA3, SMOLLM2, golden_json, load, max_difference, real_model, test_device, trace, way_name,
};

fn bf16_ways() -> Vec<Compute> {
    let mut ways = vec![Compute::cpu_plain(DType::BF16)];
    // On a GPU bf16 is the default; a CPU under test keeps f32.
    ways.extend(test_device(None).filter(|way| way.dtype == DType::BF16));
    ways
}

#[test]
fn predictions_are_near_the_golden_ones() {
    for (compute, (model, folder, n)) in bf16_ways()
        .into_iter()
        .flat_map(|way| [(way.clone(), (SMOLLM2, "smollm2", 3)), (way, (GEMMA3, "gemma3", 1))])
    {
        let loaded = load(real_model(model), &compute);
        for prompt in 1..=n {
            let golden = golden_json(&format!("{folder}/p{prompt}.json"));
            let name = format!("{folder} p{prompt} {}", way_name(&compute));
            let trace = trace(&loaded, &ids(&golden));
            let top10 = &golden["top10"];
            for position in 0..trace.n_tokens() {
                let logits = logits_at(&loaded, &trace, position);
                let ids: Vec<u32> = serde_json::from_value(top10["ids"][position].clone()).unwrap();
                let got: Vec<f32> = ids.iter().map(|id| logits[*id as usize]).collect();
                let worst = max_difference(&got, &floats(&top10["logits"][position]));
                assert!(worst <= tolerances::BF16_LOGITS, "{name} {position}: logits {worst:e}");
                let all = log_sum_exp(&logits);
                let probs: Vec<f32> = got.iter().map(|logit| (logit - all).exp()).collect();
                let worst = max_difference(&probs, &floats(&top10["probs"][position]));
                assert!(worst <= tolerances::BF16_PROBABILITY, "{name} {position}: {worst:e}");
            }
        }
    }
}

#[test]
fn attributions_are_near_the_golden_ones() {
    let tolerances = [tolerances::BF16_ATTRIBUTION; 2];
    check_attributions((SMOLLM2, "smollm2", 2), bf16_ways(), tolerances);
    check_attributions((GEMMA3, "gemma3", 1), bf16_ways(), tolerances);
}
