//! A forward pass in f64, written here in loops over the weights, that calls a hook wherever a value may be changed: what the
//! engine's interventions are held against. It knows nothing of batches, of clean runs, or of where a change begins.

use crate::{
    frozen_forward::{Rows, act, add, linear, normed, scores, softmax},
    gradients::wide,
};
use candle_core::DType;
use limpid_engine::{device::Compute, hook_name::Hook, model::Model, norm::Norm};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace,
};

/// Where the hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// Scores after masks and before the softmax: `[head * n_pos + query][key]`.
    Scores,
    /// At what the engine names; a pattern is `[head * n_pos + query][key]`, all others are `[pos][columns]`.
    At(Hook),
}

/// Told the layer, the place and the values there, which it may change.
pub(crate) type Hooked<'a> = &'a mut dyn FnMut(usize, Point, &mut Rows);

/// Logits of every position, `[pos][d_vocab]`, of a model in f64.
pub(crate) fn forward(model: &Model, ids: &[u32], hooked: Hooked<'_>) -> Rows {
    let embedded = wide(&model.embed(ids, 0).unwrap());
    let mut resid: Rows = embedded.chunks(model.spec.d_model).map(<[f64]>::to_vec).collect();
    for layer in 0..model.spec.n_layers {
        resid = block(model, layer, resid, hooked);
    }
    linear(&model.unembed, &normed(&model.final_norm, &resid))
}

fn block(model: &Model, layer: usize, mut resid: Rows, hooked: Hooked<'_>) -> Rows {
    let (of, spec) = (&model.blocks[layer], &model.spec);
    let mut at = |hook: Hook, x: &mut Rows| hooked(layer, Point::At(hook), x);
    at(Hook::ResidPre, &mut resid);
    let qkv = linear(&of.qkv, &normed(&of.norm_attn, &resid));
    let (d_q, d_kv) = (spec.d_q(), spec.d_kv());
    let mut q = turned(model, layer, of.q_norm.as_ref(), &columns(&qkv, 0, d_q));
    at(Hook::Q, &mut q);
    let mut k = turned(model, layer, of.k_norm.as_ref(), &columns(&qkv, d_q, d_kv));
    at(Hook::K, &mut k);
    let mut v = columns(&qkv, d_q + d_kv, d_kv);
    at(Hook::V, &mut v);
    let mut masked = scores(model, layer, &q, &k);
    hooked(layer, Point::Scores, &mut masked);
    let mut pattern: Rows = masked.iter().map(|row| softmax(row)).collect();

    let mut at = |hook: Hook, x: &mut Rows| hooked(layer, Point::At(hook), x);
    at(Hook::Pattern, &mut pattern);
    let mut z = mixed(model, &pattern, &v);
    at(Hook::Z, &mut z);
    let norm_if = |norm: &Option<Norm>, x: Rows| match norm {
        Some(norm) => normed(norm, &x),
        None => x,
    };
    let mut attn_out = norm_if(&of.post_attn_norm, linear(&of.w_o, &z));
    at(Hook::AttnOut, &mut attn_out);
    let mut mid = add(&resid, &attn_out);
    at(Hook::ResidMid, &mut mid);

    let mlp_in = linear(&of.mlp_in, &normed(&of.norm_mlp, &mid));
    let mut pre = columns(&mlp_in, 0, spec.d_mlp);
    at(Hook::Pre, &mut pre);
    let mut post: Rows =
        pre.iter().map(|row| row.iter().map(|x| act(*x, spec.activation)).collect()).collect();
    if spec.gated_mlp {
        let mut up = columns(&mlp_in, spec.d_mlp, spec.d_mlp);
        at(Hook::PreLinear, &mut up);
        for (post, up) in post.iter_mut().flatten().zip(up.iter().flatten()) {
            *post *= up;
        }
    }
    at(Hook::Post, &mut post);
    let mut mlp_out = norm_if(&of.post_mlp_norm, linear(&of.w_out, &post));
    at(Hook::MlpOut, &mut mlp_out);
    let mut resid_post = add(&mid, &mlp_out);
    at(Hook::ResidPost, &mut resid_post);
    resid_post
}

fn columns(x: &Rows, start: usize, n: usize) -> Rows {
    x.iter().map(|row| row[start..start + n].to_vec()).collect()
}

/// Every head normed, then its pairs `(i, i + d_rotary / 2)` turned by the angles of its row's position.
fn turned(model: &Model, layer: usize, norm: Option<&Norm>, x: &Rows) -> Rows {
    let spec = &model.spec;
    let mut x = x.clone();
    if let Some(norm) = norm {
        let by_head = |row: Vec<f64>| -> Vec<f64> {
            normed(norm, &row.chunks(spec.d_head).map(<[f64]>::to_vec).collect()).concat()
        };
        x = x.into_iter().map(by_head).collect();
    }
    let Some(rotary) = spec.layers[layer].rotary else { return x };
    let frequencies = spec.rotaries[rotary].frequencies();
    for (position, row) in x.iter_mut().enumerate() {
        for head in row.chunks_mut(spec.d_head) {
            for (pair, frequency) in frequencies.iter().enumerate() {
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                let (a, b) = (head[pair], head[pair + frequencies.len()]);
                head[pair] = a * cos - b * sin;
                head[pair + frequencies.len()] = b * cos + a * sin;
            }
        }
    }
    x
}

/// Pattern times values: `[pos][n_heads * d_head]`.
fn mixed(model: &Model, pattern: &Rows, v: &Rows) -> Rows {
    let (spec, n_pos) = (&model.spec, v.len());
    let mut z = vec![vec![0f64; spec.d_q()]; n_pos];
    for (row, weights) in pattern.iter().enumerate() {
        let (head, query) = (row / n_pos, row % n_pos);
        let z = &mut z[query][head * spec.d_head..][..spec.d_head];
        for (weight, v) in weights.iter().zip(v) {
            let v = &v[head / spec.group_size() * spec.d_head..][..spec.d_head];
            z.iter_mut().zip(v).for_each(|(z, v)| *z += weight * v);
        }
    }
    z
}

#[test]
fn untouched_it_gives_every_activation_and_logit_of_the_engine() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu_plain(DType::F64));
        let (model, ids) = (&loaded.model, tiny.ids());
        let trace = trace(&loaded, &ids);
        let mut n_seen = 0;
        let logits = forward(model, &ids, &mut |layer, point, x| {
            let Point::At(hook) = point else { return };
            n_seen += 1;
            let of = trace.layer(layer, model).unwrap();
            let values = hook.values(model, &trace, layer, &of).unwrap();
            assert_eq!(values.len(), x.iter().map(Vec::len).sum::<usize>());
            for (got, want) in x.iter().flatten().zip(&values) {
                let error = (got - f64::from(*want)).abs() / (1.0 + got.abs());
                assert!(error <= 1e-7, "{family} {}: {got} {want}", hook.name(layer));
            }
        });
        let n_hooks = Hook::ALL.iter().filter(|hook| hook.exists_in(&model.spec)).count();
        assert_eq!(n_seen, n_hooks * model.spec.n_layers, "{family}: each hook once a layer");
        let last = trace.resid_after(model.spec.n_layers).tensor().unwrap();
        for (got, want) in logits.concat().iter().zip(wide(&model.logits(&last).unwrap())) {
            assert!((got - want).abs() <= 1e-10, "{family}: {got} {want}");
        }
    }
}
