//! Scores of heads, neurons and tokens are what their definitions say of the gradients of the same pass, and direct logit
//! attributions sum to the difference of logits. *Source*: the attribution definitions, sections 2 and 3.

use crate::{
    frozen_forward::{Rows, patterns, rows},
    gradients::{Place, Walked, logits, narrow, objective, tensor, wide},
    sums::with_every_bias,
};
use candle_core::DType;
use limpid_analysis::{
    attribution::{Attributions, Method},
    objective::ObjectiveKind,
};
use limpid_engine::{
    device::Compute, mlp::post, model::Model, model_spec::NormKind, norm::Gradients, trace::Trace,
};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace, watched,
};

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn close(name: &str, got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{name}");
    let largest = want.iter().fold(1e-6f64, |max, value| max.max(value.abs()));
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs() / largest;
        assert!(error <= 1e-6, "{name} {at}: {got} {want}");
    }
}

/// `g . x` summed over rows in pieces of `width` columns, and its term of one row.
fn products(g: &[f64], x: &[f64], n_cols: usize, width: usize, row: usize) -> [Vec<f64>; 2] {
    let of_row = |row: usize| -> Vec<f64> {
        let here = row * n_cols..(row + 1) * n_cols;
        let pieces = g[here.clone()].chunks(width).zip(x[here].chunks(width));
        pieces.map(|(g, x)| dot(g, x)).collect()
    };
    let mut sum = vec![0f64; n_cols / width];
    for row in 0..g.len() / n_cols {
        for (sum, term) in sum.iter_mut().zip(of_row(row)) {
            *sum += term;
        }
    }
    [sum, of_row(row)]
}

/// `- sum over layers, heads, queries > i of A / max(1 - A, 0.01) g_z . (z - v_i)`.
fn knock_out(model: &Model, trace: &Trace, walked: &Walked, last: usize) -> Vec<f64> {
    let (spec, n_tokens) = (&model.spec, trace.n_tokens());
    let d = spec.d_head;
    let mut out = vec![0f64; n_tokens];
    for layer in 0..spec.n_layers {
        let of = trace.layer(layer, model).unwrap();
        let (z, v): (Rows, Rows) = (rows(&of.z), rows(&of.v));
        let g_z = walked.at(layer, Place::Z, last, (n_tokens, spec.d_q()));
        for (head, pattern) in patterns(model, layer, &rows(&of.q), &rows(&of.k)).iter().enumerate()
        {
            let kv = head / spec.group_size() * d;
            for query in 0..n_tokens {
                let z = &z[query][head * d..(head + 1) * d];
                let g = &g_z[query * spec.d_q() + head * d..][..d];
                for key in 0..query {
                    let weight = pattern[query][key];
                    let others: f64 = (0..n_tokens)
                        .filter(|other| *other != key)
                        .map(|k| pattern[query][k])
                        .sum();
                    let difference = dot(g, z) - dot(g, &v[key][kv..kv + d]);
                    out[key] -= weight / others.max(0.01) * difference;
                }
            }
        }
    }
    out
}

#[test]
fn heads_neurons_and_tokens_have_the_scores_of_their_gradients() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu_plain(DType::F64));
        let (model, trace) = (&loaded.model, trace(&loaded, &tiny.ids()));
        let n_tokens = trace.n_tokens();
        let all = logits(model, &trace.resid_after(model.spec.n_layers).tensor().unwrap());
        for position in [n_tokens / 2, n_tokens - 1] {
            let objective = objective(&all, position, ObjectiveKind::LogOdds);
            let seeds = [objective.value_and_seed(&narrow(&all[position])).1];
            for gradients in [Gradients::True, Gradients::Linear] {
                let walked = Walked::new(model, &trace, &seeds, gradients);
                let name = format!("{family} {position} {gradients:?}");
                close(
                    &name,
                    &walked.gradient.knock_out,
                    &knock_out(model, &trace, &walked, position),
                );
                for layer in 0..model.spec.n_layers {
                    let of = trace.layer(layer, model).unwrap();
                    let (d_q, d_mlp) = (model.spec.d_q(), model.spec.d_mlp);
                    let g_z = walked.at(layer, Place::Z, position, (n_tokens, d_q));
                    let z = wide(&of.z.tensor().unwrap());
                    let [sum, at] = products(&g_z, &z, d_q, model.spec.d_head, position);
                    close(&name, &walked.gradient.heads[layer], &sum);
                    close(&name, &walked.gradient.heads_at_target[layer], &at);
                    if gradients == Gradients::Linear {
                        assert!(walked.gradient.neurons[layer].is_empty(), "{name}");
                        continue;
                    }
                    let g_post = walked.at(layer, Place::Post, position, (n_tokens, d_mlp));
                    let mlp = model.block_shape(layer).mlp;
                    let posts =
                        wide(&post(&of.mlp_in.tensor().unwrap(), mlp, model.compute.way).unwrap());
                    let [sum, at] = products(&g_post, &posts, d_mlp, 1, position);
                    close(&name, &walked.gradient.neurons[layer], &sum);
                    close(&name, &walked.gradient.neurons_at_target[layer], &at);
                }
            }
        }
    }
}

