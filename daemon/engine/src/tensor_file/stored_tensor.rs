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
        let row_len = self.info.row_len().max(1);
        let start = (self.kind.bytes_of(row_len))
            .checked_mul(first_row)
            .and_then(|n| n.checked_add(self.bytes.start));
        let end = start.and_then(|start| start.checked_add(self.kind.bytes_of(out.len())));
        let range = start
            .zip(end)
            .filter(|&(_, end)| end <= self.bytes.end && out.len().is_multiple_of(row_len));
        let Some((start, end)) = range else {
            let problem = format!(
                "has {} rows of {row_len}; {} values from row {first_row} were asked for",
                self.info.n_rows(),
                out.len()
            );
            return Err(EngineError::malformed(file.path(), tensor, problem));
        };
        self.kind
            .decode(file.range(start..end)?, out)
            .map_err(|problem| EngineError::malformed(file.path(), tensor, problem))
    }
}
