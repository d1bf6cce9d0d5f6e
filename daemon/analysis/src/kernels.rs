//! Numeric kernels of the analysis, on slices: what one part contributes to a whole.

pub mod bends;
pub mod proximity;
