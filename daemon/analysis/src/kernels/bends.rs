//! Where the contribution measure of a whole stops being linear. With `a = p * sign(y)` a part's raw share is
//! `sum_i min(a_i, 2|y_i| - a_i) = sum_i a_i - 2 sum_i max(0, a_i - |y_i|)`: a plain dot product, less a correction from
//! the few dimensions in which the part is larger than the whole. The dimensions are kept in bins by how small a part
//! must be to stay below them all, so that a correction looks at those few, or is bounded without looking.

/// Bins in an octave: `2^BITS`.
const BITS: u32 = 3;
const N_BINS: usize = 256;

/// The dimensions of one whole, smallest first.
#[derive(Clone, Debug)]
pub struct Bends {
    /// Dimension, `sign(y) * factor` and `|y|`, by bin.
    dims: Vec<(u32, f32, f32)>,
    /// Where each bin ends in `dims`.
    ends: Vec<u32>,
    /// Largest correction of a part whose values are in each bin or below.
    bounds: Vec<f32>,
    /// What is taken off a value's leading bits to get its bin.
    offset: u32,
}

impl Bends {
    /// `signs` is `sign(y) * factor`, `twice` is `2|y|`, both `[d_model]`.
    #[inline(always)]
    pub fn new(signs: &[f32], twice: &[f32]) -> Self {
        let mut smallest: Vec<f32> = Vec::with_capacity(signs.len());
        // A dimension that the factor blanks never bends.
        smallest.extend(signs.iter().zip(twice).map(|(sign, twice)| {
            if *sign == 0.0 { f32::INFINITY } else { 0.5 * twice / sign.abs() }
        }));
        let largest = smallest
            .iter()
            .fold(f32::MIN_POSITIVE, |max, &w| if w.is_finite() { max.max(w) } else { max });
        let offset = (largest.to_bits() >> (23 - BITS)).saturating_sub(N_BINS as u32 - 1);
        let mut bends = Self {
            dims: vec![(0, 0.0, 0.0); signs.len()],
            ends: vec![0; N_BINS],
            bounds: vec![0.0; N_BINS],
            offset,
        };
        let mut counts = [0u32; N_BINS];
        let (mut slopes, mut sizes) = ([0f32; N_BINS], [0f32; N_BINS]);
        for ((w, sign), twice) in smallest.iter().zip(signs).zip(twice) {
            if w.is_finite() {
                let bin = bends.bin(*w);
                counts[bin] += 1;
                slopes[bin] += sign.abs();
                sizes[bin] += 0.5 * twice;
            }
        }
        let (mut end, mut slope, mut size) = (0, 0.0, 0.0);
        for bin in 0..N_BINS {
            let edge = f32::from_bits((offset + bin as u32 + 1) << (23 - BITS));
            slope += slopes[bin];
            size += sizes[bin];
            bends.bounds[bin] = (2.0 * (edge * slope - size)).max(0.0);
            // First where the bin starts; filling moves it to where it ends.
            bends.ends[bin] = end;
            end += counts[bin];
        }
        for (dim, ((w, sign), twice)) in smallest.iter().zip(signs).zip(twice).enumerate() {
            if w.is_finite() {
                let bin = bends.bin(*w);
                bends.dims[bends.ends[bin] as usize] = (dim as u32, *sign, 0.5 * twice);
                bends.ends[bin] += 1;
            }
        }
        bends
    }

    #[inline(always)]
    fn bin(&self, value: f32) -> usize {
        ((value.to_bits() >> (23 - BITS)).saturating_sub(self.offset) as usize).min(N_BINS - 1)
    }

    /// The size up to which a part's correction is at most `allowed`: largest absolute value, factor not applied.
    #[inline(always)]
    pub fn size_within(&self, allowed: f32) -> f32 {
        let bins = self.bounds.partition_point(|bound| *bound <= allowed) as u32;
        // The lower edge of the first bin that is too much; the lowest bin has none.
        if bins == 0 { 0.0 } else { f32::from_bits((self.offset + bins) << (23 - BITS)) }
    }

    /// How many dimensions can bend for a part of this size.
    #[inline(always)]
    pub fn n_below(&self, size: f32) -> usize {
        self.ends[self.bin(size)] as usize
    }

    /// `2 sum_i max(0, scale * part_i * sign(y_i) * factor_i - |y_i|)` over the first `n` dimensions.
    #[inline(always)]
    pub fn correction(&self, part: &[f32], scale: f32, n: usize) -> f32 {
        let mut sum = 0f32;
        for &(dim, sign, size) in &self.dims[..n] {
            let beyond = scale * part[dim as usize] * sign - size;
            sum += if beyond > 0.0 { beyond } else { 0.0 };
        }
        2.0 * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::proximity::{FLOOR, Whole};
    use proptest::prelude::{prop, proptest};

    proptest! {
        #[test]
        fn linear_part_less_correction_is_the_measure(
            triples in prop::collection::vec((-9f32..9.0, -9f32..9.0, -2f32..2.0), 1..100),
            scale in 0f32..1.5,
            smaller in -12i32..1,
        ) {
            let factor: Vec<f32> = triples.iter().map(|t| if t.2.abs() < 0.1 { 0.0 } else { t.2 }).collect();
            let y: Vec<f32> = triples.iter().map(|t| t.0).collect();
            let part: Vec<f32> = triples.iter().map(|t| t.1 * 2f32.powi(smaller)).collect();
            let whole = Whole::new(&y, Some(&factor));
            let bends = Bends::new(whole.signs(), whole.twice());
            let size = scale * part.iter().fold(0f32, |max, p| max.max(p.abs()));
            let correction = bends.correction(&part, scale, bends.n_below(size));
            let linear: f64 = part.iter().zip(whole.signs()).map(|(p, s)| f64::from(scale * p * s)).sum();
            let (got, want) = ((linear - f64::from(correction)).max(FLOOR), whole.raw(&part, scale));
            assert!((got - want).abs() < 1e-4 * (1.0 + want), "{got} {want}");
            // What is allowed is never exceeded.
            let allowed = 0.01 * linear.abs() as f32;
            if size < bends.size_within(allowed) {
                assert!(correction <= allowed * 1.0001 + 1e-6, "{correction} {allowed}");
            }
        }
    }
}
