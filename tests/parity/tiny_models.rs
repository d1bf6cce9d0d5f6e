//! Tiny random models of every family: every golden tensor, both spellings of config.json, both ways through the engine.

use crate::tolerances;
use limpid_analysis::contributions::{
    attention_contributions, mlp_contributions, neuron_contributions,
};
use limpid_engine::{
    backward::{LayerGradient, Seed},
    error::EngineError,
    hook_name::Hook,
    model_pool::Loaded,
    norm::Gradients,
    pos_tensor::to_host,
    trace::Trace,
};
use limpid_tests::{
    Tensors, golden, max_difference, relative_difference,
    tiny::{CONFIGS, FAMILIES, Tiny},
    trace, watched, way_name, ways,
};

/// Runs `check` on every family, config and way.
fn on_all(check: impl Fn(&str, &Loaded, &Trace, &Tensors)) {
    for family in FAMILIES {
        let tensors = Tensors::open(&golden(&format!("tiny/{family}/golden.safetensors")));
        for config in CONFIGS {
            for compute in ways() {
                let loaded = Tiny::with_config(family, config).load(&compute);
                let trace = trace(&loaded, &tensors.input_ids());
                let name = format!("{family} {config} {}", way_name(&compute));
                check(&name, &loaded, &trace, &tensors);
            }
        }
    }
}

fn close(name: &str, what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    let worst = max_difference(got, want);
    assert!(worst <= tolerance, "{name} {what}: {worst:e} > {tolerance:e}");
}

#[test]
fn activations_and_logits_are_the_golden_ones() {
    on_all(|name, loaded, trace, tensors| {
        let n_layers = loaded.model.spec.n_layers;
        for layer in 0..n_layers {
            let activations = trace.layer(layer, &loaded.model).unwrap();
            for (hook, key, tolerance) in [
                (Hook::ResidPre, "resid_pre", tolerances::TINY_RESID),
                (Hook::Pattern, "pattern", tolerances::TINY_PATTERN),
                (Hook::AttnOut, "attn_out", tolerances::TINY_RESID),
                (Hook::ResidMid, "resid_mid", tolerances::TINY_RESID),
                (Hook::MlpOut, "mlp_out", tolerances::TINY_RESID),
                (Hook::ResidPost, "resid_post", tolerances::TINY_RESID),
            ] {
                let got = hook.values(&loaded.model, trace, layer, &activations).unwrap();
                let want = tensors.values(&format!("layers.{layer}.{key}"));
                close(name, &hook.name(layer), &got, &want, tolerance);
            }
        }
        let resid = trace.resid_after(n_layers).tensor().unwrap();
        let logits = to_host(&loaded.model.logits(&resid).unwrap()).unwrap();
        close(name, "logits", &logits, &tensors.values("logits"), tolerances::TINY_LOGITS);
    });
}

#[test]
fn contributions_are_the_golden_ones() {
    on_all(|name, loaded, trace, tensors| {
        let model = &loaded.model;
        let positions: Vec<usize> = (0..trace.n_tokens()).collect();
        for layer in 0..model.spec.n_layers {
            let attention = attention_contributions(model, trace, layer, &positions).unwrap();
            let mlp = mlp_contributions(model, trace, layer, &positions).unwrap();
            let neurons = neuron_contributions(model, trace, layer, trace.n_tokens() - 1).unwrap();
            for (key, got) in [
                ("attn_contribution", attention.attn()),
                ("attn_resid_contribution", attention.resid()),
                ("mlp_contribution", mlp.mlp()),
                ("mlp_resid_contribution", mlp.resid()),
                ("neuron_contribution", &neurons.neurons),
                ("neuron_resid_contribution", &[neurons.resid]),
            ] {
                let want = tensors.values(&format!("layers.{layer}.{key}"));
                close(name, key, got, &want, tolerances::CONTRIBUTION);
            }
            let want = tensors.values(&format!("layers.{layer}.neuron_activation"));
            close(name, "neuron_activation", &neurons.activations, &want, tolerances::TINY_RESID);
        }
    });
}

#[test]
fn shares_sum_to_one() {
    on_all(|name, loaded, trace, _| {
        let positions: Vec<usize> = (0..trace.n_tokens()).collect();
        for layer in 0..loaded.model.spec.n_layers {
            let shares = attention_contributions(&loaded.model, trace, layer, &positions).unwrap();
            let per_position = trace.n_tokens() * loaded.model.spec.n_heads;
            for (attn, resid) in shares.attn().chunks(per_position).zip(shares.resid()) {
                let sum: f32 = attn.iter().sum::<f32>() + resid;
                assert!((sum - 1.0).abs() < 1e-5, "{name} layer {layer}: {sum}");
            }
        }
    });
}

