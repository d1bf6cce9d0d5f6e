//! A tensor whose first axis is the position, held in pieces so that traces of prompts with a common prefix share it,
//! and a view of it on the host.

use crate::error::EngineError;
use candle_core::{CpuStorage, DType, Storage, Tensor};
use parking_lot::RwLockReadGuard;

/// Pieces are joined up to this many rows, so that a prompt typed token by token does not end in as many pieces.
const SMALL_PIECE: usize = 64;

/// Rows by position: `[pos, ..]` as a list of pieces, each `[piece_pos, cols]`.
#[derive(Clone, Debug)]
pub struct PosTensor {
    pieces: Vec<Tensor>,
}

impl PosTensor {
    /// One piece.
    pub fn new(piece: Tensor) -> Self {
        Self { pieces: vec![piece] }
    }

    /// The first `n_shared` rows of `prefix`, then `rest`.
    ///
    /// # Errors
    /// `prefix` has fewer rows.
    pub fn extend(prefix: Option<(&Self, usize)>, rest: Tensor) -> Result<Self, EngineError> {
        let Some((prefix, n_shared)) = prefix else { return Ok(Self::new(rest)) };
        let mut pieces = prefix.narrow(0, n_shared)?.pieces;
        for piece in &mut pieces {
            if keeps_mostly_others(piece) {
                *piece = piece.force_contiguous()?;
            }
        }
        match pieces.last_mut() {
            Some(last) if last.dims()[0] + rest.dims()[0] <= SMALL_PIECE => {
                *last = Tensor::cat(&[&*last, &rest], 0)?;
            }
            _ => pieces.push(rest),
        }
        Ok(Self { pieces })
    }

    /// How many rows.
    pub fn n_rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.dims()[0]).sum()
    }

    /// Values in a row.
    pub fn n_cols(&self) -> usize {
        self.pieces.first().map_or(0, |piece| piece.dims()[1])
    }

    /// Copies of these rows, in this order: `[positions, cols]`.
    ///
    /// # Errors
    /// None are asked for, or one is out of range.
    pub fn gather(&self, positions: &[usize]) -> Result<Tensor, EngineError> {
        let rows = positions
            .iter()
            .map(|&position| self.narrow(position, 1)?.tensor())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::cat(&rows, 0)?)
    }

    /// Rows `start .. start + len`, sharing storage.
    ///
    /// # Errors
    /// Out of range.
    pub fn narrow(&self, start: usize, len: usize) -> Result<Self, EngineError> {
        if start + len > self.n_rows() {
            return Err(EngineError::BadRequest(format!(
                "rows {start} to {} of {}",
                start + len,
                self.n_rows()
            )));
        }
        let (mut pieces, mut offset) = (Vec::new(), 0);
        for piece in &self.pieces {
            let n = piece.dims()[0];
            let (from, to) = (start.max(offset), (start + len).min(offset + n));
            if from < to {
                pieces.push(piece.narrow(0, from - offset, to - from)?);
            }
            offset += n;
        }
        Ok(Self { pieces })
    }

    /// Columns `start .. start + len`, sharing storage.
    ///
    /// # Errors
    /// Out of range.
    pub fn columns(&self, start: usize, len: usize) -> Result<Self, EngineError> {
        let pieces = self
            .pieces
            .iter()
            .map(|piece| piece.narrow(1, start, len))
            .collect::<Result<_, _>>()?;
        Ok(Self { pieces })
    }

    /// One tensor `[pos, cols]`: shared when there is one piece, else copied together.
    ///
    /// # Errors
    /// The device refused.
    pub fn tensor(&self) -> Result<Tensor, EngineError> {
        match self.pieces.as_slice() {
            [piece] => Ok(piece.clone()),
            pieces => Ok(Tensor::cat(pieces, 0)?),
        }
    }

    /// The rows as f32 slices on the host: no copy on the CPU in f32.
    ///
    /// # Errors
    /// The device refused.
    pub fn host(&self) -> Result<HostRows<'_>, EngineError> {
        let (mut pieces, mut first_row) = (Vec::new(), 0);
        for piece in &self.pieces {
            let rows = HostPiece::new(piece)?;
            pieces.push((first_row, rows));
            first_row += piece.dims()[0];
        }
        Ok(HostRows { pieces, n_rows: first_row, n_cols: self.n_cols() })
    }

    /// Bytes that these rows keep alive, shared or not.
    pub fn bytes(&self) -> u64 {
        self.pieces
            .iter()
            .map(|piece| (piece.elem_count() * piece.dtype().size_in_bytes()) as u64)
            .sum()
    }
}

