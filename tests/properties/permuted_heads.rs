//! Heads have no order: a model whose heads are listed in another one has the same residuals, and every number about heads
//! moves with its head.

use crate::gradients::wide;
use limpid_analysis::{
    contributions::attention_contributions, route_build::grow, route_prune::Prune,
};
use limpid_engine::{
    backward::Seed, cancel::CancelToken, device::Compute, model_pool::Loaded, norm::Gradients,
    trace::Trace,
};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace, watched,
};

/// Head `i` of the permuted model is head `ORDER[i]` of the model; heads that share keys stay together.
const ORDER: [usize; 4] = [3, 2, 0, 1];

/// Blocks of `width` in another order.
fn reordered(values: &mut [f32], width: usize, order: &[usize]) {
    let from = values.to_vec();
    for (to, block) in values.chunks_exact_mut(width).zip(order) {
        to.copy_from_slice(&from[block * width..(block + 1) * width]);
    }
}

/// The model with its heads in [`ORDER`].
fn permuted(family: &str) -> Tiny {
    let tiny = Tiny::open(family);
    let spec = tiny.load(&Compute::cpu()).model.spec;
    let (d_head, d_model, d_q) = (spec.d_head, spec.d_model, spec.d_q());
    let groups: Vec<usize> =
        ORDER.iter().step_by(spec.group_size()).map(|head| head / spec.group_size()).collect();
    let mut permuted = tiny;
    for layer in 0..spec.n_layers {
        if family == "gpt2" {
            let name = |tail: &str| format!("transformer.h.{layer}.attn.{tail}");
            // Stored `[in, q heads then k heads then v heads]`: every input's row is three lists of heads.
            let thirds = |values: &mut [f32]| {
                values.chunks_exact_mut(d_q).for_each(|heads| reordered(heads, d_head, &ORDER));
            };
            permuted = permuted.change(&name("c_attn.weight"), thirds);
            permuted = permuted.change(&name("c_attn.bias"), thirds);
            permuted =
                permuted.change(&name("c_proj.weight"), |w| reordered(w, d_head * d_model, &ORDER));
            continue;
        }
        let name = |module: &str| format!("model.layers.{layer}.self_attn.{module}_proj.weight");
        permuted = permuted.change(&name("q"), |w| reordered(w, d_head * d_model, &ORDER));
        for module in ["k", "v"] {
            permuted = permuted.change(&name(module), |w| reordered(w, d_head * d_model, &groups));
        }
        permuted = permuted.change(&name("o"), |w| {
            w.chunks_exact_mut(d_q).for_each(|row| reordered(row, d_head, &ORDER));
        });
    }
    permuted
}

fn close(name: &str, got: f32, want: f32, tolerance: f32) {
    assert!((got - want).abs() <= tolerance * (1.0 + want.abs()), "{name}: {got} {want}");
}

/// Scores of heads from both passes, `[layer][head]` each.
fn head_scores(loaded: &Loaded, trace: &Trace) -> [Vec<Vec<f32>>; 2] {
    [Gradients::True, Gradients::Linear].map(|gradients| {
        let mut g_logits = vec![0f32; loaded.model.spec.d_vocab];
        (g_logits[11], g_logits[30]) = (1.0, -1.0);
        let seeds = [Seed { position: trace.n_tokens() - 1, g_logits }];
        watched(|watch| loaded.model.backward(trace, &seeds, gradients, watch, None)).unwrap().heads
    })
}

#[test]
fn permuting_heads_permutes_shares_scores_and_flows() {
    for family in FAMILIES {
        let (plain, other) = (Tiny::open(family), permuted(family));
        let (a, b) = (plain.load(&Compute::cpu()), other.load(&Compute::cpu()));
        let (trace_a, trace_b) = (trace(&a, &plain.ids()), trace(&b, &plain.ids()));
        let spec = &a.model.spec;
        let (n_heads, last) = (spec.n_heads, trace_a.n_tokens() - 1);

        let resid =
            [&trace_a, &trace_b].map(|t| wide(&t.resid_after(spec.n_layers).tensor().unwrap()));
        for (a, b) in resid[0].iter().zip(&resid[1]) {
            close(family, *b as f32, *a as f32, 2e-5);
        }
        let (scores_a, scores_b) = (head_scores(&a, &trace_a), head_scores(&b, &trace_b));
        let flows = |loaded: &Loaded, trace: &Trace| {
            let growth = Prune::DEFAULT.growth();
            grow(&loaded.model, trace, last, growth, &CancelToken::default()).unwrap().head_flows
        };
        let (flows_a, flows_b) = (flows(&a, &trace_a), flows(&b, &trace_b));
        for layer in 0..spec.n_layers {
            let shares = |loaded: &Loaded, trace: &Trace| {
                attention_contributions(&loaded.model, trace, layer, &[last]).unwrap()
            };
            let (shares_a, shares_b) = (shares(&a, &trace_a), shares(&b, &trace_b));
            close(family, shares_b.resid()[0], shares_a.resid()[0], 1e-5);
            for (head, from) in ORDER.into_iter().enumerate() {
                for key in 0..=last {
                    let (at, from) = (key * n_heads + head, key * n_heads + from);
                    close(family, shares_b.attn()[at], shares_a.attn()[from], 1e-5);
                }
                close(family, flows_b[layer][head], flows_a[layer][from], 1e-3);
                for pass in 0..2 {
                    close(family, scores_b[pass][layer][head], scores_a[pass][layer][from], 1e-4);
                }
            }
        }
    }
}
