//! CPU kernels on slices: packed products in both directions, norms, rotary, attention and its backward pass.
//! No tensors, no model: whoever calls (`norm`, `attention`, `mlp`, `linear`) knows what the numbers mean.

/// Rows of a row-major matrix that may lie inside a wider one.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Backing values, from the first row's first value on.
    pub data: &'a [f32],
    /// How many rows.
    pub n_rows: usize,
    /// Values in a row.
    pub n_cols: usize,
    /// Distance between the starts of two rows, >= `n_cols`.
    pub stride: usize,
}

/// Rows that can be written.
#[derive(Debug)]
pub struct RowsMut<'a> {
    /// Backing values, from the first row's first value on.
    pub data: &'a mut [f32],
    /// How many rows.
    pub n_rows: usize,
    /// Values in a row.
    pub n_cols: usize,
    /// Distance between the starts of two rows, >= `n_cols`.
    pub stride: usize,
}

pub mod activation;
pub mod attention;
pub mod attention_backward;
pub mod attention_of_runs;
pub mod attention_step;
pub mod narrow;
pub mod norm;
pub mod packed;
mod prefetch;
pub mod product;
pub mod product_transposed;
pub mod rotary;
mod slab;

impl<'a> Rows<'a> {
    /// All of a dense matrix.
    pub fn dense(data: &'a [f32], n_cols: usize) -> Self {
        Self { data, n_rows: data.len() / n_cols.max(1), n_cols, stride: n_cols }
    }

    /// One row.
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..self.n_cols]
    }
}

/// Runs a loop with the widest instructions of this machine: the compiler turns plain loops in `body` into them.
/// Only what is inlined into `body` profits, so closures on the way are marked `#[inline(always)]`.
#[inline(always)]
pub fn vectorized<T>(body: impl FnOnce() -> T) -> T {
    struct Body<F>(F);
    impl<T, F: FnOnce() -> T> pulp::WithSimd for Body<F> {
        type Output = T;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> T {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Body(body))
}
