//! The linear rules, checked without gradients: a forward pass whose patterns, norm denominators and gates are frozen at a
//! clean run's values is linear in the residual stream, so a step of any size changes it by exactly what linear gradients
//! say. Written here in loops over f64, from the trace and the weights only. *Source*: the attribution definitions, section 4.

use crate::gradients::{Place, Walked, narrow, noise, tensor, wide};
use candle_core::DType;
use limpid_engine::{
    backward::Seed,
    block::Block,
    device::Compute,
    linear::Linear,
    model::Model,
    model_spec::{Activation, NormKind},
    norm::{Gradients, Norm},
    pos_tensor::PosTensor,
    trace::Trace,
};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace,
};

/// Relative to the sum of absolute terms.
const EXACT: f64 = 1e-12;
/// The same where gradients are f32.
const SINGLE: f64 = 2e-6;

pub(crate) type Rows = Vec<Vec<f64>>;

pub(crate) fn rows(x: &PosTensor) -> Rows {
    wide(&x.tensor().unwrap()).chunks(x.n_cols()).map(<[f64]>::to_vec).collect()
}

pub(crate) fn add(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

/// `x W^T + b`, in f64.
pub(crate) fn linear(linear: &Linear, x: &Rows) -> Rows {
    let y = linear.forward(&tensor(x.concat(), linear.k())).unwrap();
    wide(&y).chunks(linear.n()).map(<[f64]>::to_vec).collect()
}

pub(crate) fn act(x: f64, activation: Activation) -> f64 {
    match activation {
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Activation::Relu => x.max(0.0),
        Activation::GeluErf => panic!("no tiny model has it"),
    }
}

/// A norm whose denominators are constants, one per row.
struct FrozenNorm<'a> {
    norm: &'a Norm,
    denominators: Vec<f64>,
}

impl<'a> FrozenNorm<'a> {
    fn new(norm: &'a Norm, x: &Rows) -> Self {
        let denominators = x
            .iter()
            .map(|row| {
                let squares: f64 = Self::centred(norm, row).iter().map(|x| x * x).sum();
                (squares / row.len() as f64 + norm.spec.eps).sqrt()
            })
            .collect();
        Self { norm, denominators }
    }

    fn centred(norm: &Norm, row: &[f64]) -> Vec<f64> {
        let mean = match norm.spec.kind {
            NormKind::LayerNorm => row.iter().sum::<f64>() / row.len() as f64,
            NormKind::RmsNorm => 0.0,
        };
        row.iter().map(|x| x - mean).collect()
    }

    fn of(&self, x: &Rows) -> Rows {
        let bias = |at: usize| self.norm.bias.as_ref().map_or(0.0, |bias| f64::from(bias.host[at]));
        x.iter()
            .zip(&self.denominators)
            .map(|(row, denominator)| {
                let centred = Self::centred(self.norm, row).into_iter().zip(&self.norm.weight.host);
                let normed = centred.map(|(x, w)| x / denominator * f64::from(*w)).enumerate();
                normed.map(|(at, y)| y + bias(at)).collect()
            })
            .collect()
    }
}

/// Each row normed by its own denominator.
pub(crate) fn normed(norm: &Norm, x: &Rows) -> Rows {
    FrozenNorm::new(norm, x).of(x)
}

/// One layer, linear.
struct FrozenLayer<'a> {
    block: &'a Block,
    norm_attn: FrozenNorm<'a>,
    /// `[head][query][key]`
    patterns: Vec<Rows>,
    post_attn_norm: Option<FrozenNorm<'a>>,
    norm_mlp: FrozenNorm<'a>,
    /// What the up half, or the pre-activation, is multiplied by: `[pos][d_mlp]`.
    gates: Rows,
    post_mlp_norm: Option<FrozenNorm<'a>>,
}

/// The forward pass, linear.
struct Frozen<'a> {
    model: &'a Model,
    layers: Vec<FrozenLayer<'a>>,
    final_norm: FrozenNorm<'a>,
}

