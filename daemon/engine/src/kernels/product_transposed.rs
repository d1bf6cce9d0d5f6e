//! `g W` from the same panels that serve `x W^T`: tokens side by side in registers, weights broadcast.

use crate::kernels::{
    Rows, RowsMut,
    packed::{PANEL_WIDTH, PanelSource},
    product::split_columns,
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator,
    ParallelSliceMut,
};
use std::ops::Range;

/// Inputs of one task, and those whose sums for one register of tokens are in registers at once.
const INPUTS: usize = 24;
/// Panels that are decoded at once where they are not in memory.
const DECODED: usize = 16;

/// `out[t, k] = sum_n g[t, n] W[n, k]` over the outputs n of `sections`.
///
/// *Shapes*: g `[rows, n of the sections]`, out `[rows, k]`. *Cost*: `2 rows n k` flops.
///
/// # Errors
/// A panel cannot be decoded.
pub fn product_transposed<W: PanelSource>(
    g: Rows<'_>,
    w: &W,
    sections: &Range<usize>,
    out: RowsMut<'_>,
) -> Result<(), W::Error> {
    let panels = w.panels().panels_of(sections);
    let widths = w.panels().widths(panels.clone());
    let arch = Arch::new();
    let lanes = arch.dispatch(Lanes);
    let tokens = pack_tokens(g, &widths, lanes);
    let k = w.panels().k();
    let blocks: Vec<usize> = (0..k).step_by(INPUTS).map(|start| INPUTS.min(k - start)).collect();
    let n_rows = out.n_rows;
    let mut columns = split_columns(out, &blocks);
    let panel_len = k * PANEL_WIDTH;
    let mut run = |values: &[f32], first: usize, n_panels: usize| {
        columns.par_iter_mut_blocks(&blocks, |start, columns| {
            let block = Block {
                tokens: &tokens,
                n_padded: widths.len() * PANEL_WIDTH,
                first_n: first * PANEL_WIDTH,
                panels: &values[..n_panels * panel_len],
                panel_len,
                start,
                is_first: first == 0,
                n_rows,
                columns,
            };
            arch.dispatch(block);
        });
    };
    if let Some(values) = w.in_memory() {
        run(&values[panels.start * panel_len..panels.end * panel_len], 0, panels.len());
        return Ok(());
    }
    for first in (0..panels.len()).step_by(DECODED) {
        let chosen: Vec<usize> =
            (panels.start + first..panels.end.min(panels.start + first + DECODED)).collect();
        let decoded = chosen
            .par_iter()
            .map(|&panel| {
                let mut scratch = Vec::new();
                w.panel(panel, &mut scratch).map(<[f32]>::to_vec)
            })
            .collect::<Result<Vec<_>, _>>()?;
        run(&decoded.concat(), first, chosen.len());
    }
    Ok(())
}

