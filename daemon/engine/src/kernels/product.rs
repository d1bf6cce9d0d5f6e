//! `x W^T` on panels. Every output is one chain of fused multiply-adds over the inputs in order, so its value does not
//! depend on how many rows or threads run beside it.

use crate::kernels::{
    Rows, RowsMut,
    packed::{PANEL_WIDTH, PanelSource},
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use std::ops::Range;

/// Rows of x that share a panel's values in registers, and stay in the nearest cache while a group of panels passes by.
const ROWS: usize = 8;
/// As [`ROWS`], where there are few registers (AVX2).
const FEW_ROWS: usize = 6;
/// Most panels in a group: they stay in the second cache while the rows pass by.
const GROUP: usize = 8;
/// Inputs in one turn of the inner loop: its counting competes with the multiplications for ports.
const UNROLL: usize = 4;
/// Registers a panel's values are read into at a time.
const VECTORS: usize = 3;
/// As [`VECTORS`], where there are few registers: twelve sums, two values of the panel and one of x are fifteen of sixteen.
const FEW_VECTORS: usize = 2;

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
    // Two groups a thread at least, for balance.
    let n_groups = 2 * rayon::current_num_threads();
    let group = (panels.len() / n_groups).clamp(1, GROUP);
    let group_widths: Vec<usize> = widths.chunks(group).map(|widths| widths.iter().sum()).collect();
    let columns = split_columns(out, &group_widths);
    let mut first_output = 0;
    let mut tasks = Vec::with_capacity(columns.len());
    for (at, columns) in columns.into_iter().enumerate() {
        let first = at * group;
        let bias = bias.map(|bias| &bias[first_output..first_output + group_widths[at]]);
        first_output += group_widths[at];
        let widths = &widths[first..widths.len().min(first + group)];
        tasks.push((panels.start + first, widths, columns, bias));
    }
    let arch = Arch::new();
    let used = inputs.start * PANEL_WIDTH..inputs.end * PANEL_WIDTH;
    tasks.into_par_iter().try_for_each_init(
        || vec![Vec::new(); group],
        |scratch, (first, widths, mut columns, bias)| {
            let mut group = Vec::with_capacity(widths.len());
            let mut start = 0;
            for (at, (&width, scratch)) in widths.iter().zip(scratch).enumerate() {
                let values = &w.panel(first + at, scratch)?[used.clone()];
                group.push(Panel { values, columns: start..start + width });
                start += width;
            }
            arch.dispatch(GroupProduct { x, group: &group, bias, columns: &mut columns });
            Ok(())
        },
    )
}

/// One panel of a group.
struct Panel<'a> {
    /// `[k][48]`
    values: &'a [f32],
    /// Where its outputs are among the group's.
    columns: Range<usize>,
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

struct GroupProduct<'a, 'b> {
    x: Rows<'a>,
    group: &'a [Panel<'a>],
    bias: Option<&'a [f32]>,
    columns: &'a mut [&'b mut [f32]],
}

impl WithSimd for GroupProduct<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, group, bias, columns } = self;
        let has_many = S::REGISTER_COUNT >= 32;
        let n_rows = if has_many { ROWS } else { FEW_ROWS };
        for (block, out) in columns.chunks_mut(n_rows).enumerate() {
            let x = Rows { data: &x.data[block * n_rows * x.stride..], ..x };
            for panel in group {
                match out.len() {
                    8 if has_many => rows::<S, 8, VECTORS>(simd, x, panel, out),
                    7 if has_many => rows::<S, 7, VECTORS>(simd, x, panel, out),
                    6 if has_many => rows::<S, 6, VECTORS>(simd, x, panel, out),
                    5 if has_many => rows::<S, 5, VECTORS>(simd, x, panel, out),
                    6 => rows::<S, 6, FEW_VECTORS>(simd, x, panel, out),
                    5 => rows::<S, 5, FEW_VECTORS>(simd, x, panel, out),
                    4 => rows::<S, 4, VECTORS>(simd, x, panel, out),
                    3 => rows::<S, 3, VECTORS>(simd, x, panel, out),
                    2 => rows::<S, 2, VECTORS>(simd, x, panel, out),
                    _ => rows::<S, 1, VECTORS>(simd, x, panel, out),
                }
            }
            if let Some(bias) = bias {
                for out in out {
                    for (out, bias) in out.iter_mut().zip(bias) {
                        *out += bias;
                    }
                }
            }
        }
    }
}

/// `R` rows against one panel, `C` registers of it at a time.
#[inline(always)]
fn rows<S: Simd, const R: usize, const C: usize>(
    simd: S,
    x: Rows<'_>,
    panel: &Panel<'_>,
    out: &mut [&mut [f32]],
) {
    let lanes = S::F32_LANES;
    let mut group = 0;
    while group * lanes < PANEL_WIDTH {
        if (group + C) * lanes <= PANEL_WIDTH {
            tile::<S, R, C>(simd, x, panel, group, out);
            group += C;
        } else {
            tile::<S, R, 1>(simd, x, panel, group, out);
            group += 1;
        }
    }
}

/// `R` rows by `C` registers of outputs, the whole of k in registers.
#[inline(always)]
fn tile<S: Simd, const R: usize, const C: usize>(
    simd: S,
    x: Rows<'_>,
    panel: &Panel<'_>,
    group: usize,
    out: &mut [&mut [f32]],
) {
    let lanes = S::F32_LANES;
    let k = panel.values.len() / PANEL_WIDTH;
    let (weights, _) = S::as_simd_f32s(panel.values);
    let vectors = PANEL_WIDTH / lanes;
    let n_steps = k / UNROLL;
    let x: [&[f32]; R] = std::array::from_fn(|row| &x.data[row * x.stride..][..k]);
    let steps = x.map(|x| &x.as_chunks::<UNROLL>().0[..n_steps]);
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for (step, weights) in (0..n_steps).zip(weights.chunks_exact(UNROLL * vectors)) {
        for input in 0..UNROLL {
            let weights = &weights[input * vectors + group..][..C];
            for row in 0..R {
                let x = simd.splat_f32s(steps[row][step][input]);
                for column in 0..C {
                    sums[row][column] = simd.mul_add_e_f32s(x, weights[column], sums[row][column]);
                }
            }
        }
    }
    for input in n_steps * UNROLL..k {
        let weights = &weights[input * vectors + group..][..C];
        for row in 0..R {
            let x = simd.splat_f32s(x[row][input]);
            for column in 0..C {
                sums[row][column] = simd.mul_add_e_f32s(x, weights[column], sums[row][column]);
            }
        }
    }
    let start = panel.columns.start + group * lanes;
    let n = (C * lanes).min(panel.columns.end.saturating_sub(start));
    for (sums, out) in sums.iter().zip(out) {
        if n == C * lanes {
            S::as_mut_simd_f32s(&mut out[start..start + n]).0.copy_from_slice(sums);
        } else if n > 0 {
            let mut values = [0f32; PANEL_WIDTH];
            S::as_mut_simd_f32s(&mut values).0[..C].copy_from_slice(sums);
            out[start..start + n].copy_from_slice(&values[..n]);
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
