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
        let mut of_block = vec![0u8; len];
        let mut scales = vec![[[0f32; PANEL_WIDTH]; 2]; n_blocks];
        for (column, row) in rows.iter().enumerate() {
            let blocks = row.values.chunks_exact(len).zip(&row.blocks);
            for (block, (values, &(scale, min))) in blocks.enumerate() {
                scales[block][0][column] = scale;
                scales[block][1][column] = min;
                let is_exact = vectorized(
                    #[inline(always)]
                    || codes_of(values, scale, min, &mut of_block),
                );
                if !is_exact {
                    return None;
                }
                for (lanes, code) in codes[block * len..].iter_mut().zip(&of_block) {
                    lanes[column] = *code;
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
            Self::Nibbles(codes, blocks) => blocks.each::<true>(x, codes, sums),
            Self::Bytes(codes, blocks) => blocks.each::<false>(x, codes, sums),
        }
    }
}

/// Codes of a block; whether they give every value back exactly.
#[inline(always)]
fn codes_of(values: &[f32], scale: f32, min: f32, codes: &mut [u8]) -> bool {
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let mut is_exact = true;
    for (code, &value) in codes.iter_mut().zip(values) {
        *code = ((value - min) * inverse + 0.5) as u8;
        is_exact &= f32::from(*code).mul_add(scale, min) == value;
    }
    is_exact
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
    /// Adds up the blocks. Calls by name, because a function that is passed along is not inlined, and then not vectorised.
    #[inline(always)]
    fn each<const NIBBLES: bool>(&self, x: &[f32], codes: &[Lanes<u8>], sums: &mut Lanes<f32>) {
        let codes_a_block = if NIBBLES { self.len / 2 } else { self.len };
        let blocks = x.chunks_exact(self.len).zip(codes.chunks_exact(codes_a_block));
        match &self.scales {
            Scales::F16(scales) => {
                for ((x, codes), scales) in blocks.zip(scales) {
                    let mut wide = [[0f32; PANEL_WIDTH]; 2];
                    for (wide, halves) in wide.iter_mut().zip(scales) {
                        for lane in 0..PANEL_WIDTH {
                            wide[lane] = widened(halves[lane]);
                        }
                    }
                    block::<NIBBLES>(x, codes, &wide, sums);
                }
            }
            Scales::F32(scales) => {
                for ((x, codes), scales) in blocks.zip(scales) {
                    block::<NIBBLES>(x, codes, scales, sums);
                }
            }
        }
    }
}

/// Outputs that are added up together: with their scales and mins they fit the sixteen registers of AVX2.
const GROUP: usize = PANEL_WIDTH / 2;

/// Adds one block.
#[inline(always)]
fn block<const NIBBLES: bool>(
    x: &[f32],
    codes: &[Lanes<u8>],
    [scales, mins]: &[Lanes<f32>; 2],
    sums: &mut Lanes<f32>,
) {
    let (scales, mins) = (scales.as_chunks::<GROUP>().0, mins.as_chunks::<GROUP>().0);
    for (group, sums) in sums.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
        let (scale, min, mut own) = (scales[group], mins[group], *sums);
        if NIBBLES {
            for ([even, odd], codes) in x.as_chunks::<2>().0.iter().zip(codes) {
                let codes = &codes.as_chunks::<GROUP>().0[group];
                for lane in 0..GROUP {
                    let weight = f32::from(codes[lane] & 15).mul_add(scale[lane], min[lane]);
                    own[lane] = even.mul_add(weight, own[lane]);
                }
                for lane in 0..GROUP {
                    let weight = f32::from(codes[lane] >> 4).mul_add(scale[lane], min[lane]);
                    own[lane] = odd.mul_add(weight, own[lane]);
                }
            }
        } else {
            for (x, codes) in x.iter().zip(codes) {
                let codes = &codes.as_chunks::<GROUP>().0[group];
                for lane in 0..GROUP {
                    let weight = f32::from(codes[lane]).mul_add(scale[lane], min[lane]);
                    own[lane] = x.mul_add(weight, own[lane]);
                }
            }
        }
        *sums = own;
    }
}

#[cfg(test)]
mod tests;
