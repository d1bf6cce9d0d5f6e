//! Small products inside attention: rows against a slab `[k][width]`, sums in registers over the whole of k, in order.

use pulp::{NullaryFnOnce, Simd};

#[cfg(test)]
mod tests;

/// Rows whose sums are in registers at once.
const ROWS: usize = 8;
/// Lanes of the widest register.
const MOST_LANES: usize = 16;

/// How the left-hand rows lie in memory.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    /// Each row's k values side by side, rows `stride` apart.
    ByRow(usize),
    /// The rows' values of one k side by side, k's `stride` apart.
    ByInner(usize),
}

/// `out[r, c] (+)= sum_k x[r, k] slab[k, c]`.
pub(super) struct SlabProduct<'a> {
    /// Left-hand values from the first row's first on.
    pub(super) x: &'a [f32],
    /// How they lie.
    pub(super) left: Left,
    /// How many rows.
    pub(super) n_rows: usize,
    /// Inner length.
    pub(super) k: usize,
    /// `[k][width]`, width a multiple of 16.
    pub(super) slab: &'a [f32],
    /// Columns of the slab.
    pub(super) width: usize,
    /// Rows of the result, `out_stride` apart; at most `out_cols` of the slab's columns are stored.
    pub(super) out: &'a mut [f32],
    /// Distance between rows of the result.
    pub(super) out_stride: usize,
    /// Columns stored.
    pub(super) out_cols: usize,
    /// Go on from the sums that are there, as if the terms behind them were of the same product.
    pub(super) accumulate: bool,
}

/// The loops, as a function of their own: inlined into their callers they would lack registers.
struct Run<'a, S>(SlabProduct<'a>, S);

impl<S: Simd> NullaryFnOnce for Run<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.all_rows(self.1);
    }
}

impl SlabProduct<'_> {
    #[inline(always)]
    pub(super) fn run<S: Simd>(self, simd: S) {
        simd.vectorize(Run(self, simd));
    }

    #[inline(always)]
    fn all_rows<S: Simd>(mut self, simd: S) {
        let mut row = 0;
        while row < self.n_rows {
            let left = self.n_rows - row;
            if left >= ROWS && S::REGISTER_COUNT >= 32 {
                self.rows::<S, ROWS>(simd, row);
                row += ROWS;
            } else if left >= 4 {
                self.rows::<S, 4>(simd, row);
                row += 4;
            } else {
                self.rows::<S, 1>(simd, row);
                row += 1;
            }
        }
    }

    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, simd: S, row: usize) {
        let vectors = self.width / S::F32_LANES;
        let mut group = 0;
        while group < vectors {
            match vectors - group {
                3 | 6.. => {
                    self.tile::<S, R, 3>(simd, row, group);
                    group += 3;
                }
                2 | 4 | 5 => {
                    self.tile::<S, R, 2>(simd, row, group);
                    group += 2;
                }
                _ => {
                    self.tile::<S, R, 1>(simd, row, group);
                    group += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(&mut self, simd: S, row: usize, group: usize) {
        let lanes = S::F32_LANES;
        let start = group * lanes;
        if start >= self.out_cols {
            return;
        }
        let (slab, _) = S::as_simd_f32s(self.slab);
        let slab = slab.chunks_exact(self.width / lanes).take(self.k);
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        let n = (C * lanes).min(self.out_cols - start);
        if self.accumulate {
            for (r, sums) in sums.iter_mut().enumerate() {
                let mut values = [0f32; 3 * MOST_LANES];
                let there = &self.out[(row + r) * self.out_stride + start..][..n];
                values[..n].copy_from_slice(there);
                sums.copy_from_slice(&S::as_simd_f32s(&values).0[..C]);
            }
        }
        match self.left {
            Left::ByRow(stride) => {
                let rows: [&[f32]; R] =
                    std::array::from_fn(|r| &self.x[(row + r) * stride..][..self.k]);
                for (k, weights) in slab.enumerate() {
                    let weights = &weights[group..group + C];
                    for r in 0..R {
                        let x = simd.splat_f32s(rows[r][k]);
                        for c in 0..C {
                            sums[r][c] = simd.mul_add_e_f32s(x, weights[c], sums[r][c]);
                        }
                    }
                }
            }
            Left::ByInner(stride) => {
                for (x, weights) in self.x.chunks(stride).zip(slab) {
                    let (x, weights) = (&x[row..row + R], &weights[group..group + C]);
                    for r in 0..R {
                        let x = simd.splat_f32s(x[r]);
                        for c in 0..C {
                            sums[r][c] = simd.mul_add_e_f32s(x, weights[c], sums[r][c]);
                        }
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(row + r) * self.out_stride + start..][..n];
            if n == C * lanes {
                S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
                continue;
            }
            let mut values = [0f32; 3 * MOST_LANES];
            S::as_mut_simd_f32s(&mut values).0[..C].copy_from_slice(sums);
            out.copy_from_slice(&values[..n]);
        }
    }
}
