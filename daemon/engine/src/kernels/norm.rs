//! LayerNorm and RMSNorm of one row, and their transposes. Sums run over sixteen lanes in a fixed order.

use crate::model_spec::{NormKind, NormSpec};

const LANES: usize = 16;

/// Sum of `f` over a row, in an order that depends on its length only.
#[inline(always)]
fn sum(n: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let whole = n / LANES * LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(start + lane);
        }
        start += LANES;
    }
    let mut total: f64 = lanes.iter().map(|&lane| f64::from(lane)).sum();
    for at in whole..n {
        total += f64::from(f(at));
    }
    total as f32
}

/// Mean (0 for RMSNorm) and `1 / denominator` of a row.
#[inline(always)]
fn statistics(x: &[f32], spec: NormSpec) -> (f32, f32) {
    let n = x.len();
    let mean = match spec.kind {
        NormKind::LayerNorm => sum(n, |i| x[i]) / n as f32,
        NormKind::RmsNorm => 0.0,
    };
    let mean_square = sum(n, |i| (x[i] - mean) * (x[i] - mean)) / n as f32;
    (mean, (1.0 / (f64::from(mean_square) + spec.eps).sqrt()) as f32)
}

/// `out = w (x - mean) / denominator + b`
#[inline(always)]
pub fn forward(x: &[f32], weight: &[f32], bias: Option<&[f32]>, spec: NormSpec, out: &mut [f32]) {
    let (mean, scale) = statistics(x, spec);
    for ((out, x), w) in out.iter_mut().zip(x).zip(weight) {
        *out = (x - mean) * scale * w;
    }
    if let Some(bias) = bias {
        for (out, b) in out.iter_mut().zip(bias) {
            *out += b;
        }
    }
}

/// `g_x` from `g`; with `is_linear` the denominator is a constant.
#[inline(always)]
pub fn backward(x: &[f32], weight: &[f32], g: &[f32], spec: NormSpec, is_linear: bool, out: &mut [f32]) {
    let n = x.len();
    let (x, weight, g, out) = (&x[..n], &weight[..n], &g[..n], &mut out[..n]);
    let (mean, scale) = statistics(x, spec);
    let mean_u = match spec.kind {
        NormKind::LayerNorm => sum(n, |i| weight[i] * g[i]) * scale / n as f32,
        NormKind::RmsNorm => 0.0,
    };
    let along = if is_linear {
        0.0
    } else {
        sum(n, |i| weight[i] * g[i] * (x[i] - mean)) * scale * scale / n as f32
    };
    for i in 0..n {
        out[i] = weight[i] * g[i] * scale - mean_u - along * (x[i] - mean) * scale;
    }
}
