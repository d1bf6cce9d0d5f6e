//! Stored number formats to f32. The block formats are decoded by candle; the plain ones here.

use crate::tensor_file::block_scales;
use candle_core::{CpuStorage, quantized::GgmlDType};
use half::{bf16, f16};
use std::borrow::Cow;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredType {
    F64,
    F32,
    F16,
    Bf16,
    Blocks(GgmlDType),
}

impl StoredType {
    pub(super) const GGUF_NAMES: &'static str =
        "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K";

    pub(super) fn from_gguf(kind: u32) -> Option<Self> {
        Some(match kind {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Blocks(GgmlDType::Q4_0),
            3 => Self::Blocks(GgmlDType::Q4_1),
            6 => Self::Blocks(GgmlDType::Q5_0),
            7 => Self::Blocks(GgmlDType::Q5_1),
            8 => Self::Blocks(GgmlDType::Q8_0),
            10 => Self::Blocks(GgmlDType::Q2K),
            11 => Self::Blocks(GgmlDType::Q3K),
            12 => Self::Blocks(GgmlDType::Q4K),
            13 => Self::Blocks(GgmlDType::Q5K),
            14 => Self::Blocks(GgmlDType::Q6K),
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// As the format spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Blocks(GgmlDType::Q4_0) => "Q4_0",
            Self::Blocks(GgmlDType::Q4_1) => "Q4_1",
            Self::Blocks(GgmlDType::Q5_0) => "Q5_0",
            Self::Blocks(GgmlDType::Q5_1) => "Q5_1",
            Self::Blocks(GgmlDType::Q8_0) => "Q8_0",
            Self::Blocks(GgmlDType::Q2K) => "Q2_K",
            Self::Blocks(GgmlDType::Q3K) => "Q3_K",
            Self::Blocks(GgmlDType::Q4K) => "Q4_K",
            Self::Blocks(GgmlDType::Q5K) => "Q5_K",
            Self::Blocks(GgmlDType::Q6K) => "Q6_K",
            Self::Blocks(_) => "other",
        }
    }

    /// Values in a block, and bytes it takes.
    fn block(self) -> (usize, usize) {
        match self {
            Self::F64 => (1, 8),
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Blocks(kind) => (kind.block_size(), kind.type_size()),
        }
    }

    /// Bytes of a tensor; `None` when a row is not a whole number of blocks, or the size overflows.
    pub(super) fn bytes(self, shape: &[usize]) -> Option<u64> {
        let (block, bytes) = self.block();
        let row = shape.last().copied().unwrap_or(1);
        if !row.is_multiple_of(block) {
            return None;
        }
        let values = shape.iter().try_fold(1u64, |n, &axis| n.checked_mul(axis as u64))?;
        (values / block as u64).checked_mul(bytes as u64)
    }

    /// Bytes of `n` values, a whole number of blocks.
    pub(super) fn bytes_of(self, n: usize) -> usize {
        let (block, bytes) = self.block();
        n / block * bytes
    }

    /// Appends scale and min of each block of `row`; nothing for formats that are not stored as scaled codes.
    pub(super) fn block_scales(self, row: &[u8], out: &mut Vec<(f32, f32)>) {
        if let Self::Blocks(kind) = self {
            block_scales::read(kind, row, out);
        }
    }

    /// Decodes exactly `out.len()` values.
    pub(super) fn decode(self, bytes: &[u8], out: &mut [f32]) -> Result<(), String> {
        match self {
            Self::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
            Self::F32 => each(bytes, out, f32::from_le_bytes),
            Self::F16 => each(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, out, |b| bf16::from_le_bytes(b).to_f32()),
            Self::Blocks(kind) => {
                let blocks = kind.from_data(Cow::Borrowed(bytes));
                match blocks.dequantize(out.len()).map_err(|e| e.to_string())? {
                    CpuStorage::F32(values) => out.copy_from_slice(&values),
                    _ => return Err("was not decoded to f32".to_owned()),
                }
            }
        }
        Ok(())
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], read: impl Fn([u8; N]) -> f32) {
    let (values, _) = bytes.as_chunks::<N>();
    for (out, value) in out.iter_mut().zip(values) {
        *out = read(*value);
    }
}
