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