/// Whether a view has less than half of the rows of the storage that it keeps alive.
fn keeps_mostly_others(view: &Tensor) -> bool {
    let (storage, layout) = view.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => {
            2 * layout.dims()[0] * layout.stride()[0] < values.len()
        }
        _ => false,
    }
}

/// A tensor's values as f32 on the host, row-major.
///
/// # Errors
/// The device refused.
pub fn to_host(tensor: &Tensor) -> Result<Vec<f32>, EngineError> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

/// Rows readable on the host.
pub struct HostRows<'a> {
    pieces: Vec<(usize, HostPiece<'a>)>,
    n_rows: usize,
    n_cols: usize,
}

/// One tensor's rows on the host: borrowed from CPU storage, or copied from a device.
pub(crate) enum HostPiece<'a> {
    Borrowed { guard: RwLockReadGuard<'a, Storage>, offset: usize, stride: usize, n_cols: usize },
    Owned { data: Vec<f32>, n_cols: usize },
}

impl<'a> HostPiece<'a> {
    /// The rows of a tensor `[rows, cols]` whose columns lie side by side.
    pub(crate) fn new(tensor: &'a Tensor) -> Result<Self, EngineError> {
        let n_cols = tensor.dims2()?.1;
        let (guard, layout) = tensor.storage_and_layout();
        if let Storage::Cpu(CpuStorage::F32(_)) = &*guard
            && (layout.stride()[1] == 1 || n_cols == 1)
        {
            let (offset, stride) = (layout.start_offset(), layout.stride()[0]);
            return Ok(Self::Borrowed { guard, offset, stride, n_cols });
        }
        drop(guard);
        let data = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        Ok(Self::Owned { data, n_cols })
    }

    /// All values from the first row's first value on, and the distance between rows.
    pub(crate) fn strided(&self) -> (&[f32], usize) {
        match self {
            Self::Borrowed { guard, offset, stride, .. } => match &**guard {
                Storage::Cpu(CpuStorage::F32(values)) => (&values[*offset..], *stride),
                _ => (&[], *stride),
            },
            Self::Owned { data, n_cols } => (data, *n_cols),
        }
    }

    /// As rows for a kernel.
    pub(crate) fn rows(&self, n_rows: usize, n_cols: usize) -> crate::kernels::Rows<'_> {
        let (data, stride) = self.strided();
        crate::kernels::Rows { data, n_rows, n_cols, stride }
    }

    fn row(&self, row: usize) -> &[f32] {
        let n_cols = match self {
            Self::Borrowed { n_cols, .. } | Self::Owned { n_cols, .. } => *n_cols,
        };
        let (values, stride) = self.strided();
        &values[row * stride..row * stride + n_cols]
    }
}

impl HostRows<'_> {
    /// Row of position `pos`.
    ///
    /// # Panics
    /// When `pos` is not below [`Self::n_rows`].
    pub fn row(&self, pos: usize) -> &[f32] {
        let piece = self.pieces.partition_point(|(first_row, _)| *first_row <= pos) - 1;
        let (first_row, rows) = &self.pieces[piece];
        rows.row(pos - first_row)
    }

    /// How many rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Values in a row.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn pieces_read_like_one_tensor() {
        let whole = Tensor::arange(0f32, 24.0, &Device::Cpu).unwrap().reshape((6, 4)).unwrap();
        let first = PosTensor::new(whole.narrow(0, 0, 4).unwrap());
        let joined = PosTensor::extend(Some((&first, 3)), whole.narrow(0, 3, 3).unwrap()).unwrap();
        assert_eq!(joined.n_rows(), 6);
        assert_eq!(
            joined.tensor().unwrap().to_vec2::<f32>().unwrap(),
            whole.to_vec2::<f32>().unwrap()
        );
        let columns = joined.columns(1, 2).unwrap();
        let host = columns.host().unwrap();
        for pos in 0..6 {
            assert_eq!(host.row(pos), &[4.0 * pos as f32 + 1.0, 4.0 * pos as f32 + 2.0]);
        }
        assert_eq!(joined.narrow(2, 2).unwrap().host().unwrap().row(1), &[12., 13., 14., 15.]);
        assert!(joined.narrow(5, 2).is_err());
    }
}
