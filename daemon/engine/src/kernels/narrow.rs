//! Constant matrices as narrow as their file has them, for one row at a time: then reading the weights is all that takes
//! time. The same panels of 48 outputs as `packed`, the same weights after widening (checked when they are packed, or there
//! is no narrow matrix), the same chain of fused multiply-adds: so the same bits as `product` gives.

use crate::kernels::{packed::PANEL_WIDTH, vectorized};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator, ParallelSliceMut,
};

/// Panels that one task takes at least: waking a thread costs as much.
const TASK_WEIGHTS: usize = 1 << 16;

/// One value a panel's output.
type Lanes<T> = [T; PANEL_WIDTH];

/// What a row of the matrix is packed from.
#[derive(Debug, Default)]
pub struct NarrowRow {
    /// Its weights.
    pub values: Vec<f32>,
    /// Scale and min of each block of inputs; empty where the file has no blocks.
    pub blocks: Vec<(f32, f32)>,
}

/// Rows of one section.
#[derive(Debug)]
pub struct NarrowMatrix {
    n: usize,
    k: usize,
    panels: Vec<Panel>,
}

#[derive(Debug)]
enum Panel {
    /// Upper halves of f32, `[k]`.
    Halves(Vec<Lanes<u16>>),
    /// Codes of four bits, two inputs a byte, `[k / 2]`.
    Nibbles(Vec<Lanes<u8>>, Blocks),
    /// Codes of eight bits, `[k]`.
    Bytes(Vec<Lanes<u8>>, Blocks),
}

#[derive(Debug)]
struct Blocks {
    /// Inputs in a block.
    len: usize,
    /// Scale and min, `[block]`.
    scales: Scales,
}

#[derive(Debug)]
enum Scales {
    F16(Vec<[Lanes<u16>; 2]>),
    F32(Vec<[Lanes<f32>; 2]>),
}

impl NarrowMatrix {
    /// Packs `n` rows of `k`, panels in parallel; `None` where the weights cannot be had back exactly from anything narrower.
    ///
    /// *Cost*: a read of every row; 5 to 16 bits a weight stay.
    ///
    /// # Errors
    /// What the reader says.
    pub fn pack<E: Send>(
        n: usize,
        k: usize,
        read_row: impl Fn(usize, &mut NarrowRow) -> Result<(), E> + Sync,
    ) -> Result<Option<Self>, E> {
        let firsts: Vec<usize> = (0..n).step_by(PANEL_WIDTH).collect();
        let panels = firsts
            .par_iter()
            .map(|&first| {
                let mut rows = Vec::with_capacity(PANEL_WIDTH);
                for row in first..n.min(first + PANEL_WIDTH) {
                    let mut read = NarrowRow { values: vec![0.0; k], blocks: Vec::new() };
                    read_row(row, &mut read)?;
                    rows.push(read);
                }
                Ok(Panel::pack(&rows, k))
            })
            .collect::<Result<Option<Vec<Panel>>, E>>()?;
        Ok(panels.map(|panels| Self { n, k, panels }))
    }

    /// Outputs.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.panels.iter().map(Panel::bytes).sum()
    }

    /// `out[n] = sum_k x[k] W[n, k]`
    ///
    /// *Shapes*: x `[k]`, out `[n]`. *Cost*: one read of the weights.
    pub fn product(&self, x: &[f32], out: &mut [f32]) {
        let at_least = TASK_WEIGHTS.div_ceil(PANEL_WIDTH * self.k.max(1));
        let panels = self.panels.par_iter().zip(out.par_chunks_mut(PANEL_WIDTH));
        panels.with_min_len(at_least).for_each(|(panel, out)| {
            let mut sums = [0f32; PANEL_WIDTH];
            vectorized(
                #[inline(always)]
                || panel.product(x, &mut sums),
            );
            out.copy_from_slice(&sums[..out.len()]);
        });
    }
}

impl Panel {
    /// The narrowest panel that gives these rows back bit for bit (zeros without their sign).
    fn pack(rows: &[NarrowRow], k: usize) -> Option<Self> {
        Self::pack_codes(rows, k).or_else(|| Self::pack_halves(rows, k))
    }

    fn pack_halves(rows: &[NarrowRow], k: usize) -> Option<Self> {
        let mut panel = vec![[0u16; PANEL_WIDTH]; k];
        for (column, row) in rows.iter().enumerate() {
            for (lanes, value) in panel.iter_mut().zip(&row.values) {
                let bits = value.to_bits();
                if bits & 0xffff != 0 {
                    return None;
                }
                lanes[column] = (bits >> 16) as u16;
            }
        }
        Some(Self::Halves(panel))
    }

