//! How the block formats scale their codes: every value of a block is `scale * code + min`, code a whole number from 0 to 255.
//! Only scales and mins are read here; the values are decoded by `decode`, and whoever uses both checks that they agree.

use candle_core::quantized::GgmlDType;
use half::f16;

/// Scale and min of one block.
pub(super) type ScaleMin = (f32, f32);

/// Appends scale and min of each block of a row. *Source*: ggml's `dequantize_row_*`.
pub(super) fn read(kind: GgmlDType, row: &[u8], out: &mut Vec<ScaleMin>) {
    for stored in row.chunks_exact(kind.type_size()) {
        let half = |at: usize| f16::from_le_bytes([stored[at], stored[at + 1]]).to_f32();
        let d = half(0);
        match kind {
            GgmlDType::Q4_0 => out.push((d, -8.0 * d)),
            GgmlDType::Q5_0 => out.push((d, -16.0 * d)),
            GgmlDType::Q8_0 => out.push((d, -128.0 * d)),
            GgmlDType::Q4_1 | GgmlDType::Q5_1 => out.push((d, half(2))),
            GgmlDType::Q4K | GgmlDType::Q5K => {
                let (d_min, packed) = (half(2), &stored[4..16]);
                out.extend((0..8).map(|block| {
                    let (scale, min) = six_bits(packed, block);
                    (d * f32::from(scale), -(d_min * f32::from(min)))
                }));
            }
            GgmlDType::Q6K => {
                let d = half(stored.len() - 2);
                let scales = &stored[stored.len() - 18..stored.len() - 2];
                out.extend(scales.iter().map(|scale| {
                    let scale = d * f32::from(*scale as i8);
                    (scale, -32.0 * scale)
                }));
            }
            _ => {}
        }
    }
}

/// Scale and min of a block of Q4_K or Q5_K, six bits each in twelve bytes.
fn six_bits(packed: &[u8], block: usize) -> (u8, u8) {
    if block < 4 {
        return (packed[block] & 63, packed[block + 4] & 63);
    }
    let low = packed[block + 4];
    ((low & 15) | ((packed[block - 4] >> 6) << 4), (low >> 4) | ((packed[block] >> 6) << 4))
}
