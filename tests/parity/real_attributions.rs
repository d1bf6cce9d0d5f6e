//! Attributions of tokens, heads and neurons on the real models against their golden files.

use crate::{
    real_models::{floats, ids, logits_at},
    tolerances,
};
use limpid_analysis::{
    attribution::{Attributions, Method},
    objective::{Objective, ObjectiveKind},
};
use limpid_engine::{device::Compute, model_pool::Loaded, trace::Trace};
use limpid_tests::{
    GEMMA3, SMOLLM2, golden_json, load, real_model, relative_difference, trace, watched, way_name,
    ways,
};
use serde_json::Value;

/// `[difference of logits, log-probability]`
const TOLERANCES: [f32; 2] = [tolerances::ATTRIBUTION_LOGIT_DIFF, tolerances::ATTRIBUTION_LOGPROB];

pub(crate) fn check_attributions(
    (model, folder, n): (&str, &str, usize),
    ways: Vec<Compute>,
    tolerances: [f32; 2],
) {
    for compute in ways {
        let loaded = load(real_model(model), &compute);
        for prompt in 1..=n {
            let golden = golden_json(&format!("{folder}/attribution_p{prompt}.json"));
            let trace = trace(&loaded, &ids(&golden));
            for (kind, key, tolerance) in [
                (ObjectiveKind::LogitDiff, "logit_diff", tolerances[0]),
                (ObjectiveKind::LogOdds, "logprob", tolerances[1]),
            ] {
                let name = format!("{folder} p{prompt} {key} {}", way_name(&compute));
                check_attribution(&name, &loaded, &trace, kind, &golden, key, tolerance);
            }
        }
    }
}

fn check_attribution(
    name: &str,
    loaded: &Loaded,
    trace: &Trace,
    kind: ObjectiveKind,
    golden: &Value,
    key: &str,
    tolerance: f32,
) {
    let token = |key: &str| golden[key].as_u64().unwrap() as u32;
    let position = trace.n_tokens() - 1;
    let objective =
        Objective { position, target: token("target"), foil: Some(token("foil")), kind };
    let logits = logits_at(loaded, trace, position);
    let got = watched(|watch| Attributions::new(&loaded.model, trace, objective, &logits, watch))
        .unwrap();
    // Log-odds scores are log-probability scores divided by 1 - P.
    let scale =
        if kind == ObjectiveKind::LogOdds { 1.0 / (1.0 + got.value.exp()) } else { 1.0 } as f32;
    let scaled =
        |scores: &[f32]| -> Vec<f32> { scores.iter().map(|score| score * scale).collect() };
    let golden = &golden[key];
    for method in [Method::Atp, Method::AtpLinear, Method::AtpTrue, Method::GradientXInputLinear] {
        let worst = relative_difference(
            &scaled(&got.tokens(method, &[])),
            &floats(&golden["token"][method.name()]),
        );
        assert!(worst <= tolerance, "{name} {method}: {worst:e}");
    }
    for (key, got) in
        [("head", &got.true_pass.heads), ("head_last", &got.true_pass.heads_at_target)]
    {
        let want: Vec<f32> = golden[key].as_array().unwrap().iter().flat_map(floats).collect();
        let worst = relative_difference(&scaled(&got.concat()), &want);
        assert!(worst <= tolerance, "{name} {key}: {worst:e}");
    }
    for neurons in golden["neuron"].as_array().unwrap() {
        let layer = neurons["layer"].as_u64().unwrap() as usize;
        let indices: Vec<usize> = serde_json::from_value(neurons["neurons"].clone()).unwrap();
        for (key, all) in
            [("scores", &got.true_pass.neurons), ("scores_last", &got.true_pass.neurons_at_target)]
        {
            let own: Vec<f32> = indices.iter().map(|&neuron| all[layer][neuron]).collect();
            let worst = relative_difference(&scaled(&own), &floats(&neurons[key]));
            assert!(worst <= tolerance, "{name} neurons {layer} {key}: {worst:e}");
        }
    }
}

#[test]
fn smollm2_attributions_are_the_golden_ones() {
    check_attributions((SMOLLM2, "smollm2", 6), ways(), TOLERANCES);
}

#[test]
fn gemma3_attributions_are_the_golden_ones() {
    check_attributions((GEMMA3, "gemma3", 3), ways(), TOLERANCES);
}
