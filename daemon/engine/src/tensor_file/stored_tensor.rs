//! A tensor as a container lists it: shape, stored type, and where in the mapped file it lies. Containers find it; this reads it.

use crate::{
    error::EngineError,
    tensor_file::{TensorInfo, decode::StoredType, mapped::MappedFile},
};
use std::ops::Range;

/// One tensor in a file.
#[derive(Clone, Debug)]
pub(super) struct StoredTensor {
    pub(super) info: TensorInfo,
    kind: StoredType,
    bytes: Range<usize>,
}

impl StoredTensor {
    /// A tensor whose bytes were checked to lie in the file.
    pub(super) fn new(shape: Vec<usize>, kind: StoredType, bytes: Range<usize>) -> Self {
        let info =
            TensorInfo { shape, dtype: kind.name().to_owned(), stored_bytes: bytes.len() as u64 };
        Self { info, kind, bytes }
    }

    /// Decodes rows `first_row ..` into `out`, a whole number of rows.
    pub(super) fn read_rows(
        &self,
        file: &MappedFile,
        tensor: &str,
        first_row: usize,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        let stored = self.rows(file, tensor, first_row, out.len())?;
        self.kind
            .decode(stored, out)
            .map_err(|problem| EngineError::malformed(file.path(), tensor, problem))
    }

    /// Appends scale and min of each block of a row.
    pub(super) fn block_scales(
        &self,
        file: &MappedFile,
        tensor: &str,
        row: usize,
        out: &mut Vec<(f32, f32)>,
    ) -> Result<(), EngineError> {
        let stored = self.rows(file, tensor, row, self.info.row_len())?;
        self.kind.block_scales(stored, out);
        Ok(())
    }

    /// The bytes of `n_values` values, a whole number of rows, from row `first_row` on.
    fn rows<'a>(
        &self,
        file: &'a MappedFile,
        tensor: &str,
        first_row: usize,
        n_values: usize,
    ) -> Result<&'a [u8], EngineError> {
        let row_len = self.info.row_len().max(1);
        let start = (self.kind.bytes_of(row_len))
            .checked_mul(first_row)
            .and_then(|n| n.checked_add(self.bytes.start));
        let end = start.and_then(|start| start.checked_add(self.kind.bytes_of(n_values)));
        let range = start
            .zip(end)
            .filter(|&(_, end)| end <= self.bytes.end && n_values.is_multiple_of(row_len));
        let Some((start, end)) = range else {
            let problem = format!(
                "has {} rows of {row_len}; {n_values} values from row {first_row} were asked for",
                self.info.n_rows()
            );
            return Err(EngineError::malformed(file.path(), tensor, problem));
        };
        file.range(start..end)
    }
}
