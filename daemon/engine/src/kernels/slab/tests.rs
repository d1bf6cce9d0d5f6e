//! Small products against a loop in f64, whichever way the left-hand rows lie, on every kind of register of this machine.

use crate::kernels::slab::{Left, SlabProduct};
use proptest::prelude::{ProptestConfig, any, proptest};
use pulp::{Arch, Simd, WithSimd};

struct Run<'a>(SlabProduct<'a>);

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.0.run(simd);
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    n_rows: usize,
    k: usize,
    width: usize,
    out_cols: usize,
    by_inner: bool,
    accumulate: bool,
    gap: usize,
}

/// `out[r, c]` with `x[r, k]` and `slab[k, c]` from `values`, by the kernel, for the rows `rows`.
fn by_kernel(
    case: Case,
    x: &[f32],
    slab: &[f32],
    rows: std::ops::Range<usize>,
    run: &dyn Fn(Run<'_>),
) -> Vec<f32> {
    let (stride, out_stride) = if case.by_inner {
        (case.n_rows + case.gap, case.out_cols + case.gap)
    } else {
        (case.k + case.gap, case.out_cols + case.gap)
    };
    let mut laid = vec![f32::NAN; stride * case.k.max(case.n_rows) + case.n_rows + 1];
    for row in 0..case.n_rows {
        for k in 0..case.k {
            let at = if case.by_inner { k * stride + row } else { row * stride + k };
            laid[at] = x[row * case.k + k];
        }
    }
    let start = if case.by_inner { rows.start } else { rows.start * stride };
    let mut out = vec![0.5f32; rows.len().max(1) * out_stride];
    run(Run(SlabProduct {
        x: &laid[start..],
        left: if case.by_inner { Left::ByInner(stride) } else { Left::ByRow(stride) },
        n_rows: rows.len(),
        k: case.k,
        slab,
        width: case.width,
        out: &mut out,
        out_stride,
        out_cols: case.out_cols,
        accumulate: case.accumulate,
    }));
    for row in out.chunks_exact(out_stride).take(rows.len()) {
        assert!(row[case.out_cols..].iter().all(|value| *value == 0.5), "wrote past its columns");
    }
    out.chunks_exact(out_stride)
        .take(rows.len())
        .flat_map(|row| &row[..case.out_cols])
        .copied()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn products_are_those_of_a_loop(
        (n_rows, k, blocks, gap) in (0usize..19, 0usize..40, 1usize..9, 0usize..4),
        cut in 0usize..20,
        (by_inner, accumulate) in (any::<bool>(), any::<bool>()),
        seed in 1f32..100.0,
    ) {
        let width = 16 * blocks;
        let case = Case { n_rows, k, width, out_cols: width - cut.min(width - 1), by_inner, accumulate, gap };
        let value = |at: usize| 2.0 * (seed * (at % 1013) as f32).sin();
        let x: Vec<f32> = (0..n_rows * k).map(value).collect();
        let slab: Vec<f32> = (0..k * width).map(|at| value(at + 1000)).collect();
        let best = |run: Run<'_>| Arch::new().dispatch(run);
        let got = by_kernel(case, &x, &slab, 0..n_rows, &best);
        for row in 0..n_rows {
            for column in 0..case.out_cols {
                let terms = (0..k).map(|k| f64::from(x[row * case.k + k]) * f64::from(slab[k * width + column]));
                let want = terms.sum::<f64>() + if accumulate { 0.5 } else { 0.0 };
                let error = (f64::from(got[row * case.out_cols + column]) - want).abs();
                assert!(error < 1e-5 * (1.0 + k as f64), "{case:?} {row} {column}: {error:e}");
            }
        }
        // A row alone, and registers half as wide, give the same bits: each result is one chain.
        for row in 0..n_rows {
            let alone = by_kernel(case, &x, &slab, row..row + 1, &best);
            assert_eq!(alone, got[row * case.out_cols..][..case.out_cols], "{case:?} row {row}");
        }
        // One at a time, products are rounded before they are added: the same loop, not the same bits.
        let single = by_kernel(case, &x, &slab, 0..n_rows, &|run| run.with_simd(pulp::Scalar::new()));
        for (got, single) in got.iter().zip(&single) {
            assert!((got - single).abs() < 1e-5 * (1.0 + k as f32), "{case:?} {got} {single}");
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            let narrow = by_kernel(case, &x, &slab, 0..n_rows, &|run| Simd::vectorize(simd, run));
            assert_eq!(narrow, got, "{case:?} eight at a time");
        }
    }
}
