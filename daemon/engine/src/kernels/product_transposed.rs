//! `g W` from the same panels that serve `x W^T`: both lie along the outputs, so each result is a dot product, a register
//! of outputs a step. A result's chain of sums depends on the panels only, not on how many rows or threads run beside it.

use crate::kernels::{
    Rows, RowsMut,
    packed::{PANEL_WIDTH, PanelSource},
    prefetch::prefetch,
    product::split_columns,
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::{IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use std::{borrow::Cow, ops::Range};

/// Most inputs of one task.
const INPUTS: usize = 192;
/// Panels over which a result is summed in registers: so much of g and of W stays in the nearest cache.
const NEAR_PANELS: usize = 16;
/// Rows of g that stay in the second cache while a task's inputs pass by.
const ROWS: usize = 128;

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
    let k = w.panels().k();
    let (values, stride) = along_panels(g, &w.panels().widths(panels.clone()));
    let g = Rows { data: &values, n_cols: panels.len() * PANEL_WIDTH, stride, ..g };
    // Four tasks a thread at least, for balance.
    let n_inputs = (k / (4 * rayon::current_num_threads())).next_multiple_of(24).clamp(24, INPUTS);
    let blocks: Vec<usize> = (0..k).step_by(n_inputs).map(|at| n_inputs.min(k - at)).collect();
    let mut tasks: Vec<_> = split_columns(out, &blocks).into_iter().enumerate().collect();
    let panel_len = k * PANEL_WIDTH;
    let arch = Arch::new();
    let mut run = |values: &[f32], first: usize| {
        tasks.par_iter_mut().for_each(|(at, columns)| {
            let block =
                Block { g, panels: values, panel_len, first, start: *at * n_inputs, columns };
            arch.dispatch(block);
        });
    };
    if let Some(values) = w.in_memory() {
        run(&values[panels.start * panel_len..panels.end * panel_len], 0);
        return Ok(());
    }
    for first in (0..panels.len()).step_by(NEAR_PANELS) {
        let near = panels.start + first..panels.end.min(panels.start + first + NEAR_PANELS);
        let decoded = near
            .into_par_iter()
            .map(|panel| {
                let mut scratch = Vec::new();
                w.panel(panel, &mut scratch).map(<[f32]>::to_vec)
            })
            .collect::<Result<Vec<_>, _>>()?;
        run(&decoded.concat(), first);
    }
    Ok(())
}

/// g with its columns where the panels have them, and the distance between its rows: as it lies where every panel is
/// full, else copied with zeros between.
fn along_panels<'a>(g: Rows<'a>, widths: &[usize]) -> (Cow<'a, [f32]>, usize) {
    if widths.iter().all(|width| *width == PANEL_WIDTH) {
        return (Cow::Borrowed(g.data), g.stride);
    }
    let stride = widths.len() * PANEL_WIDTH;
    let mut values = vec![0f32; g.n_rows * stride];
    for (row, out) in values.chunks_exact_mut(stride).enumerate() {
        let mut rest = g.row(row);
        for (out, &width) in out.chunks_exact_mut(PANEL_WIDTH).zip(widths) {
            let (values, after) = rest.split_at(width);
            out[..width].copy_from_slice(values);
            rest = after;
        }
    }
    (Cow::Owned(values), stride)
}

/// Some inputs for all rows, some panels.
struct Block<'a, 'b, 'c> {
    g: Rows<'a>,
    panels: &'a [f32],
    panel_len: usize,
    /// Which of all panels is the first of `panels`.
    first: usize,
    /// The first input.
    start: usize,
    /// Where the results go, one slice a row.
    columns: &'b mut [&'c mut [f32]],
}

impl WithSimd for Block<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { g, panels, panel_len, first, start, columns } = self;
        let mut weights = Vec::new();
        let near_len = NEAR_PANELS * panel_len;
        for (at, near_panels) in panels.chunks(near_len).enumerate() {
            let first = first + at * NEAR_PANELS;
            let next_panels = panels.get((at + 1) * near_len..).unwrap_or_default();
            for (block, columns) in columns.chunks_mut(ROWS).enumerate() {
                let rows = &g.data[block * ROWS * g.stride + first * PANEL_WIDTH..];
                let mut near = Near {
                    g: Rows { data: rows, ..g },
                    panels: near_panels,
                    next_panels: &next_panels[..next_panels.len().min(near_len)],
                    panel_len,
                    start,
                    is_first: first == 0,
                    columns,
                    weights: &mut weights,
                };
                if S::REGISTER_COUNT >= 32 {
                    near.all_inputs::<S, 6, 4>(simd);
                } else {
                    near.all_inputs::<S, 4, 3>(simd);
                }
            }
        }
    }
}