/// What a part of the last residual at a position adds to a difference of logits, the final norm frozen.
fn written(model: &Model, part: &[f64], denominator: f64, g_logits: &[f32]) -> f64 {
    let mean = match model.spec.norm.kind {
        NormKind::LayerNorm => part.iter().sum::<f64>() / part.len() as f64,
        NormKind::RmsNorm => 0.0,
    };
    let weights = &model.final_norm.weight.host;
    let normed: Vec<f64> =
        part.iter().zip(weights).map(|(x, w)| (x - mean) / denominator * f64::from(*w)).collect();
    let logits = wide(&model.unembed.forward(&tensor(normed, part.len())).unwrap());
    let g: Vec<f64> = g_logits.iter().map(|g| f64::from(*g)).collect();
    dot(&logits, &g)
}

#[test]
fn direct_logit_attributions_and_biases_sum_to_the_difference_of_logits() {
    for family in FAMILIES {
        let tiny = with_every_bias(family);
        let loaded = tiny.load(&Compute::cpu_plain(DType::F64));
        let (model, trace) = (&loaded.model, trace(&loaded, &tiny.ids()));
        let all = logits(model, &trace.resid_after(model.spec.n_layers).tensor().unwrap());
        for position in [trace.n_tokens() / 2, trace.n_tokens() - 1] {
            let objective = objective(&all, position, ObjectiveKind::LogitDiff);
            let row = narrow(&all[position]);
            let (_, seed) = objective.value_and_seed(&row);
            let got =
                watched(|watch| Attributions::new(model, &trace, objective, &row, watch)).unwrap();
            let last = &rows(trace.resid_after(model.spec.n_layers))[position];
            let is_centred = model.spec.norm.kind == NormKind::LayerNorm;
            let mean = if is_centred { last.iter().sum::<f64>() / last.len() as f64 } else { 0.0 };
            let squares: f64 = last.iter().map(|x| (x - mean) * (x - mean)).sum();
            let denominator = (squares / last.len() as f64 + model.spec.norm.eps).sqrt();
            let written = |part: &[f64]| written(model, part, denominator, &seed.g_logits);

            let sum =
                |values: &[f32]| -> f64 { values.iter().map(|value| f64::from(*value)).sum() };
            let (mut heads, mut biases) = (written(&rows(trace.resid_after(0))[position]), 0f64);
            for layer in 0..model.spec.n_layers {
                let (of, block) = (trace.layer(layer, model).unwrap(), &model.blocks[layer]);
                let at = |x: &limpid_engine::pos_tensor::PosTensor| rows(x)[position].clone();
                // A bias counts as it is added to the residual: through the frozen post norm, where there is one.
                let bias = |linear: &limpid_engine::linear::Linear,
                            norm: &Option<limpid_engine::norm::Norm>,
                            raw| {
                    let bias = linear
                        .section_bias(0)
                        .unwrap()
                        .map_or_else(|| vec![0f32; model.spec.d_model], |bias| bias.host);
                    let factor = norm.as_ref().map_or_else(
                        || vec![1f64; model.spec.d_model],
                        |norm| {
                            wide(&norm.frozen_factor(&tensor(at(raw), model.spec.d_model)).unwrap())
                        },
                    );
                    written(
                        &bias
                            .iter()
                            .zip(factor)
                            .map(|(b, f)| f64::from(*b) * f)
                            .collect::<Vec<_>>(),
                    )
                };
                biases += bias(&block.w_o, &block.post_attn_norm, &of.attn_raw);
                let mlp = written(&at(&of.mlp_out));
                heads += sum(&got.head_logits[layer]) + mlp;
                let neurons = sum(&got.neuron_logits[layer])
                    + bias(&block.w_out, &block.post_mlp_norm, &of.mlp_raw);
                assert!(
                    (neurons - mlp).abs() < 1e-5 * (1.0 + mlp.abs()),
                    "{family} {layer}: {neurons} {mlp}"
                );
            }
            if let Some(bias) = &model.final_norm.bias {
                let bias =
                    tensor(bias.host.iter().map(|b| f64::from(*b)).collect(), model.spec.d_model);
                let g: Vec<f64> = seed.g_logits.iter().map(|g| f64::from(*g)).collect();
                biases += dot(&wide(&model.unembed.forward(&bias).unwrap()), &g);
            }
            let tokens = sum(&got.tokens(Method::LogitAttribution, &[]));
            for (what, parts) in [("heads", heads), ("tokens", tokens)] {
                let error = (parts + biases - got.value).abs() / (1.0 + got.value.abs());
                assert!(
                    error < 1e-5,
                    "{family} {position} {what}: {parts} + {biases} = {}",
                    got.value
                );
            }
        }
    }
}
