//! SmolLM2 and Gemma 3 against their golden files: logits, residuals, contributions, routes, attributions, promoted tokens.

use crate::tolerances;
use limpid_analysis::{
    components::{head_output, neuron_directions},
    contributions::{attention_contributions, mlp_contributions, neuron_contributions},
    route_build::grow,
    route_graph::{NodeId, NodeKind},
    route_prune::Prune,
    vocabulary::{top, written},
};
use limpid_engine::{cancel::CancelToken, model_pool::Loaded, pos_tensor::to_host, trace::Trace};
use limpid_tests::{
    GEMMA3, SMOLLM2, Tensors, golden, golden_json, load, max_difference, real_model,
    relative_difference, trace, way_name, ways,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn floats(value: &Value) -> Vec<f32> {
    serde_json::from_value(value.clone()).unwrap()
}

pub(crate) fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value["token_ids"].clone()).unwrap()
}

fn for_prompts(model: &str, folder: &str, n: usize, check: impl Fn(&str, &Loaded, &Trace, &Value)) {
    for compute in ways() {
        let loaded = load(real_model(model), &compute);
        for prompt in 1..=n {
            let golden = golden_json(&format!("{folder}/p{prompt}.json"));
            let name = format!("{folder} p{prompt} {}", way_name(&compute));
            check(&name, &loaded, &trace(&loaded, &ids(&golden)), &golden);
        }
    }
}

pub(crate) fn logits_at(loaded: &Loaded, trace: &Trace, position: usize) -> Vec<f32> {
    let resid = trace.resid_after(loaded.model.spec.n_layers).narrow(position, 1).unwrap();
    to_host(&loaded.model.logits(&resid.tensor().unwrap()).unwrap()).unwrap()
}

fn check_predictions(name: &str, loaded: &Loaded, trace: &Trace, golden: &Value) {
    let top10 = &golden["top10"];
    for position in 0..trace.n_tokens() {
        let logits = logits_at(loaded, trace, position);
        let got = top(&logits, 10);
        let got_ids: Vec<u32> = got.iter().map(|(id, _)| *id).collect();
        let want_ids: Vec<u32> = serde_json::from_value(top10["ids"][position].clone()).unwrap();
        assert_eq!(got_ids, want_ids, "{name} position {position}");
        let got: Vec<f32> = got.iter().map(|(_, logit)| *logit).collect();
        let worst = max_difference(&got, &floats(&top10["logits"][position]));
        assert!(worst <= tolerances::LOGITS, "{name} logits {worst:e}");
        let all = limpid_analysis::vocabulary::log_sum_exp(&logits);
        let probs: Vec<f32> = got.iter().map(|logit| (logit - all).exp()).collect();
        let worst = max_difference(&probs, &floats(&top10["probs"][position]));
        assert!(worst <= tolerances::PROBABILITY, "{name} probabilities {worst:e}");
    }
}

/// Residuals and contributions of the last position, whose names differ between the two folders.
fn check_last_position(
    name: &str,
    loaded: &Loaded,
    trace: &Trace,
    tensors: &Tensors,
    keys: [&str; 4],
) {
    let (model, last) = (&loaded.model, trace.n_tokens() - 1);
    let d = model.spec.d_model;
    for layer in 0..model.spec.n_layers {
        let of = trace.layer(layer, model).unwrap();
        for (key, rows) in [
            ("resid_pre_last", &of.resid_pre),
            ("resid_mid_last", &of.resid_mid),
            ("resid_post_last", trace.resid_after(layer + 1)),
        ] {
            let want = &tensors.values(key)[layer * d..(layer + 1) * d];
            let rows = rows.narrow(last, 1).unwrap();
            let host = rows.host().unwrap();
            let squares =
                |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
            let distance = squares(&mut host.row(0).iter().zip(want).map(|(a, b)| a - b));
            let relative = distance / squares(&mut want.iter().copied());
            assert!(relative <= tolerances::RESID, "{name} {key} {layer}: {relative:e}");
        }
        let attention = attention_contributions(model, trace, layer, &[last]).unwrap();
        let mlp = mlp_contributions(model, trace, layer, &[last]).unwrap();
        for (key, got) in
            keys.into_iter().zip([attention.attn(), attention.resid(), mlp.mlp(), mlp.resid()])
        {
            let all = tensors.values(key);
            let n = all.len() / model.spec.n_layers;
            let worst = max_difference(got, &all[layer * n..(layer + 1) * n]);
            assert!(worst <= tolerances::CONTRIBUTION, "{name} {key} {layer}: {worst:e}");
        }
    }
}

#[test]
fn smollm2_predictions_residuals_and_contributions() {
    for_prompts(SMOLLM2, "smollm2", 6, |name, loaded, trace, value| {
        check_predictions(name, loaded, trace, value);
        let id = value["id"].as_str().unwrap();
        let tensors = Tensors::open(&golden(&format!("smollm2/{id}.safetensors")));
        let keys = ["exact.attn", "exact.attn_resid", "exact.mlp", "exact.mlp_resid"];
        check_last_position(name, loaded, trace, &tensors, keys);
    });
}

