//! What a model file gives: named tensors, decoded to f32 row by row, whatever the container.
//! The containers are in `tensor_file/`; which tensor means what is a family's business (`arch`).

use crate::error::EngineError;
use std::path::Path;

/// Shape and stored size of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Row-major shape, outermost axis first (GGUF's reversed order is undone by its reader).
    pub shape: Vec<usize>,
    /// Stored type as the format spells it: `F32`, `BF16`, `Q4_1`.
    pub dtype: String,
    /// Bytes it takes in the file.
    pub stored_bytes: u64,
}

impl TensorInfo {
    /// Rows when seen as a matrix: every axis but the last. A vector is one row.
    pub fn n_rows(&self) -> usize {
        self.shape.split_last().map_or(1, |(_, outer)| outer.iter().product())
    }

    /// Length of a row: the last axis.
    pub fn row_len(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// One opened model file (or one sharded set of them), validated: every tensor it lists lies inside it.
pub trait TensorFile: Send + Sync + std::fmt::Debug {
    /// The file to name in an error about `tensor` (of a sharded set: the shard).
    fn path(&self, tensor: &str) -> &Path;

    /// Names of all tensors, sorted.
    fn names(&self) -> Vec<&str>;

    /// Shape and type of a tensor, if there is one of that name.
    fn info(&self, tensor: &str) -> Option<&TensorInfo>;

    /// Decodes rows `first_row ..` of `tensor` into `out` (a whole number of rows).
    ///
    /// # Errors
    /// No such tensor; rows out of range; `out` not a whole number of rows.
    fn read_rows(&self, tensor: &str, first_row: usize, out: &mut [f32])
    -> Result<(), EngineError>;

    /// Scale and min of each block of a row as the file stores it, appended to `out`: every value of a block is
    /// `scale * code + min`, code a whole number from 0 to 255. Nothing is appended where it is not stored so.
    ///
    /// # Errors
    /// As [`Self::read_rows`].
    fn block_scales(
        &self,
        _tensor: &str,
        _row: usize,
        _out: &mut Vec<(f32, f32)>,
    ) -> Result<(), EngineError> {
        Ok(())
    }

    /// Frees the memory that was needed to read so far, where there is such; what is read again costs again.
    fn forget(&self) {}
}

mod block_scales;
mod decode;
pub mod gguf;
mod gguf_metadata;
mod mapped;
pub mod safetensors;
mod stored_tensor;
