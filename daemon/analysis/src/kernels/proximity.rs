//! The contribution measure: how much nearer a part brings its whole, in L1, in the form without cancellation.
//! *Source*: Information Flow Routes, arXiv 2403.00824, section 2; `|y|_1 - |y - p|_1 = sum_i min(a_i, 2|y_i| - a_i)` with
//! `a = p * sign(y)`.

use pulp::{Arch, Simd, WithSimd};

/// No part counts for less.
pub const FLOOR: f64 = 1e-5;
const LANES: usize = 16;

/// A whole, prepared: signs (times what every part is multiplied by) and twice the absolute values.
#[derive(Clone, Debug)]
pub struct Whole {
    /// `sign(y) * factor`, `[d_model]`.
    signs: Vec<f32>,
    /// `2 |y|`, `[d_model]`.
    twice: Vec<f32>,
}

impl Whole {
    /// `factor`: what every part is multiplied by element-wise (a frozen post norm).
    pub fn new(y: &[f32], factor: Option<&[f32]>) -> Self {
        let sign = |y: f32| if y < 0.0 { -1.0 } else { 1.0 };
        let signs = match factor {
            Some(factor) => y.iter().zip(factor).map(|(y, f)| sign(*y) * f).collect(),
            None => y.iter().map(|y| sign(*y)).collect(),
        };
        Self { signs, twice: y.iter().map(|y| 2.0 * y.abs()).collect() }
    }

    /// `sign(y) * factor`, `[d_model]`.
    pub fn signs(&self) -> &[f32] {
        &self.signs
    }

    /// The signs alone.
    pub fn into_signs(self) -> Vec<f32> {
        self.signs
    }

    /// `2 |y|`, `[d_model]`.
    pub fn twice(&self) -> &[f32] {
        &self.twice
    }

    /// `max(|y|_1 - |y - scale * part|_1, 1e-5)`.
    ///
    /// *Units*: those of the residual stream. *Cost*: five operations a dimension.
    #[inline(always)]
    pub fn raw(&self, part: &[f32], scale: f32) -> f64 {
        let sum =
            Arch::new().dispatch(Nearer { part, signs: &self.signs, twice: &self.twice, scale });
        f64::from(sum).max(FLOOR)
    }

    /// Adds the terms of `width` dimensions from `first` on for every neuron: `weights` is a panel `[neuron][48]`.
    pub fn add_panel(
        &self,
        first: usize,
        width: usize,
        weights: &[f32],
        activations: &[f32],
        sums: &mut [[f32; LANES]],
    ) {
        let mut signs = [0f32; 48];
        let mut twice = [0f32; 48];
        signs[..width].copy_from_slice(&self.signs[first..first + width]);
        twice[..width].copy_from_slice(&self.twice[first..first + width]);
        let (weights, _) = weights.as_chunks::<48>();
        for ((weights, activation), sums) in weights.iter().zip(activations).zip(sums) {
            for group in 0..3 {
                for lane in 0..LANES {
                    let at = group * LANES + lane;
                    sums[lane] += nearer(activation * weights[at] * signs[at], twice[at]);
                }
            }
        }
    }
}

/// The sum of [`nearer`] over all dimensions, in wide registers.
struct Nearer<'a> {
    part: &'a [f32],
    signs: &'a [f32],
    twice: &'a [f32],
    scale: f32,
}

impl WithSimd for Nearer<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (parts, part_rest) = S::as_simd_f32s(self.part);
        let (signs, sign_rest) = S::as_simd_f32s(self.signs);
        let (twices, twice_rest) = S::as_simd_f32s(self.twice);
        let scale = simd.splat_f32s(self.scale);
        let term = |part, sign, twice| {
            let a = simd.mul_f32s(simd.mul_f32s(scale, part), sign);
            simd.min_f32s(a, simd.sub_f32s(twice, a))
        };
        // Four sums side by side: one alone would wait for its own last addition.
        let mut sums = [simd.splat_f32s(0.0); 4];
        let (part_fours, part_left) = parts.as_chunks::<4>();
        let (sign_fours, sign_left) = signs.as_chunks::<4>();
        let (twice_fours, twice_left) = twices.as_chunks::<4>();
        for ((part, sign), twice) in part_fours.iter().zip(sign_fours).zip(twice_fours) {
            for at in 0..4 {
                sums[at] = simd.add_f32s(sums[at], term(part[at], sign[at], twice[at]));
            }
        }
        for ((&part, &sign), &twice) in part_left.iter().zip(sign_left).zip(twice_left) {
            sums[0] = simd.add_f32s(sums[0], term(part, sign, twice));
        }
        let pairs = (simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
        let mut sum = simd.reduce_sum_f32s(simd.add_f32s(pairs.0, pairs.1));
        for ((part, sign), twice) in part_rest.iter().zip(sign_rest).zip(twice_rest) {
            sum += nearer(self.scale * part * sign, *twice);
        }
        sum
    }
}

#[inline(always)]
fn nearer(a: f32, twice: f32) -> f32 {
    let beyond = twice - a;
    if a < beyond { a } else { beyond }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, proptest};

    /// The definition, in f64.
    fn literal(y: &[f32], part: &[f32], scale: f32) -> f64 {
        let norm: f64 = y.iter().map(|y| f64::from(y.abs())).sum();
        let rest: f64 = y
            .iter()
            .zip(part)
            .map(|(y, p)| (f64::from(*y) - f64::from(scale) * f64::from(*p)).abs())
            .sum();
        (norm - rest).max(FLOOR)
    }

    proptest! {
        #[test]
        fn the_form_without_cancellation_is_the_definition(
            pairs in prop::collection::vec((-9f32..9.0, -9f32..9.0), 1..100),
            scale in 0f32..1.5,
        ) {
            let (y, part): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (got, want) = (Whole::new(&y, None).raw(&part, scale), literal(&y, &part, scale));
            assert!((got - want).abs() < 1e-5 * (1.0 + want), "{got} {want}");
        }
    }

    #[test]
    fn a_part_that_is_the_whole_counts_whole() {
        let y = [3.0, -4.0, 0.0];
        assert_eq!(Whole::new(&y, None).raw(&y, 1.0), 7.0);
        assert_eq!(Whole::new(&y, None).raw(&[-3.0, 4.0, 1.0], 1.0), FLOOR);
    }
}
