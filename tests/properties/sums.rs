//! Parts sum to wholes: every attention part and b_O to attention's output, every neuron and b_out to the MLP's, and
//! embedding and biases, each with the linear gradient at its place, to a difference of logits. *Source*: the attribution
//! definitions, section 4; tolerances: golden/README.md.

use crate::gradients::{logits, noise, objective, wide};
use candle_core::DType;
use limpid_analysis::objective::{Objective, ObjectiveKind};
use limpid_engine::{
    device::Compute,
    hook_name::Hook,
    model::Model,
    model_pool::Loaded,
    norm::{Gradients, Norm},
    pos_tensor::{PosTensor, to_host},
    trace::Trace,
};
use limpid_tests::{
    GEMMA3, SMOLLM2, golden_json, load, real_model,
    tiny::{FAMILIES, Tiny},
    trace, watched,
};

/// Relative to the largest value of the whole at the same position.
const SUM_RULE: f64 = 1e-5;
/// Relative to the sum of absolute terms.
const COMPLETENESS: f64 = 1e-5;
/// The same in f64.
const EXACT: f64 = 1e-12;

/// A model with a bias wherever its family can have one.
pub(crate) fn with_every_bias(family: &str) -> Tiny {
    let tiny = Tiny::open(family);
    let modules: &[&str] = match family {
        // It has them all already.
        "gpt2" => return tiny,
        // Its config has no biases in the MLP.
        "gemma3_text" => {
            &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
        }
        _ => &[
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.o_proj",
            "mlp.gate_proj",
            "mlp.up_proj",
            "mlp.down_proj",
        ],
    };
    let spec = tiny.load(&Compute::cpu()).model.spec;
    let mut tiny = tiny.set("attention_bias", true).set("mlp_bias", true);
    for layer in 0..spec.n_layers {
        for (index, module) in modules.iter().enumerate() {
            let n = match index {
                0 => spec.d_q(),
                1 | 2 => spec.d_kv(),
                4 | 5 => spec.d_mlp,
                _ => spec.d_model,
            };
            let seed = (10 * layer + index) as u64;
            let bias = noise(n, seed).into_iter().map(|value| value as f32).collect();
            tiny = tiny.add(&format!("model.layers.{layer}.{module}.bias"), &[n], bias);
        }
    }
    tiny
}

fn check_completeness(name: &str, loaded: &Loaded, trace: &Trace, tolerance: f64) -> f64 {
    let model = &loaded.model;
    let mut share_of_biases = 0f64;
    for position in [trace.n_tokens() / 2, trace.n_tokens() - 1] {
        let resid = trace.resid_after(model.spec.n_layers).narrow(position, 1).unwrap();
        let logits = logits(model, &resid.tensor().unwrap());
        let objective = Objective { position, ..objective(&logits, 0, ObjectiveKind::LogitDiff) };
        let value =
            logits[0][objective.target as usize] - logits[0][objective.foil.unwrap() as usize];
        let (_, seed) = objective.value_and_seed(&vec![0f32; model.spec.d_vocab]);
        let gradient =
            watched(|watch| model.backward(trace, &[seed], Gradients::Linear, watch, None))
                .unwrap();
        let embedding =
            wide(&trace.resid_after(0).narrow(0, position + 1).unwrap().tensor().unwrap());
        let terms: Vec<f64> =
            embedding.iter().zip(wide(&gradient.embedding)).map(|(e, g)| e * g).collect();
        let scale: f64 = terms.iter().map(|term| term.abs()).sum::<f64>() + gradient.biases.abs();
        let error = (terms.iter().sum::<f64>() + gradient.biases - value).abs() / scale;
        assert!(error <= tolerance, "{name} position {position}: {error:e}");
        share_of_biases = share_of_biases.max(gradient.biases.abs() / scale);
    }
    share_of_biases
}

#[test]
fn embeddings_and_every_bias_complete_a_difference_of_logits() {
    for family in FAMILIES {
        let tiny = with_every_bias(family);
        for (compute, tolerance) in [
            (Compute::cpu_plain(DType::F64), EXACT),
            (Compute::cpu_plain(DType::F32), COMPLETENESS),
            (Compute::cpu(), COMPLETENESS),
        ] {
            let loaded = tiny.load(&compute);
            let name = format!("{family} {:?} {:?}", compute.way, compute.dtype);
            let biases =
                check_completeness(&name, &loaded, &trace(&loaded, &tiny.ids()), tolerance);
            assert!(biases > 1e-3, "{name}: biases are {biases:e} of it, too little to test them");
        }
    }
}

/// `factor * (sum over rows of what `add` adds + bias)` against the whole, position by position.
fn check_sum(
    name: &str,
    mut sum: Vec<f64>,
    bias: Option<Vec<f32>>,
    norm: &Option<Norm>,
    raw: &PosTensor,
    whole: &[f32],
) {
    let d = raw.n_cols();
    if let Some(bias) = bias {
        for (sum, bias) in sum.iter_mut().zip(bias.iter().cycle()) {
            *sum += f64::from(*bias);
        }
    }
    if let Some(norm) = norm {
        let factor = wide(&norm.frozen_factor(&raw.tensor().unwrap()).unwrap());
        for (sum, factor) in sum.iter_mut().zip(factor) {
            *sum *= factor;
        }
    }
    for (position, (sum, whole)) in sum.chunks(d).zip(whole.chunks(d)).enumerate() {
        let largest = whole.iter().fold(0f64, |max, value| max.max(f64::from(value.abs())));
        let errors = sum.iter().zip(whole).map(|(sum, whole)| (sum - f64::from(*whole)).abs());
        let error = errors.fold(0f64, f64::max) / largest;
        assert!(error <= SUM_RULE, "{name} position {position}: {error:e}");
    }
}