impl<'a> Frozen<'a> {
    fn new(model: &'a Model, trace: &Trace) -> Self {
        let layers = (0..model.spec.n_layers).map(|layer| {
            let (of, block) = (trace.layer(layer, model).unwrap(), &model.blocks[layer]);
            let spec = &model.spec;
            let gate = |row: Vec<f64>| -> Vec<f64> {
                let pre = row[..spec.d_mlp].iter();
                let gate =
                    |x: &f64| act(*x, spec.activation) / if spec.gated_mlp { 1.0 } else { *x };
                pre.map(gate).collect()
            };
            let norm = |norm: &'a Option<Norm>, x: &PosTensor| {
                norm.as_ref().map(|norm| FrozenNorm::new(norm, &rows(x)))
            };
            FrozenLayer {
                block,
                norm_attn: FrozenNorm::new(&block.norm_attn, &rows(&of.resid_pre)),
                patterns: patterns(model, layer, &rows(&of.q), &rows(&of.k)),
                post_attn_norm: norm(&block.post_attn_norm, &of.attn_raw),
                norm_mlp: FrozenNorm::new(&block.norm_mlp, &rows(&of.resid_mid)),
                gates: rows(&of.mlp_in).into_iter().map(gate).collect(),
                post_mlp_norm: norm(&block.post_mlp_norm, &of.mlp_raw),
            }
        });
        let last = trace.resid_after(model.spec.n_layers);
        Self {
            model,
            layers: layers.collect(),
            final_norm: FrozenNorm::new(&model.final_norm, &rows(last)),
        }
    }

    /// Logits from the residual entering `layer`, with `added` to a place of that layer.
    fn logits(&self, layer: usize, resid_pre: &Rows, place: Place, added: &Rows) -> Rows {
        let mut resid = resid_pre.clone();
        if place == Place::ResidPre {
            resid = add(&resid, added);
        }
        for at in layer..self.layers.len() {
            let added = |here: Place| (at == layer && place == here).then_some(added);
            resid = self.block(at, &resid, added(Place::Z), added(Place::Post));
        }
        linear(&self.model.unembed, &self.final_norm.of(&resid))
    }

    fn block(
        &self,
        layer: usize,
        resid: &Rows,
        to_z: Option<&Rows>,
        to_post: Option<&Rows>,
    ) -> Rows {
        let (of, spec) = (&self.layers[layer], &self.model.spec);
        let qkv = linear(&of.block.qkv, &of.norm_attn.of(resid));
        let v: Rows = qkv.iter().map(|row| row[spec.d_q() + spec.d_kv()..].to_vec()).collect();
        let mut z = vec![vec![0f64; spec.d_q()]; resid.len()];
        for (head, pattern) in of.patterns.iter().enumerate() {
            let column = head / spec.group_size() * spec.d_head;
            for (z, weights) in z.iter_mut().zip(pattern) {
                for (weight, v) in weights.iter().zip(&v) {
                    for at in 0..spec.d_head {
                        z[head * spec.d_head + at] += weight * v[column + at];
                    }
                }
            }
        }
        if let Some(added) = to_z {
            z = add(&z, added);
        }
        let normed = |norm: &Option<FrozenNorm<'_>>, x: Rows| match norm {
            Some(norm) => norm.of(&x),
            None => x,
        };
        let mid = add(resid, &normed(&of.post_attn_norm, linear(&of.block.w_o, &z)));
        let up = linear(&of.block.mlp_in, &of.norm_mlp.of(&mid));
        let mut post: Rows = up
            .iter()
            .zip(&of.gates)
            .map(|(up, gates)| {
                up[up.len() - spec.d_mlp..].iter().zip(gates).map(|(up, gate)| up * gate).collect()
            })
            .collect();
        if let Some(added) = to_post {
            post = add(&post, added);
        }
        add(&mid, &normed(&of.post_mlp_norm, linear(&of.block.w_out, &post)))
    }
}

/// Scaled products of queries and keys, minus infinity where masked: `[head * n_queries + query][key]`.
pub(crate) fn scores(model: &Model, layer: usize, q: &Rows, k: &Rows) -> Rows {
    let spec = &model.spec;
    let (d, window) = (spec.d_head, spec.layers[layer].window.unwrap_or(usize::MAX));
    let row = |head: usize, query: usize| -> Vec<f64> {
        let q = &q[query][head * d..][..d];
        let score = |key: usize| {
            if key > query || query - key >= window {
                return f64::NEG_INFINITY;
            }
            let k = &k[key][head / spec.group_size() * d..][..d];
            q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>() * spec.attention_scale
        };
        (0..k.len()).map(score).collect()
    };
    (0..spec.n_heads)
        .flat_map(|head| (0..q.len()).map(move |query| (head, query)))
        .map(|(head, query)| row(head, query))
        .collect()
}

/// Softmax of one row; 0 where it is minus infinity.
pub(crate) fn softmax(scores: &[f64]) -> Vec<f64> {
    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - max).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Softmax of masked scores, `[head][query][key]`.