#[test]
fn gradients_are_the_golden_ones() {
    on_all(|name, loaded, trace, _| {
        let family = name.split(' ').next().unwrap();
        let want = Tensors::open(&golden(&format!("tiny/{family}/golden_grad.safetensors")));
        let (seed, _) = seeds(loaded, trace);
        let mut worst = (0f32, String::new());
        let mut observe = |layer: usize, g: LayerGradient<'_>| -> Result<(), EngineError> {
            for (key, got) in [("resid_pre", g.resid_pre), ("z", g.z), ("post", g.post)] {
                let want = want.values(&format!("layers.{layer}.{key}_grad"));
                let got = to_host(got)?;
                // In the top layer only the target's row is walked; the others are zero.
                let mut all = vec![0.0; want.len() - got.len()];
                all.extend(got);
                let difference = relative_difference(&all, &want);
                if difference > worst.0 {
                    worst = (difference, format!("layer {layer} {key}"));
                }
            }
            Ok(())
        };
        watched(|watch| {
            loaded.model.backward(trace, &[seed], Gradients::True, watch, Some(&mut observe))
        })
        .unwrap();
        assert!(worst.0 <= tolerances::TINY_GRADIENT, "{name} {worst:?}");
    });
}

/// Seeds of log P of the top token, and of top minus runner-up, at the last position.
fn seeds(loaded: &Loaded, trace: &Trace) -> (Seed, (Seed, f64)) {
    use limpid_analysis::{
        objective::{Objective, ObjectiveKind},
        vocabulary::top,
    };
    let position = trace.n_tokens() - 1;
    let resid = trace.resid_after(loaded.model.spec.n_layers).narrow(position, 1).unwrap();
    let logits = to_host(&loaded.model.logits(&resid.tensor().unwrap()).unwrap()).unwrap();
    let best = top(&logits, 2);
    let objective = |kind| Objective { position, target: best[0].0, foil: Some(best[1].0), kind };
    let (_, logprob) = objective(ObjectiveKind::LogProb).value_and_seed(&logits);
    let (value, difference) = objective(ObjectiveKind::LogitDiff).value_and_seed(&logits);
    (logprob, (difference, value))
}

#[test]
fn linear_gradients_and_biases_complete_a_difference_of_logits() {
    on_all(|name, loaded, trace, _| {
        let (_, (seed, value)) = seeds(loaded, trace);
        let gradient =
            watched(|watch| loaded.model.backward(trace, &[seed], Gradients::Linear, watch, None))
                .unwrap();
        let embedding = to_host(&trace.resid_after(0).tensor().unwrap()).unwrap();
        let g = to_host(&gradient.embedding).unwrap();
        let terms: Vec<f64> =
            embedding.iter().zip(&g).map(|(e, g)| f64::from(*e) * f64::from(*g)).collect();
        let scale: f64 = terms.iter().map(|term| term.abs()).sum::<f64>() + gradient.biases.abs();
        let error = (terms.iter().sum::<f64>() + gradient.biases - value).abs() / scale;
        assert!(error <= tolerances::COMPLETENESS, "{name}: {error:e}");
    });
}

#[test]
fn attention_parts_and_bias_sum_to_the_whole() {
    on_all(|name, loaded, trace, _| {
        let model = &loaded.model;
        let d = model.spec.d_model;
        for layer in 0..model.spec.n_layers {
            let activations = trace.layer(layer, model).unwrap();
            let block = &model.blocks[layer];
            let mut sum = vec![0f32; trace.n_tokens() * d];
            for head in 0..model.spec.n_heads {
                let inputs = head * model.spec.d_head..(head + 1) * model.spec.d_head;
                let z = activations.z.columns(inputs.start, inputs.len()).unwrap();
                let part = block.w_o.forward_inputs(&z.tensor().unwrap(), inputs).unwrap();
                for (sum, part) in sum.iter_mut().zip(to_host(&part).unwrap()) {
                    *sum += part;
                }
            }
            if let Some(bias) = block.w_o.section_bias(0).unwrap() {
                for row in sum.chunks_exact_mut(d) {
                    for (sum, bias) in row.iter_mut().zip(&bias.host) {
                        *sum += bias;
                    }
                }
            }
            let whole = to_host(&activations.attn_raw.tensor().unwrap()).unwrap();
            let error = relative_difference(&sum, &whole);
            assert!(error <= tolerances::SUM_RULE, "{name} layer {layer}: {error:e}");
        }
    });
}