trait Blocks<'a> {
    fn par_iter_mut_blocks(
        &mut self,
        sizes: &[usize],
        run: impl Fn(usize, &mut [&'a mut [f32]]) + Sync,
    );
}

impl<'a> Blocks<'a> for Vec<Vec<&'a mut [f32]>> {
    /// Runs every block of inputs with its first input and its columns of the output.
    fn par_iter_mut_blocks(
        &mut self,
        sizes: &[usize],
        run: impl Fn(usize, &mut [&'a mut [f32]]) + Sync,
    ) {
        let mut start = 0;
        let tasks: Vec<_> = self
            .iter_mut()
            .zip(sizes)
            .map(|(columns, size)| {
                let task = (start, columns);
                start += size;
                task
            })
            .collect();
        tasks.into_par_iter().for_each(|(start, columns)| run(start, columns));
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// g with tokens side by side: `[token block][n, padded as the panels are][lanes]`.
fn pack_tokens(g: Rows<'_>, widths: &[usize], lanes: usize) -> Vec<f32> {
    let n_padded = widths.len() * PANEL_WIDTH;
    let mut tokens = vec![0f32; g.n_rows.div_ceil(lanes) * n_padded * lanes];
    tokens.par_chunks_mut((n_padded * lanes).max(1)).enumerate().for_each(|(block, out)| {
        for lane in 0..lanes.min(g.n_rows - block * lanes) {
            let mut row = g.row(block * lanes + lane);
            for (panel, &width) in widths.iter().enumerate() {
                let (values, rest) = row.split_at(width);
                let out = &mut out[panel * PANEL_WIDTH * lanes + lane..];
                for (out, value) in out.iter_mut().step_by(lanes).zip(values) {
                    *out = *value;
                }
                row = rest;
            }
        }
    });
    tokens
}

struct Block<'a, 'b> {
    tokens: &'a [f32],
    n_padded: usize,
    first_n: usize,
    panels: &'a [f32],
    panel_len: usize,
    start: usize,
    is_first: bool,
    n_rows: usize,
    columns: &'a mut [&'b mut [f32]],
}

impl WithSimd for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let n_blocks = self.n_rows.div_ceil(S::F32_LANES);
        for block in (0..n_blocks - n_blocks % 2).step_by(2) {
            if S::REGISTER_COUNT >= 32 {
                self.all_inputs::<S, 12, 2>(simd, block);
            } else {
                self.all_inputs::<S, 6, 2>(simd, block);
            }
        }
        if n_blocks % 2 == 1 {
            if S::REGISTER_COUNT >= 32 {
                self.all_inputs::<S, INPUTS, 1>(simd, n_blocks - 1);
            } else {
                self.all_inputs::<S, 12, 1>(simd, n_blocks - 1);
            }
        }
    }
}

impl Block<'_, '_> {
    /// `V` registers of tokens against all inputs, `I` at a time.
    #[inline(always)]
    fn all_inputs<S: Simd, const I: usize, const V: usize>(&mut self, simd: S, block: usize) {
        let n_inputs = self.columns.first().map_or(0, |columns| columns.len());
        let mut input = 0;
        while input + I <= n_inputs {
            self.inputs::<S, I, V>(simd, input, block);
            input += I;
        }
        for input in input..n_inputs {
            self.inputs::<S, 1, V>(simd, input, block);
        }
    }

    #[inline(always)]
    fn inputs<S: Simd, const I: usize, const V: usize>(
        &mut self,
        simd: S,
        input: usize,
        block: usize,
    ) {
        let lanes = S::F32_LANES;
        let offset = (self.start + input) * PANEL_WIDTH;
        let rows = block * lanes..self.n_rows.min((block + V) * lanes);
        let tokens: [&[S::f32s]; V] = std::array::from_fn(|at| {
            let start = ((block + at) * self.n_padded + self.first_n) * lanes;
            S::as_simd_f32s(&self.tokens[start..]).0
        });
        let mut values = [[0f32; 64]; I];
        let mut sums = [[simd.splat_f32s(0.0); V]; I];
        if !self.is_first {
            for (input_of, (values, sums)) in values.iter_mut().zip(&mut sums).enumerate() {
                for (value, row) in values.iter_mut().zip(rows.clone()) {
                    *value = self.columns[row][input + input_of];
                }
                sums.copy_from_slice(&S::as_simd_f32s(values).0[..V]);
            }
        }
        for (at, panel) in self.panels.chunks_exact(self.panel_len).enumerate() {
            let weights: [&[f32; PANEL_WIDTH]; I] = {
                let (rows, _) = panel[offset..offset + I * PANEL_WIDTH].as_chunks();
                std::array::from_fn(|input| &rows[input])
            };
            let tokens = tokens.map(|tokens| &tokens[at * PANEL_WIDTH..(at + 1) * PANEL_WIDTH]);
            for n in 0..PANEL_WIDTH {
                let tokens = tokens.map(|tokens| tokens[n]);
                for (weights, sums) in weights.iter().zip(&mut sums) {
                    let weight = simd.splat_f32s(weights[n]);
                    for (sum, token) in sums.iter_mut().zip(tokens) {
                        *sum = simd.mul_add_e_f32s(weight, token, *sum);
                    }
                }
            }
        }
        for (values, sums) in values.iter_mut().zip(sums) {
            S::as_mut_simd_f32s(values).0[..V].copy_from_slice(&sums);
        }
        for (lane, row) in rows.enumerate() {
            for (out, values) in self.columns[row][input..input + I].iter_mut().zip(&values) {
                *out = values[lane];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::packed::{PackedMatrix, Panels};
    use proptest::prelude::{prop, proptest};

    /// The same panels, handed out as if they had to be decoded.
    struct Decoded(PackedMatrix);

    impl PanelSource for Decoded {
        type Error = ();

        fn panels(&self) -> &Panels {
            self.0.panels()
        }

        fn panel<'a>(&'a self, panel: usize, scratch: &'a mut Vec<f32>) -> Result<&'a [f32], ()> {
            scratch.clear();
            scratch.extend_from_slice(self.0.panel_values(panel));
            Ok(scratch)
        }

        fn in_memory(&self) -> Option<&[f32]> {
            None
        }
    }

    proptest! {
        #[test]
        fn transposed_panels_and_the_plain_product_agree(
            n_rows in 1..40usize,
            k in 1..70usize,
            sections in prop::collection::vec(1..900usize, 1..3),
            seed in 0..1000u32,
        ) {
            let n: usize = sections.iter().sum();
            let value = |at: usize| ((at as u32).wrapping_mul(2_654_435_761).wrapping_add(seed * 77) >> 8) as f32
                / (1 << 23) as f32 - 1.0;
            let w: Vec<f32> = (0..n * k).map(value).collect();
            let g: Vec<f32> = (0..n_rows * n).map(|at| value(at + 7)).collect();
            let packed = PackedMatrix::pack(k, &sections, |row, out| {
                out.copy_from_slice(&w[row * k..][..k]);
                Ok::<(), ()>(())
            }).unwrap();
            let mut out = vec![f32::NAN; n_rows * k];
            let all = 0..sections.len();
            let rows = RowsMut { data: &mut out, n_rows, n_cols: k, stride: k };
            product_transposed(Rows::dense(&g, n), &packed, &all, rows).unwrap();
            for (at, got) in out.iter().enumerate() {
                let (row, input) = (at / k, at % k);
                let want: f64 = (0..n).map(|o| f64::from(g[row * n + o]) * f64::from(w[o * k + input])).sum();
                assert!((f64::from(*got) - want).abs() < 1e-6 * n as f64 + 1e-5, "{got} {want}");
            }
            let mut decoded = vec![f32::NAN; n_rows * k];
            let rows = RowsMut { data: &mut decoded, n_rows, n_cols: k, stride: k };
            product_transposed(Rows::dense(&g, n), &Decoded(packed), &all, rows).unwrap();
            assert_eq!(out, decoded);
        }
    }
}
