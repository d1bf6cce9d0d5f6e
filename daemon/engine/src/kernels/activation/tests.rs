//! Non-linearities and slopes against their definitions in f64, and the accuracy that their documentation states.

use crate::kernels::activation::{
    activate, erf, exp, ratio, ratio_times, slope, slope_times, tanh,
};
use crate::model_spec::Activation;
use proptest::prelude::{ProptestConfig, prop, proptest};

const ALL: [Activation; 4] =
    [Activation::Silu, Activation::GeluTanh, Activation::GeluErf, Activation::Relu];

/// `erf x` by its series, which loses at most nine digits to cancellation below 4; beyond, it is 1 to eight digits.
fn exact_erf(x: f64) -> f64 {
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..120 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

/// The definitions.
fn exact(x: f64, activation: Activation) -> f64 {
    match activation {
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::GeluTanh => {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::GeluErf => 0.5 * x * (1.0 + exact_erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::Relu => x.max(0.0),
    }
}

/// The slope, by differences of the definition where that is exact enough.
fn exact_slope(x: f64, activation: Activation) -> f64 {
    if activation == Activation::GeluErf {
        let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        return 0.5 * (1.0 + exact_erf(x * std::f64::consts::FRAC_1_SQRT_2)) + x * density;
    }
    let h = 1e-5;
    (exact(x + h, activation) - exact(x - h, activation)) / (2.0 * h)
}

/// Every `step`-th float between two positive ones, and its negative.
fn floats(from: f32, to: f32, step: usize) -> impl Iterator<Item = f32> {
    let positive = (from.to_bits()..to.to_bits()).step_by(step).map(f32::from_bits);
    positive.flat_map(|x| [x, -x])
}

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    let mut worst = 0f64;
    for x in floats(1e-8, 87.0, 257) {
        let want = f64::from(x).exp();
        // The distance between neighbouring floats at the wanted value.
        let unit = 2f64.powi((want.log2().floor() as i32).max(-126) - 23);
        worst = worst.max((f64::from(exp(x)) - want).abs() / unit);
    }
    assert!(worst <= 2.0, "{worst}");
}

#[test]
fn exp_stays_at_its_limits_and_hands_on_what_is_not_a_number() {
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(f32::NEG_INFINITY), exp(-87.0));
    assert_eq!(exp(f32::INFINITY), exp(87.0));
    assert!(exp(-87.0) > 0.0 && exp(87.0).is_finite());
    for activation in ALL {
        let mut out = [0f32];
        activate(&[f32::NAN], None, activation, &mut out);
        assert!(out[0].is_nan(), "{activation:?}");
    }
}

#[test]
fn erf_is_within_its_stated_error() {
    let mut worst = 0f64;
    for x in floats(1e-8, 30.0, 1009) {
        worst = worst.max((f64::from(erf(x)) - exact_erf(f64::from(x))).abs());
    }
    assert!(worst <= 5e-7, "{worst:e}");
    for x in [1e-30f32, 1e-10, 1e-4] {
        let slope = f64::from(erf(-x)) / -f64::from(x);
        assert!((slope - std::f64::consts::FRAC_2_SQRT_PI).abs() < 1e-6, "{x}");
    }
}

#[test]
fn tanh_is_within_its_stated_error() {
    let mut worst = 0f64;
    for x in floats(1e-8, 60.0, 1009) {
        worst = worst.max((f64::from(tanh(x)) - f64::from(x).tanh()).abs());
    }
    assert!(worst <= 2e-7, "{worst:e}");
}

#[test]
fn activations_slopes_and_ratios_match_their_definitions() {
    for activation in ALL {
        let (mut worst, mut worst_slope, mut worst_ratio) = (0f64, 0f64, 0f64);
        for x in floats(1e-6, 40.0, 6007) {
            let (mut out, wide) = ([0f32], f64::from(x));
            activate(&[x], None, activation, &mut out);
            let want = exact(wide, activation);
            worst = worst.max((f64::from(out[0]) - want).abs() / (1.0 + want.abs()));
            worst_ratio = worst_ratio.max((f64::from(ratio(x, activation)) - want / wide).abs());
            // At its corner a ReLU has no slope to compare with.
            if activation != Activation::Relu || x.abs() > 1e-4 {
                let want = exact_slope(wide, activation);
                worst_slope = worst_slope.max((f64::from(slope(x, activation)) - want).abs());
            }
        }
        assert!(worst < 1e-6, "{activation:?} {worst:e}");
        assert!(worst_slope < 2e-6, "{activation:?} slope {worst_slope:e}");
        assert!(worst_ratio < 1e-6, "{activation:?} ratio {worst_ratio:e}");
    }
}

#[test]
fn slopes_at_zero_are_the_stated_ones() {
    for (activation, want) in [
        (Activation::Silu, 0.5),
        (Activation::GeluTanh, 0.5),
        (Activation::GeluErf, 0.5),
        (Activation::Relu, 0.0),
    ] {
        let mut out = [f32::NAN];
        ratio_times(&[0.0], &[1.0], activation, &mut out);
        assert_eq!(out[0], want, "{activation:?}");
        slope_times(&[0.0], None, &[1.0], activation, &mut out);
        assert_eq!(out[0], want, "{activation:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn rows_are_their_elements_times_what_stands_beside_them(
        triples in prop::collection::vec((-12f32..12.0, -3f32..3.0, -3f32..3.0), 0..70),
        which in 0usize..4,
    ) {
        let activation = ALL[which];
        let column = |pick: fn(&(f32, f32, f32)) -> f32| -> Vec<f32> { triples.iter().map(pick).collect() };
        let (pre, up, g) = (column(|t| t.0), column(|t| t.1), column(|t| t.2));
        let mut rows = vec![vec![0f32; pre.len()]; 5];
        activate(&pre, None, activation, &mut rows[0]);
        activate(&pre, Some(&up), activation, &mut rows[1]);
        slope_times(&pre, None, &g, activation, &mut rows[2]);
        slope_times(&pre, Some(&up), &g, activation, &mut rows[3]);
        ratio_times(&pre, &g, activation, &mut rows[4]);
        for at in 0..pre.len() {
            let (x, up, g) = (f64::from(pre[at]), f64::from(up[at]), f64::from(g[at]));
            let (act, slope) = (exact(x, activation), f64::from(slope(pre[at], activation)));
            let ratio = if x == 0.0 { exact_slope(x, activation) } else { act / x };
            let wants = [act, act * up, g * slope, g * up * slope, g * ratio];
            for (row, want) in rows.iter().zip(wants) {
                let error = (f64::from(row[at]) - want).abs();
                assert!(error < 4e-6 * (1.0 + want.abs()), "{activation:?} {x}: {error:e}");
            }
        }
    }
}