/// Every part of attention at every position: `A[h, t, s] * (v[s, h] W_O[h])`, summed over heads and sources.
fn attention_parts(
    model: &Model,
    v: &PosTensor,
    w_o: &limpid_engine::linear::Linear,
    patterns: &[f32],
) -> Vec<f64> {
    let (spec, n_tokens, d) = (&model.spec, v.n_rows(), model.spec.d_model);
    let mut sum = vec![0f64; n_tokens * d];
    for head in 0..spec.n_heads {
        let own = v.columns(head / spec.group_size() * spec.d_head, spec.d_head).unwrap();
        let inputs = head * spec.d_head..(head + 1) * spec.d_head;
        let written =
            to_host(&w_o.forward_inputs(&own.tensor().unwrap(), inputs).unwrap()).unwrap();
        for (position, sum) in sum.chunks_mut(d).enumerate() {
            let pattern = &patterns[(head * n_tokens + position) * n_tokens..][..=position];
            for (weight, part) in pattern.iter().zip(written.chunks(d)) {
                for (sum, part) in sum.iter_mut().zip(part) {
                    *sum += f64::from(*weight) * f64::from(*part);
                }
            }
        }
    }
    sum
}

/// Every neuron at every position: `post_i * W_out[i]`, summed over neurons.
fn neuron_parts(model: &Model, layer: usize, posts: &[f32]) -> Vec<f64> {
    let (d, d_mlp) = (model.spec.d_model, model.spec.d_mlp);
    let mut sum = vec![0f64; posts.len() / d_mlp * d];
    let visit = |first: usize, width: usize, panel: &[f32]| {
        for (sum, posts) in sum.chunks_mut(d).zip(posts.chunks(d_mlp)) {
            let mut columns = [0f64; 48];
            for (post, weights) in posts.iter().zip(panel.as_chunks::<48>().0) {
                for (column, weight) in columns.iter_mut().zip(weights) {
                    *column += f64::from(*post) * f64::from(*weight);
                }
            }
            for (sum, column) in sum[first..first + width].iter_mut().zip(columns) {
                *sum += column;
            }
        }
    };
    model.blocks[layer].w_out.visit_panels(visit).unwrap();
    sum
}

fn check_layers(name: &str, loaded: &Loaded, trace: &Trace) {
    let model = &loaded.model;
    for layer in 0..model.spec.n_layers {
        let (of, block) = (trace.layer(layer, model).unwrap(), &model.blocks[layer]);
        let values = |hook: Hook| hook.values(model, trace, layer, &of).unwrap();
        let bias = |linear: &limpid_engine::linear::Linear| {
            linear.section_bias(0).unwrap().map(|bias| bias.host)
        };
        let heads = attention_parts(model, &of.v, &block.w_o, &values(Hook::Pattern));
        let (attn, mlp) = (values(Hook::AttnOut), values(Hook::MlpOut));
        let name = format!("{name} layer {layer}");
        check_sum(
            &format!("{name} heads"),
            heads,
            bias(&block.w_o),
            &block.post_attn_norm,
            &of.attn_raw,
            &attn,
        );
        let neurons = neuron_parts(model, layer, &values(Hook::Post));
        check_sum(
            &format!("{name} neurons"),
            neurons,
            bias(&block.w_out),
            &block.post_mlp_norm,
            &of.mlp_raw,
            &mlp,
        );
        for (below, added, above) in
            [(Hook::ResidPre, &attn, Hook::ResidMid), (Hook::ResidMid, &mlp, Hook::ResidPost)]
        {
            let sums = values(below).into_iter().zip(added).map(|(below, added)| below + added);
            assert!(sums.eq(values(above)), "{name}: {above:?} is {below:?} and what is added");
        }
    }
}

#[test]
fn tiny_parts_and_biases_sum_to_their_wholes() {
    for family in FAMILIES {
        let tiny = with_every_bias(family);
        for compute in [Compute::cpu(), Compute::cpu_plain(DType::F32)] {
            let loaded = tiny.load(&compute);
            let name = format!("{family} {:?}", compute.way);
            check_layers(&name, &loaded, &trace(&loaded, &tiny.ids()));
        }
    }
}

fn check_real(model: &str, golden: &str) {
    let loaded = load(real_model(model), &Compute::cpu());
    let ids: Vec<u32> = serde_json::from_value(golden_json(golden)["token_ids"].clone()).unwrap();
    let trace = trace(&loaded, &ids);
    check_layers(model, &loaded, &trace);
    check_completeness(model, &loaded, &trace, COMPLETENESS);
}

#[test]
fn smollm2_sums_hold_in_every_layer_at_every_position() {
    check_real(SMOLLM2, "smollm2/p5.json");
}

#[test]
fn gemma3_sums_hold_in_every_layer_at_every_position() {
    check_real(GEMMA3, "gemma3/p3.json");
}