pub(crate) fn patterns(model: &Model, layer: usize, q: &Rows, k: &Rows) -> Vec<Rows> {
    let weights: Rows = scores(model, layer, q, k).iter().map(|row| softmax(row)).collect();
    weights.chunks(q.len()).map(<[Vec<f64>]>::to_vec).collect()
}

/// Random gradients at the logits of two positions: an objective that is linear, but like no other.
fn seeds(model: &Model, positions: [usize; 2]) -> Vec<Seed> {
    let seed =
        |position| Seed { position, g_logits: narrow(&noise(model.spec.d_vocab, position as u64)) };
    positions.map(seed).to_vec()
}

fn value(seeds: &[Seed], logits: &Rows) -> f64 {
    let dot = |seed: &Seed| -> f64 {
        let pairs = seed.g_logits.iter().zip(&logits[seed.position]);
        pairs.map(|(g, logit)| f64::from(*g) * logit).sum()
    };
    seeds.iter().map(dot).sum()
}

fn check(family: &str, compute: &Compute, tolerance: f64) {
    let tiny = Tiny::open(family);
    let exact = tiny.load(&Compute::cpu_plain(DType::F64));
    let (model, clean) = (&exact.model, trace(&exact, &tiny.ids()));
    let frozen = Frozen::new(model, &clean);
    let n_tokens = clean.n_tokens();
    let seeds = seeds(model, [n_tokens / 2, n_tokens - 1]);

    let loaded = tiny.load(compute);
    let walked =
        Walked::new(&loaded.model, &trace(&loaded, &tiny.ids()), &seeds, Gradients::Linear);
    for layer in 0..model.spec.n_layers {
        let resid_pre = rows(clean.resid_after(layer));
        for place in Place::ALL {
            let n_cols = match place {
                Place::ResidPre => model.spec.d_model,
                Place::Z => model.spec.d_q(),
                Place::Post => model.spec.d_mlp,
            };
            let zeros: Rows = vec![vec![0f64; n_cols]; n_tokens];
            let before = value(&seeds, &frozen.logits(layer, &resid_pre, place, &zeros));
            let gradient = walked.at(layer, place, n_tokens - 1, (n_tokens, n_cols));
            for size in [0.1, 30.0] {
                let step: Vec<f64> = noise(zeros.len() * n_cols, layer as u64);
                let step: Vec<f64> = step.into_iter().map(|value| size * value).collect();
                let step_rows: Rows = step.chunks(n_cols).map(<[f64]>::to_vec).collect();
                let after = value(&seeds, &frozen.logits(layer, &resid_pre, place, &step_rows));
                let terms: Vec<f64> = step.iter().zip(&gradient).map(|(s, g)| s * g).collect();
                let scale: f64 = terms.iter().map(|term| term.abs()).sum();
                let error =
                    (after - before - terms.iter().sum::<f64>()).abs() / (scale + before.abs());
                assert!(error <= tolerance, "{family} {layer} {place:?} {size}: {error:e}");
            }
        }
    }
    // Without any input, what is left of the linear pass is its biases.
    let nothing = vec![vec![0f64; model.spec.d_model]; n_tokens];
    let biases = value(&seeds, &frozen.logits(0, &nothing, Place::ResidPre, &nothing));
    let error = (biases - walked.gradient.biases).abs() / (1.0 + biases.abs());
    assert!(error <= tolerance, "{family} biases {biases} {}: {error:e}", walked.gradient.biases);
}

#[test]
fn the_frozen_pass_starts_as_the_model_itself() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let exact = tiny.load(&Compute::cpu_plain(DType::F64));
        let clean = trace(&exact, &tiny.ids());
        let resid_pre = rows(clean.resid_after(0));
        let zeros = vec![vec![0f64; exact.model.spec.d_model]; resid_pre.len()];
        let frozen =
            Frozen::new(&exact.model, &clean).logits(0, &resid_pre, Place::ResidPre, &zeros);
        let last = clean.resid_after(exact.model.spec.n_layers).tensor().unwrap();
        for (got, want) in frozen.concat().iter().zip(wide(&exact.model.logits(&last).unwrap())) {
            assert!((got - want).abs() <= 1e-10, "{family}: {got} {want}");
        }
    }
}

#[test]
fn linear_gradients_predict_a_step_of_any_size_in_f64() {
    for family in FAMILIES {
        check(family, &Compute::cpu_plain(DType::F64), EXACT);
    }
}

#[test]
fn linear_gradients_predict_a_step_of_any_size_on_both_f32_ways() {
    for family in FAMILIES {
        check(family, &Compute::cpu(), SINGLE);
        check(family, &Compute::cpu_plain(DType::F32), SINGLE);
    }
}
