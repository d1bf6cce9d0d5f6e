//! `x W^T` on panels. Every output is one chain of fused multiply-adds over the inputs in order, so its value does not
//! depend on how many rows or threads run beside it.

use crate::kernels::{
    Rows, RowsMut,
    packed::{PANEL_WIDTH, PanelSource},
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, ParallelIterator, ParallelSliceMut,
};
use std::ops::Range;

/// Rows of x that share a panel's values in registers.
const ROWS: usize = 8;
/// Blocks of rows that are worth a thread's waking when they are packed.
const PACK_BLOCKS: usize = 8;
/// Registers a panel's values are read into at a time.
const VECTORS: usize = 3;

/// `out[t, n] = sum_k x[t, k] W[n, k] (+ bias[n])` for the outputs of `sections` and the inputs of `inputs`.
///
/// *Shapes*: x `[rows, inputs]`, bias `[n of the sections]`, out `[rows, n of the sections]`.
/// *Cost*: `2 rows n k` flops; panels are read once per call.
///
/// # Errors
/// A panel cannot be decoded.
pub fn product<W: PanelSource>(
    x: Rows<'_>,
    w: &W,
    sections: &Range<usize>,
    inputs: Range<usize>,
    bias: Option<&[f32]>,
    out: RowsMut<'_>,
) -> Result<(), W::Error> {
    let panels = w.panels().panels_of(sections);
    let widths = w.panels().widths(panels.clone());
    let blocks = pack_rows(x);
    let columns = split_columns(out, &widths);
    let mut first_output = 0;
    let tasks: Vec<_> = panels
        .zip(columns)
        .zip(widths)
        .map(|((panel, columns), width)| {
            let task = (panel, columns, bias.map(|bias| &bias[first_output..first_output + width]));
            first_output += width;
            task
        })
        .collect();
    let arch = Arch::new();
    tasks.into_par_iter().with_min_len(2).try_for_each_init(
        Vec::new,
        |scratch, (panel, mut columns, bias)| {
            let panel =
                &w.panel(panel, scratch)?[inputs.start * PANEL_WIDTH..inputs.end * PANEL_WIDTH];
            arch.dispatch(PanelProduct {
                x: &blocks,
                panel,
                k: inputs.len(),
                bias,
                columns: &mut columns,
            });
            Ok(())
        },
    )
}

/// x in blocks of eight rows, `[block][k][8]`, rows of the last block that do not exist left out: `[k][rest]`.
struct PackedRows {
    data: Vec<f32>,
    n_rows: usize,
}

fn pack_rows(x: Rows<'_>) -> PackedRows {
    let mut data = vec![0f32; x.n_rows * x.n_cols];
    let blocks =
        data.par_chunks_mut((ROWS * x.n_cols).max(1)).enumerate().with_min_len(PACK_BLOCKS);
    blocks.for_each(|(block, out)| {
        let first = block * ROWS;
        let n = ROWS.min(x.n_rows - first);
        for row in 0..n {
            for (out, value) in out[row..].iter_mut().step_by(n).zip(x.row(first + row)) {
                *out = *value;
            }
        }
    });
    PackedRows { data, n_rows: x.n_rows }
}

/// The columns of `out` that belong to each panel, as one slice per row.
pub(super) fn split_columns<'a>(out: RowsMut<'a>, widths: &[usize]) -> Vec<Vec<&'a mut [f32]>> {
    let mut columns: Vec<Vec<&'a mut [f32]>> =
        widths.iter().map(|_| Vec::with_capacity(out.n_rows)).collect();
    for row in out.data.chunks_mut(out.stride).take(out.n_rows) {
        let mut rest = row;
        for (columns, &width) in columns.iter_mut().zip(widths) {
            let (column, after) = rest.split_at_mut(width);
            columns.push(column);
            rest = after;
        }
    }
    columns
}

struct PanelProduct<'a, 'b> {
    x: &'a PackedRows,
    panel: &'a [f32],
    k: usize,
    bias: Option<&'a [f32]>,
    columns: &'a mut [&'b mut [f32]],
}

impl WithSimd for PanelProduct<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, panel, k, bias, columns } = self;
        let block_len = ROWS * k;
        for (block, columns) in columns.chunks_mut(ROWS).enumerate() {
            let start = block * block_len;
            let x = &x.data[start..(start + block_len).min(x.n_rows * k)];
            // Few registers (AVX2): eight rows would not fit, so they are taken four and four.
            match columns.len() {
                8 if S::REGISTER_COUNT >= 32 => rows::<S, 8, 8>(simd, x, 0, panel, bias, columns),
                8 => {
                    let (first, second) = columns.split_at_mut(4);
                    rows::<S, 4, 8>(simd, x, 0, panel, bias, first);
                    rows::<S, 4, 8>(simd, x, 4, panel, bias, second);
                }
                7 => rows::<S, 7, 7>(simd, x, 0, panel, bias, columns),
                6 => rows::<S, 6, 6>(simd, x, 0, panel, bias, columns),
                5 => rows::<S, 5, 5>(simd, x, 0, panel, bias, columns),
                4 => rows::<S, 4, 4>(simd, x, 0, panel, bias, columns),
                3 => rows::<S, 3, 3>(simd, x, 0, panel, bias, columns),
                2 => rows::<S, 2, 2>(simd, x, 0, panel, bias, columns),
                _ => rows::<S, 1, 1>(simd, x, 0, panel, bias, columns),
            }
        }
    }
}

