//! LayerNorm and RMSNorm of one row, and their transposes. Sums run over sixteen lanes in a fixed order.

use crate::model_spec::{NormKind, NormSpec};

const LANES: usize = 16;

/// Sum of `f` over the values of three rows, in an order that depends on their length only.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], c: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..LANES {
            lanes[lane] += f(a[lane], b[lane], c[lane]);
        }
    }
    let mut total: f64 = lanes.iter().map(|&lane| f64::from(lane)).sum();
    for ((a, b), c) in a_rest.iter().zip(b_rest).zip(c_rest) {
        total += f64::from(f(*a, *b, *c));
    }
    total as f32
}

#[cfg(test)]
mod tests;

/// Mean (0 for RMSNorm) and `1 / denominator` of a row; NaN where squares are beyond f32, for a norm of 0 would hide that.
#[inline(always)]
fn statistics(x: &[f32], spec: NormSpec) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = match spec.kind {
        NormKind::LayerNorm => {
            sum(
                x,
                x,
                x,
                #[inline(always)]
                |x, _, _| x,
            ) / n
        }
        NormKind::RmsNorm => 0.0,
    };
    let squares = sum(
        x,
        x,
        x,
        #[inline(always)]
        |x, _, _| (x - mean) * (x - mean),
    );
    let mean_square = f64::from(squares / n);
    let scale =
        if mean_square.is_finite() { 1.0 / (mean_square + spec.eps).sqrt() } else { f64::NAN };
    (mean, scale as f32)
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
pub fn backward(
    x: &[f32],
    weight: &[f32],
    g: &[f32],
    spec: NormSpec,
    is_linear: bool,
    out: &mut [f32],
) {
    let n = x.len();
    let (mean, scale) = statistics(x, spec);
    let mean_u = match spec.kind {
        NormKind::LayerNorm => {
            sum(
                weight,
                g,
                x,
                #[inline(always)]
                |w, g, _| w * g,
            ) * scale
                / n as f32
        }
        NormKind::RmsNorm => 0.0,
    };
    let along = if is_linear {
        0.0
    } else {
        let dot = sum(
            weight,
            g,
            x,
            #[inline(always)]
            |w, g, x| w * g * (x - mean),
        );
        dot * scale * scale / n as f32
    };
    for (((out, w), g), x) in out.iter_mut().zip(weight).zip(g).zip(x) {
        *out = w * g * scale - mean_u - along * (x - mean) * scale;
    }
}
