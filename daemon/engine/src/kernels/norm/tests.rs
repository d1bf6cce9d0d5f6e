//! Norms of one row against the definition in f64, and their transposes against differences of that definition.

use crate::kernels::norm::{backward, forward};
use crate::model_spec::{NormKind, NormSpec};
use proptest::prelude::{ProptestConfig, any, prop, proptest};

const KINDS: [NormKind; 2] = [NormKind::LayerNorm, NormKind::RmsNorm];

fn spec(kind: NormKind, eps: f64) -> NormSpec {
    NormSpec { kind, eps, plus_one: false }
}

fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|value| f64::from(*value)).collect()
}

fn centred(x: &[f64], kind: NormKind) -> Vec<f64> {
    let mean = match kind {
        NormKind::LayerNorm => x.iter().sum::<f64>() / x.len() as f64,
        NormKind::RmsNorm => 0.0,
    };
    x.iter().map(|x| x - mean).collect()
}

fn denominator(x: &[f64], spec: NormSpec) -> f64 {
    let squares: f64 = centred(x, spec.kind).iter().map(|x| x * x).sum();
    (squares / x.len() as f64 + spec.eps).sqrt()
}

/// `w (x - mean) / denominator`, the denominator live or given.
fn plain(x: &[f64], w: &[f64], spec: NormSpec, frozen: Option<f64>) -> Vec<f64> {
    let denominator = frozen.unwrap_or_else(|| denominator(x, spec));
    centred(x, spec.kind).iter().zip(w).map(|(x, w)| w * x / denominator).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn size(row: &[f64]) -> f64 {
    row.iter().fold(0.0, |max, value| max.max(value.abs()))
}

fn close(got: &[f32], want: &[f64], scale: f64, what: &str) {
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(error <= 3e-6 * scale, "{what} {at}: {error:e} of {scale:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_row_is_normed_as_defined(
        quads in prop::collection::vec((-1f32..1.0, -2f32..2.0, -2f32..2.0, -2f32..2.0), 2..150),
        offset in -4f32..4.0,
        size_exponent in -3i32..5,
        has_bias in any::<bool>(),
        which in 0usize..2,
    ) {
        let n = quads.len();
        // One outlier, as residual streams have them, and no row without spread.
        let mut x: Vec<f32> = quads.iter().map(|q| (q.0 + offset) * 10f32.powi(size_exponent)).collect();
        x[n / 2] += 3.0 * 10f32.powi(size_exponent);
        let column = |pick: fn(&(f32, f32, f32, f32)) -> f32| -> Vec<f32> { quads.iter().map(pick).collect() };
        let (w, b, g) = (column(|q| q.1), column(|q| q.2), column(|q| q.3));
        let spec = spec(KINDS[which], 1e-6);
        let (x64, w64, g64) = (wide(&x), wide(&w), wide(&g));
        let bias = has_bias.then_some(b.as_slice());

        let mut got = vec![0f32; n];
        forward(&x, &w, bias, spec, &mut got);
        let mut want = plain(&x64, &w64, spec, None);
        for (want, b) in want.iter_mut().zip(&b).take(if has_bias { n } else { 0 }) {
            *want += f64::from(*b);
        }
        // Centring loses what the offset is larger than the spread.
        let r = denominator(&x64, spec);
        let lost = size(&x64) / r;
        close(&got, &want, 2.0 * lost + size(&want), "forward");

        for is_linear in [false, true] {
            backward(&x, &w, &g, spec, is_linear, &mut got);
            let frozen = is_linear.then_some(r);
            let h = 1e-5 * r;
            let want: Vec<f64> = (0..n)
                .map(|at| {
                    let moved = |by: f64| {
                        let mut x = x64.clone();
                        x[at] += by;
                        dot(&plain(&x, &w64, spec, frozen), &g64)
                    };
                    (moved(h) - moved(-h)) / (2.0 * h)
                })
                .collect();
            close(&got, &want, (1.0 + lost) * (size(&w64) * size(&g64) / r).max(size(&want)), "backward");
        }
    }
}

#[test]
fn rows_without_spread_are_their_bias() {
    for kind in KINDS {
        let (x, w, b) = ([0f32; 21], [1.5f32; 21], [0.25f32; 21]);
        let mut out = [f32::NAN; 21];
        forward(&x, &w, Some(&b), spec(kind, 1e-5), &mut out);
        assert_eq!(out, b);
        backward(&x, &w, &[1.0; 21], spec(kind, 1e-5), false, &mut out);
        assert!(out.iter().all(|g| g.is_finite()), "{kind:?} {out:?}");
    }
}

#[test]
fn what_is_not_finite_or_too_large_is_never_a_zero() {
    for kind in KINDS {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e30] {
            let mut x = [0.5f32; 40];
            x[33] = value;
            let mut out = [0f32; 40];
            forward(&x, &[1.0; 40], None, spec(kind, 1e-5), &mut out);
            assert!(out.iter().all(|y| y.is_nan()), "{kind:?} {value} {out:?}");
        }
    }
}