/// As [`Block`], a few rows and panels.
struct Near<'a, 'b, 'c> {
    g: Rows<'a>,
    panels: &'a [f32],
    /// Those that come after them.
    next_panels: &'a [f32],
    panel_len: usize,
    start: usize,
    /// Nothing is in the columns yet.
    is_first: bool,
    columns: &'b mut [&'c mut [f32]],
    /// The weights of a few inputs side by side, `[panel][input][48]`: panels are so far apart that in place they would push
    /// one another out of the nearest cache.
    weights: &'b mut Vec<f32>,
}

impl Near<'_, '_, '_> {
    /// `I` inputs and `R` rows at a time.
    #[inline(always)]
    fn all_inputs<S: Simd, const I: usize, const R: usize>(&mut self, simd: S) {
        let n_inputs = self.columns.first().map_or(0, |columns| columns.len());
        let mut input = 0;
        while input + I <= n_inputs {
            self.all_rows::<S, I, R>(simd, input);
            input += I;
        }
        for input in input..n_inputs {
            self.all_rows::<S, 1, R>(simd, input);
        }
    }

    #[inline(always)]
    fn all_rows<S: Simd, const I: usize, const R: usize>(&mut self, simd: S, input: usize) {
        let offset = (self.start + input) * PANEL_WIDTH;
        self.weights.clear();
        for panel in self.panels.chunks_exact(self.panel_len) {
            self.weights.extend_from_slice(&panel[offset..offset + I * PANEL_WIDTH]);
        }
        // What is copied next is asked for meanwhile: the other inputs, then the first ones of the next panels.
        let n_inputs = self.columns.first().map_or(0, |columns| columns.len());
        let (panels, start) = if input + 2 * I <= n_inputs {
            (self.panels, offset + I * PANEL_WIDTH)
        } else {
            (self.next_panels, self.start * PANEL_WIDTH)
        };
        let mut ahead = panels.chunks_exact(self.panel_len);
        let n_rows = self.columns.len();
        let whole = n_rows - n_rows % R;
        let panels_a_tile = ahead.len().div_ceil((whole / R).max(1));
        for row in (0..whole).step_by(R) {
            for panel in ahead.by_ref().take(panels_a_tile) {
                prefetch(&panel[start..start + I * PANEL_WIDTH]);
            }
            self.tile::<S, I, R>(simd, input, row);
        }
        match n_rows - whole {
            3 => self.tile::<S, I, 3>(simd, input, whole),
            2 => self.tile::<S, I, 2>(simd, input, whole),
            1 => self.tile::<S, I, 1>(simd, input, whole),
            _ => {}
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const I: usize, const R: usize>(&mut self, simd: S, input: usize, row: usize) {
        let rows: [&[f32]; R] =
            std::array::from_fn(|of| &self.g.data[(row + of) * self.g.stride..]);
        let mut sums = [[simd.splat_f32s(0.0); I]; R];
        for (at, weights) in self.weights.chunks_exact(I * PANEL_WIDTH).enumerate() {
            // One reference to all inputs: one each would not fit into the registers that hold addresses.
            let Some(weights) = weights.as_chunks::<PANEL_WIDTH>().0.first_chunk::<I>() else {
                return;
            };
            let weights = weights.each_ref().map(|weights| S::as_simd_f32s(weights).0);
            let g = rows.map(|row| S::as_simd_f32s(&row[at * PANEL_WIDTH..][..PANEL_WIDTH]).0);
            for step in 0..PANEL_WIDTH / S::F32_LANES {
                let g = g.map(|g| g[step]);
                for (input, weights) in weights.iter().enumerate() {
                    for (sums, g) in sums.iter_mut().zip(g) {
                        sums[input] = simd.mul_add_e_f32s(weights[step], g, sums[input]);
                    }
                }
            }
        }
        for (sums, columns) in sums.into_iter().zip(&mut self.columns[row..]) {
            for (sum, out) in sums.into_iter().zip(&mut columns[input..]) {
                let sum = simd.reduce_sum_f32s(sum);
                *out = if self.is_first { sum } else { *out + sum };
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
