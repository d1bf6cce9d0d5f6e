//! Non-linearities and their slopes, element by element, written so that the compiler vectorises them.

use crate::model_spec::Activation;

#[cfg(test)]
mod tests;

/// Beyond it, on either side, `exp` would leave the range of normal numbers: it stays at its value here.
const EXP_LIMIT: f32 = 87.0;
/// Adding and subtracting it rounds to a whole number.
const ROUND: f32 = 12_582_912.0;

/// `e^x`, within 2 units in the last place between -87 and 87, clamped outside.
///
/// *Source*: Cody-Waite reduction by ln 2 and a polynomial of degree 6 (as in Cephes).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-EXP_LIMIT, EXP_LIMIT);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4f32;
    p = p.mul_add(r, 1.398_199_9e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 0.166_666_66);
    p = p.mul_add(r, 0.5);
    let e = (p * r).mul_add(r, r) + 1.0;
    e * f32::from_bits(((shifted.to_bits() << 23).wrapping_add(127 << 23)) & 0x7f80_0000)
}

/// `tanh x` within 2e-7 absolute, by way of [`exp`]; the series near 0.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let e = exp(2.0 * x.abs());
    let t = 1.0 - 2.0 / (e + 1.0);
    let small = x * (1.0 - x * x * (1.0 / 3.0 - x * x * (2.0 / 15.0)));
    if x.abs() < 0.05 { small } else { t.copysign(x) }
}

/// `erf x` within 5e-7 absolute, and the right sign and slope at 0.
///
/// *Source*: Abramowitz and Stegun 7.1.26; the series near 0.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / 0.327_591_1f32.mul_add(a, 1.0);
    let mut p = 1.061_405_4f32;
    p = p.mul_add(t, -1.453_152);
    p = p.mul_add(t, 1.421_413_7);
    p = p.mul_add(t, -0.284_496_74);
    p = p.mul_add(t, 0.254_829_6);
    let far = 1.0 - p * t * exp(-a * a);
    let square = a * a;
    let near = a
        * std::f32::consts::FRAC_2_SQRT_PI
        * (1.0 - square * (1.0 / 3.0 - square * (0.1 - square * (1.0 / 42.0 - square / 216.0))));
    (if a < 0.5 { near } else { far }).copysign(x)
}

const TANH_SCALE: f32 = 0.797_884_6;
const TANH_CUBIC: f32 = 0.044_715;
const DENSITY_AT_0: f32 = 0.398_942_3;

/// `act(x) / x`, continuous at 0 (ReLU: 0 there).
#[inline(always)]
fn ratio(x: f32, activation: Activation) -> f32 {
    match activation {
        Activation::Silu => 1.0 / (1.0 + exp(-x)),
        Activation::GeluTanh => 0.5 + 0.5 * tanh(TANH_SCALE * x * (TANH_CUBIC * x).mul_add(x, 1.0)),
        Activation::GeluErf => 0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2),
        Activation::Relu => f32::from(x > 0.0),
    }
}

/// `act'(x)`
#[inline(always)]
fn slope(x: f32, activation: Activation) -> f32 {
    let r = ratio(x, activation);
    match activation {
        Activation::Silu => r * (1.0 - r).mul_add(x, 1.0),
        Activation::GeluTanh => {
            let t = 2.0 * r - 1.0;
            let inner = TANH_SCALE * (3.0 * TANH_CUBIC * x).mul_add(x, 1.0);
            r + 0.5 * x * (1.0 - t * t) * inner
        }
        Activation::GeluErf => r + x * DENSITY_AT_0 * exp(-0.5 * x * x),
        Activation::Relu => r,
    }
}

/// Runs `body` with the activation as a constant, so that its loop has no branch.
macro_rules! each_activation {
    ($activation:expr, $name:ident => $body:expr) => {
        match $activation {
            Activation::Silu => {
                const $name: Activation = Activation::Silu;
                $body
            }
            Activation::GeluTanh => {
                const $name: Activation = Activation::GeluTanh;
                $body
            }
            Activation::GeluErf => {
                const $name: Activation = Activation::GeluErf;
                $body
            }
            Activation::Relu => {
                const $name: Activation = Activation::Relu;
                $body
            }
        }
    };
}

/// `out = act(pre)`, times `up` where there is one. One row.
#[inline(always)]
pub fn activate(pre: &[f32], up: Option<&[f32]>, activation: Activation, out: &mut [f32]) {
    each_activation!(activation, ACT => match up {
        Some(up) => for ((out, x), up) in out.iter_mut().zip(pre).zip(up) {
            *out = x * ratio(*x, ACT) * up;
        },
        None => for (out, x) in out.iter_mut().zip(pre) {
            *out = x * ratio(*x, ACT);
        },
    });
}

/// `g_pre = g act'(pre)`, times `up` where there is one. One row.
#[inline(always)]
pub fn slope_times(
    pre: &[f32],
    up: Option<&[f32]>,
    g: &[f32],
    activation: Activation,
    out: &mut [f32],
) {
    each_activation!(activation, ACT => match up {
        Some(up) => for (((out, x), up), g) in out.iter_mut().zip(pre).zip(up).zip(g) {
            *out = g * up * slope(*x, ACT);
        },
        None => for ((out, x), g) in out.iter_mut().zip(pre).zip(g) {
            *out = g * slope(*x, ACT);
        },
    });
}

/// `g act(pre) / pre`: the linear rule of a plain MLP. One row.
#[inline(always)]
pub fn ratio_times(pre: &[f32], g: &[f32], activation: Activation, out: &mut [f32]) {
    each_activation!(activation, ACT => for ((out, x), g) in out.iter_mut().zip(pre).zip(g) {
        *out = g * ratio(*x, ACT);
    });
}