/// `R` rows from `first` on of a block of `B` against one panel.
#[inline(always)]
fn rows<S: Simd, const R: usize, const B: usize>(
    simd: S,
    x: &[f32],
    first: usize,
    panel: &[f32],
    bias: Option<&[f32]>,
    columns: &mut [&mut [f32]],
) {
    let lanes = S::F32_LANES;
    let mut group = 0;
    while group * lanes < PANEL_WIDTH {
        if (group + VECTORS) * lanes <= PANEL_WIDTH {
            tile::<S, R, B, VECTORS>(simd, x, first, panel, group, bias, columns);
            group += VECTORS;
        } else {
            tile::<S, R, B, 1>(simd, x, first, panel, group, bias, columns);
            group += 1;
        }
    }
}

/// `R` rows by `C` registers of outputs, the whole of k in registers.
#[inline(always)]
fn tile<S: Simd, const R: usize, const B: usize, const C: usize>(
    simd: S,
    x: &[f32],
    first: usize,
    panel: &[f32],
    group: usize,
    bias: Option<&[f32]>,
    columns: &mut [&mut [f32]],
) {
    let lanes = S::F32_LANES;
    let (panel, _) = S::as_simd_f32s(panel);
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for (x, weights) in x.chunks_exact(B).zip(panel.chunks_exact(PANEL_WIDTH / lanes)) {
        let weights: &[S::f32s] = &weights[group..group + C];
        for row in 0..R {
            let x = simd.splat_f32s(x[first + row]);
            for column in 0..C {
                sums[row][column] = simd.mul_add_e_f32s(x, weights[column], sums[row][column]);
            }
        }
    }
    let start = group * lanes;
    for (sums, out) in sums.iter().zip(columns) {
        if start >= out.len() {
            return;
        }
        let end = out.len().min(start + C * lanes);
        let mut values = [0f32; PANEL_WIDTH];
        for (sum, values) in sums.iter().zip(S::as_mut_simd_f32s(&mut values).0) {
            *values = *sum;
        }
        let out = &mut out[start..end];
        out.copy_from_slice(&values[..end - start]);
        if let Some(bias) = bias {
            for (out, bias) in out.iter_mut().zip(&bias[start..end]) {
                *out += bias;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::packed::PackedMatrix;
    use proptest::prelude::{Strategy, prop, proptest};

    fn plain(x: &[f32], w: &[f32], k: usize) -> Vec<f32> {
        x.chunks(k)
            .flat_map(|x| {
                w.chunks(k)
                    .map(move |w| x.iter().zip(w).fold(0.0f32, |sum, (x, w)| x.mul_add(*w, sum)))
            })
            .collect()
    }

    fn values(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    fn run(x: &[f32], w: &PackedMatrix, sections: Range<usize>, n: usize, k: usize) -> Vec<f32> {
        let n_rows = x.len() / k;
        let mut out = vec![f32::NAN; n_rows * n];
        let rows = RowsMut { data: &mut out, n_rows, n_cols: n, stride: n };
        product(Rows::dense(x, k), w, &sections, 0..k, None, rows).unwrap();
        out
    }

    fn sizes() -> impl Strategy<Value = (usize, usize, Vec<usize>, u32)> {
        (1..20usize, 1..70usize, prop::collection::vec(1..120usize, 1..4), 0..1000u32)
    }

    proptest! {
        #[test]
        fn panels_and_the_plain_product_agree((n_rows, k, sections, seed) in sizes()) {
            let n: usize = sections.iter().sum();
            let (x, w) = (values(n_rows * k, seed), values(n * k, seed + 1));
            let packed = PackedMatrix::pack(k, &sections, |row, out| {
                out.copy_from_slice(&w[row * k..][..k]);
                Ok::<(), ()>(())
            }).unwrap();
            let got = run(&x, &packed, 0..sections.len(), n, k);
            for (got, want) in got.iter().zip(plain(&x, &w, k)) {
                assert!((got - want).abs() <= 1e-5 * (1.0 + want.abs()), "{got} {want}");
            }
            let last = sections.len() - 1;
            let n_last = sections[last];
            let tail = run(&x, &packed, last..last + 1, n_last, k);
            for row in 0..n_rows {
                assert_eq!(&tail[row * n_last..][..n_last], &got[row * n + n - n_last..][..n_last]);
            }
        }

        #[test]
        fn a_row_does_not_depend_on_its_neighbours((n_rows, k, sections, seed) in sizes()) {
            let n: usize = sections.iter().sum();
            let (x, w) = (values(n_rows * k, seed), values(n * k, seed + 1));
            let packed = PackedMatrix::pack(k, &sections, |row, out| {
                out.copy_from_slice(&w[row * k..][..k]);
                Ok::<(), ()>(())
            }).unwrap();
            let together = run(&x, &packed, 0..sections.len(), n, k);
            for row in 0..n_rows {
                let alone = run(&x[row * k..][..k], &packed, 0..sections.len(), n, k);
                assert_eq!(alone, &together[row * n..][..n]);
            }
        }
    }
}