    fn pack_codes(rows: &[NarrowRow], k: usize) -> Option<Self> {
        let n_blocks = rows.first()?.blocks.len();
        if n_blocks == 0 || !k.is_multiple_of(2 * n_blocks) {
            return None;
        }
        let len = k / n_blocks;
        let mut codes = vec![[0u8; PANEL_WIDTH]; k];
        let mut scales = vec![[[0f32; PANEL_WIDTH]; 2]; n_blocks];
        for (column, row) in rows.iter().enumerate() {
            let blocks = row.values.chunks_exact(len).zip(&row.blocks);
            for (block, (values, &(scale, min))) in blocks.enumerate() {
                scales[block][0][column] = scale;
                scales[block][1][column] = min;
                for (lanes, &value) in codes[block * len..].iter_mut().zip(values) {
                    let code = if scale == 0.0 { 0 } else { ((value - min) / scale).round() as u8 };
                    if f32::from(code).mul_add(scale, min) != value {
                        return None;
                    }
                    lanes[column] = code;
                }
            }
        }
        let blocks = Blocks { len, scales: Scales::pack(scales) };
        if codes.iter().flatten().any(|code| *code > 15) {
            return Some(Self::Bytes(codes, blocks));
        }
        let (pairs, _) = codes.as_chunks::<2>();
        let pair = |[even, odd]: &[Lanes<u8>; 2]| -> Lanes<u8> {
            std::array::from_fn(|column| even[column] | (odd[column] << 4))
        };
        Some(Self::Nibbles(pairs.iter().map(pair).collect(), blocks))
    }

    fn bytes(&self) -> u64 {
        let (codes, blocks) = match self {
            Self::Halves(halves) => (size_of_val(halves.as_slice()), None),
            Self::Nibbles(codes, blocks) | Self::Bytes(codes, blocks) => {
                (size_of_val(codes.as_slice()), Some(blocks))
            }
        };
        let scales = blocks.map_or(0, |blocks| match &blocks.scales {
            Scales::F16(scales) => size_of_val(scales.as_slice()),
            Scales::F32(scales) => size_of_val(scales.as_slice()),
        });
        (codes + scales) as u64
    }

    #[inline(always)]
    fn product(&self, x: &[f32], sums: &mut Lanes<f32>) {
        match self {
            Self::Halves(panel) => {
                let mut own = [0f32; PANEL_WIDTH];
                for (x, halves) in x.iter().zip(panel) {
                    for (sum, half) in own.iter_mut().zip(halves) {
                        *sum = x.mul_add(f32::from_bits(u32::from(*half) << 16), *sum);
                    }
                }
                *sums = own;
            }
            Self::Nibbles(codes, blocks) => blocks.each(x, codes, 2, sums, nibbles),
            Self::Bytes(codes, blocks) => blocks.each(x, codes, 1, sums, bytes),
        }
    }
}

impl Scales {
    fn pack(scales: Vec<[Lanes<f32>; 2]>) -> Self {
        let is_exact = |value: &f32| widened(half::f16::from_f32(*value).to_bits()) == *value;
        if !scales.iter().flatten().flatten().all(is_exact) {
            return Self::F32(scales);
        }
        let narrow = |lanes: Lanes<f32>| lanes.map(|value| half::f16::from_f32(value).to_bits());
        Self::F16(scales.into_iter().map(|of_block| of_block.map(narrow)).collect())
    }
}