#[test]
fn gemma3_predictions_residuals_and_contributions() {
    for_prompts(GEMMA3, "gemma3", 3, |name, loaded, trace, value| {
        check_predictions(name, loaded, trace, value);
        let id = value["id"].as_str().unwrap();
        let tensors = Tensors::open(&golden(&format!("gemma3/{id}.safetensors")));
        let keys = [
            "attn_contribution_last",
            "attn_resid_contribution_last",
            "mlp_contribution_last",
            "mlp_resid_contribution_last",
        ];
        check_last_position(name, loaded, trace, &tensors, keys);
        for (layer, golden) in value["neurons_last"].as_object().unwrap() {
            let shares = neuron_contributions(
                &loaded.model,
                trace,
                layer.parse().unwrap(),
                trace.n_tokens() - 1,
            )
            .unwrap();
            for row in golden["top"].as_array().unwrap() {
                let neuron = row[0].as_u64().unwrap() as usize;
                let want = row[1].as_f64().unwrap() as f32;
                assert!(
                    (shares.neurons[neuron] - want).abs() <= tolerances::NEURON_CONTRIBUTION,
                    "{name} {layer} {neuron}"
                );
            }
        }
    });
}

#[test]
fn smollm2_graph_is_the_golden_one() {
    for_prompts(SMOLLM2, "smollm2", 6, |name, loaded, trace, golden| {
        let prune = Prune::Lmtt(0.04);
        let target = trace.n_tokens() - 1;
        let graph =
            grow(&loaded.model, trace, target, prune.growth(), &CancelToken::default()).unwrap();
        let node = |node: &NodeId| match node.kind {
            NodeKind::Embed => format!("X0_{}", node.position),
            NodeKind::ResidMid => format!("A{}_{}", node.layer, node.position),
            NodeKind::Mlp => format!("M{}_{}", node.layer, node.position),
            NodeKind::ResidPost => format!("I{}_{}", node.layer, node.position),
        };
        let mut got: BTreeMap<(String, String), f32> = BTreeMap::new();
        for edge in &prune.apply(&graph).edges {
            // The golden graph draws a token's residual and its attention to itself as one edge.
            *got.entry((node(&edge.from), node(&edge.to))).or_default() += edge.contribution;
        }
        let want: BTreeMap<(String, String), f32> = golden["graph"]["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| {
                let end = |at: usize| edge[at].as_str().unwrap().to_owned();
                ((end(0), end(1)), edge[2].as_f64().unwrap() as f32)
            })
            .collect();
        assert!(got.keys().eq(want.keys()), "{name}: {} edges, {} wanted", got.len(), want.len());
        for (edge, weight) in &want {
            assert!((got[edge] - weight).abs() <= tolerances::GRAPH_WEIGHT, "{name} {edge:?}");
        }
    });
}

#[test]
fn smollm2_heads_and_neurons_write_the_golden_tokens() {
    for_prompts(SMOLLM2, "smollm2", 2, |name, loaded, trace, golden| {
        let last = trace.n_tokens() - 1;
        let check = |what: &str, direction: Vec<f32>, golden: &Value| {
            for (with_norm, top, bottom) in
                [(true, "norm_top", "norm_bottom"), (false, "raw_top", "raw_bottom")]
            {
                let got = written(&loaded.model, std::slice::from_ref(&direction), 10, with_norm)
                    .unwrap();
                for (got, want) in
                    [(&got[0].promotes, &golden[top]), (&got[0].suppresses, &golden[bottom])]
                {
                    // Near-ties may swap, so values are compared at equal rank.
                    let got: Vec<f32> = got.iter().map(|(_, value)| *value).collect();
                    let worst = relative_difference(&got, &floats(&want[1]));
                    assert!(worst <= tolerances::PROMOTED, "{name} {what}: {worst:e}");
                }
            }
        };
        for (layer, heads) in golden["heads_last"].as_array().unwrap().iter().enumerate() {
            for head in heads["top"].as_array().unwrap() {
                let index = head["head"].as_u64().unwrap() as usize;
                let output = head_output(&loaded.model, trace, layer, index, last).unwrap();
                check(&format!("L{layer}H{index}"), output, head);
            }
        }
        for (layer, neurons) in golden["neurons_last"].as_object().unwrap() {
            let layer: usize = layer.parse().unwrap();
            let shares = neuron_contributions(&loaded.model, trace, layer, last).unwrap();
            for row in neurons["top"].as_array().unwrap() {
                let neuron = row["neuron"].as_u64().unwrap() as usize;
                let exact = row["exact"].as_f64().unwrap() as f32;
                assert!(
                    (shares.neurons[neuron] - exact).abs() <= tolerances::NEURON_CONTRIBUTION,
                    "{name} L{layer}N{neuron}"
                );
                let direction =
                    neuron_directions(&loaded.model, trace, layer, &[neuron], last).unwrap();
                check(&format!("L{layer}N{neuron}"), direction.concat(), row);
            }
        }
    });
}