/// A finite f16 in f32, by whole-number steps that the compiler turns into vectors.
#[inline(always)]
fn widened(half: u16) -> f32 {
    let magnitude = f32::from_bits((u32::from(half) & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    f32::from_bits(magnitude.to_bits() | (u32::from(half) & 0x8000) << 16)
}

impl Blocks {
    /// Adds up the blocks: `f` takes a block's inputs, codes, scales and mins.
    #[inline(always)]
    fn each(
        &self,
        x: &[f32],
        codes: &[Lanes<u8>],
        inputs_a_code: usize,
        sums: &mut Lanes<f32>,
        f: impl Fn(&[f32], &[Lanes<u8>], &Lanes<f32>, &Lanes<f32>, &mut Lanes<f32>),
    ) {
        let blocks = x.chunks_exact(self.len).zip(codes.chunks_exact(self.len / inputs_a_code));
        match &self.scales {
            Scales::F16(scales) => {
                for ((x, codes), [scale, min]) in blocks.zip(scales) {
                    f(x, codes, &scale.map(widened), &min.map(widened), sums);
                }
            }
            Scales::F32(scales) => {
                for ((x, codes), [scale, min]) in blocks.zip(scales) {
                    f(x, codes, scale, min, sums);
                }
            }
        }
    }
}

#[inline(always)]
fn bytes(
    x: &[f32],
    codes: &[Lanes<u8>],
    scale: &Lanes<f32>,
    min: &Lanes<f32>,
    sums: &mut Lanes<f32>,
) {
    let (scale, min, mut own) = (*scale, *min, *sums);
    for (x, codes) in x.iter().zip(codes) {
        for lane in 0..PANEL_WIDTH {
            let weight = f32::from(codes[lane]).mul_add(scale[lane], min[lane]);
            own[lane] = x.mul_add(weight, own[lane]);
        }
    }
    *sums = own;
}

#[inline(always)]
fn nibbles(
    x: &[f32],
    codes: &[Lanes<u8>],
    scale: &Lanes<f32>,
    min: &Lanes<f32>,
    sums: &mut Lanes<f32>,
) {
    let (scale, min, mut own) = (*scale, *min, *sums);
    let (pairs, _) = x.as_chunks::<2>();
    for ([even, odd], codes) in pairs.iter().zip(codes) {
        for lane in 0..PANEL_WIDTH {
            let weight = f32::from(codes[lane] & 15).mul_add(scale[lane], min[lane]);
            own[lane] = even.mul_add(weight, own[lane]);
        }
        for lane in 0..PANEL_WIDTH {
            let weight = f32::from(codes[lane] >> 4).mul_add(scale[lane], min[lane]);
            own[lane] = odd.mul_add(weight, own[lane]);
        }
    }
    *sums = own;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Rows, RowsMut, packed::PackedMatrix, product::product};

    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// Rows of codes below `levels` in blocks of `len`, scales rounded by `round`.
    fn rows(n: usize, k: usize, len: usize, levels: f32, round: fn(f32) -> f32) -> Vec<NarrowRow> {
        (0..n as u64)
            .map(|row| {
                let blocks: Vec<(f32, f32)> = (noise(k / len, row).iter().zip(noise(k, row + 900)))
                    .map(|(scale, min)| (round(*scale), round(min)))
                    .collect();
                let codes = noise(k, row + 77);
                let value = |(at, code): (usize, &f32)| {
                    let (scale, min) = blocks[at / len];
                    ((code + 1.0) / 2.0 * levels).floor().min(levels - 1.0).mul_add(scale, min)
                };
                let values = codes.iter().enumerate().map(value).collect();
                NarrowRow { values, blocks }
            })
            .collect()
    }

    /// The narrow product, and that of the packed matrix.
    fn both(rows: &[NarrowRow], k: usize) -> Option<(u64, Vec<f32>, Vec<f32>)> {
        let n = rows.len();
        let narrow = NarrowMatrix::pack(n, k, |row, out| {
            out.values.copy_from_slice(&rows[row].values);
            out.blocks.clone_from(&rows[row].blocks);
            Ok::<(), ()>(())
        });
        let narrow = narrow.unwrap()?;
        let packed = PackedMatrix::pack(k, &[n], |row, out| {
            out.copy_from_slice(&rows[row].values);
            Ok::<(), ()>(())
        });
        let x = noise(k, 5);
        let (mut got, mut want) = (vec![0f32; n], vec![0f32; n]);
        narrow.product(&x, &mut got);
        let out = RowsMut { data: &mut want, n_rows: 1, n_cols: n, stride: n };
        product(Rows::dense(&x, k), &packed.unwrap(), &(0..1), 0..k, None, out).unwrap();
        Some((narrow.bytes(), got, want))
    }

    #[test]
    fn narrow_and_packed_products_are_the_same_bits() {
        let half = |value: f32| half::f16::from_f32(value).to_f32();
        let (n, k) = (100usize, 128usize);
        let n_weights = (n.div_ceil(PANEL_WIDTH) * PANEL_WIDTH * k) as u64;
        let bf16 = noise(n * k, 3);
        let bf16 = bf16.chunks(k).map(|row| NarrowRow {
            values: row.iter().map(|v| half::bf16::from_f32(*v).to_f32()).collect(),
            blocks: Vec::new(),
        });
        for (what, rows, bits) in [
            ("4 bits", rows(n, k, 32, 16.0, half), 5),
            ("8 bits", rows(n, k, 32, 256.0, half), 9),
            ("4 bits, scales of f32", rows(n, k, 32, 16.0, |value| value), 6),
            ("8 bits, short blocks", rows(n, k, 16, 64.0, |value| value), 12),
            ("bf16", bf16.collect(), 16),
        ] {
            let (n_bytes, got, want) = both(&rows, k).unwrap();
            assert_eq!(got, want, "{what}");
            assert_eq!(8 * n_bytes, bits * n_weights, "{what}");
        }
    }

    #[test]
    fn what_cannot_be_had_back_exactly_stays_wide() {
        let mut bent = rows(60, 64, 32, 16.0, |value| value);
        bent[59].values[63] += 1e-4;
        assert!(both(&bent, 64).is_none());
    }

    #[test]
    fn halves_widen_exactly() {
        for bits in (0..=u16::MAX).filter(|bits| bits & 0x7c00 != 0x7c00) {
            let want = half::f16::from_bits(bits).to_f32();
            assert_eq!(widened(bits).to_bits(), want.to_bits(), "{bits:04x}");
        }
    }
}
