//! The transpose of attention, and the knock-out estimate that falls out of it. Heads run side by side; within a head the
//! query blocks run in order, so sums do not depend on the number of threads.

use crate::{
    attention::{AttentionShape, MIN_REST},
    kernels::{
        Rows,
        attention::{
            HeadKeys, QUERIES, head_rows, pattern_block, score_stride, slab_width, visible,
        },
        slab::{Left, SlabProduct},
    },
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

#[cfg(test)]
mod tests;

/// What comes back, summed over the query heads of each key head.
#[derive(Debug)]
pub struct Back {
    /// `[n_queries, n_heads * d_head]`, when true.
    pub g_q: Option<Vec<f32>>,
    /// `[n_keys, n_key_value_heads * d_head]`, when true.
    pub g_k: Option<Vec<f32>>,
    /// `[n_keys, n_key_value_heads * d_head]`
    pub g_v: Vec<f32>,
    /// `[n_keys]`
    pub knock_out: Vec<f32>,
}

struct HeadBack {
    g_q: Vec<f32>,
    g_k: Vec<f32>,
    g_v: Vec<f32>,
    knock_out: Vec<f64>,
}

struct HeadJob<'a> {
    q: Rows<'a>,
    z: Rows<'a>,
    g_z: Rows<'a>,
    keys: &'a HeadKeys,
    values: &'a HeadKeys,
    n_keys: usize,
    shape: &'a AttentionShape,
    is_true: bool,
}

impl WithSimd for HeadJob<'_> {
    type Output = HeadBack;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> HeadBack {
        let Self { q, z, g_z, keys, values, n_keys, shape, is_true } = self;
        let (d, stride, width) = (shape.d_head, score_stride(n_keys), slab_width(shape.d_head));
        let n_queries = q.n_rows;
        let mut out = HeadBack {
            g_q: vec![0f32; if is_true { n_queries * d } else { 0 }],
            g_k: vec![0f32; if is_true { n_keys * d } else { 0 }],
            g_v: vec![0f32; n_keys * d],
            knock_out: vec![0f64; n_keys],
        };
        let mut pattern = vec![0f32; QUERIES * stride];
        let mut g_pattern = vec![0f32; QUERIES * stride];
        let mut block_slab = vec![0f32; QUERIES * width];
        for start in (0..n_queries).step_by(QUERIES) {
            let rows = start..n_queries.min(start + QUERIES);
            let n_rows = rows.len();
            let first_query = shape.first_query + start;
            let n_seen = first_query + n_rows;
            let q_rows = head_rows(q, 0, d, rows.clone());
            let g_rows = head_rows(g_z, 0, d, rows.clone());

            pattern_block(simd, q_rows, keys, first_query, shape, &mut pattern, stride);
            values.dots(simd, g_rows, n_seen, &mut g_pattern, stride);
            for row in 0..n_rows {
                let query = first_query + row;
                let seen = visible(shape, query);
                let pattern = &pattern[row * stride..][seen.clone()];
                let g_pattern = &mut g_pattern[row * stride..][seen.clone()];
                let z_row = z.row(rows.start + row);
                let g_row = g_rows.row(row);
                let g_z_dot_z: f32 = z_row.iter().zip(g_row).map(|(z, g)| z * g).sum();
                knock_out_row(pattern, g_pattern, g_z_dot_z, &mut out.knock_out[seen.clone()]);
                if is_true {
                    // The row's mean gradient is g_z . z: the pattern-weighted mean of g_z . v.
                    let scale = shape.scale as f32;
                    for (g, a) in g_pattern.iter_mut().zip(pattern) {
                        *g = a * (*g - g_z_dot_z) * scale;
                    }
                }
            }
            fill_slab(&mut block_slab, g_rows, width);
            SlabProduct {
                x: &pattern,
                left: Left::ByInner(stride),
                n_rows: n_seen,
                k: n_rows,
                slab: &block_slab[..n_rows * width],
                width,
                out: &mut out.g_v,
                out_stride: d,
                out_cols: d,
                accumulate: true,
            }
            .run(simd);
            if !is_true {
                continue;
            }
            for (row, g) in g_pattern.chunks_exact_mut(stride).take(n_rows).enumerate() {
                let seen = visible(shape, first_query + row);
                g[..seen.start].fill(0.0);
                g[seen.end..].fill(0.0);
            }
            let at_once = keys.rows_at_once(n_rows);
            for row in (0..n_rows).step_by(at_once) {
                let first = visible(shape, first_query + row).start;
                let last = first_query + row + at_once;
                SlabProduct {
                    x: &g_pattern[row * stride + first..],
                    left: Left::ByRow(stride),
                    n_rows: at_once,
                    k: last - first,
                    slab: &keys.slab[first * width..last * width],
                    width,
                    out: &mut out.g_q[(start + row) * d..],
                    out_stride: d,
                    out_cols: d,
                    accumulate: false,
                }
                .run(simd);
            }
            fill_slab(&mut block_slab, q_rows, width);
            SlabProduct {
                x: &g_pattern,
                left: Left::ByInner(stride),
                n_rows: n_seen,
                k: n_rows,
                slab: &block_slab[..n_rows * width],
                width,
                out: &mut out.g_k,
                out_stride: d,
                out_cols: d,
                accumulate: true,
            }
            .run(simd);
        }
        out
    }
}

fn fill_slab(slab: &mut [f32], x: Rows<'_>, width: usize) {
    for (row, slab) in slab.chunks_exact_mut(width).take(x.n_rows).enumerate() {
        slab[..x.n_cols].copy_from_slice(x.row(row));
    }
}

/// Adds one query's terms of the knock-out estimate; the query itself is the last visible key and is left out.
/// `1 - A` of the one weight that can be above a half is the sum of the others, not a difference.
#[inline(always)]
fn knock_out_row(pattern: &[f32], g_pattern: &[f32], g_z_dot_z: f32, knock_out: &mut [f64]) {
    let others: f32 = pattern.iter().map(|&a| if a > 0.5 { 0.0 } else { a }).sum();
    let earlier = pattern.len() - 1;
    let pairs = pattern[..earlier].iter().zip(&g_pattern[..earlier]);
    for ((a, g), sum) in pairs.zip(knock_out) {
        let rest = if *a > 0.5 { others } else { 1.0 - a };
        *sum -= f64::from(a / rest.max(MIN_REST as f32) * (g_z_dot_z - g));
    }
}

/// Back through attention.
///
/// *Shapes*: q, z, g_z `[n_queries, n_heads * d_head]`, k and v `[n_keys, n_key_value_heads * d_head]`.
/// *Cost*: about 2.5 times the forward's when true, 1.5 times when linear; memory of one block of pattern rows per head.
pub fn attention_backward(
    (q, k, v): (Rows<'_>, Rows<'_>, Rows<'_>),
    z: Rows<'_>,
    g_z: Rows<'_>,
    shape: &AttentionShape,
    is_true: bool,
) -> Back {
    let (d, n_keys, n_queries) = (shape.d_head, k.n_rows, q.n_rows);
    let group = shape.n_heads / shape.n_key_value_heads;
    let prepared: Vec<(HeadKeys, HeadKeys)> = (0..shape.n_key_value_heads)
        .into_par_iter()
        .map(|head| {
            (HeadKeys::new(k, head, d, true, is_true), HeadKeys::new(v, head, d, true, false))
        })
        .collect();
    let arch = Arch::new();
    let heads: Vec<HeadBack> = (0..shape.n_heads)
        .into_par_iter()
        .with_max_len(1)
        .map(|head| {
            let (keys, values) = &prepared[head / group];
            let own = |x| head_rows(x, head, d, 0..n_queries);
            let job = HeadJob {
                q: own(q),
                z: own(z),
                g_z: own(g_z),
                keys,
                values,
                n_keys,
                shape,
                is_true,
            };
            arch.dispatch(job)
        })
        .collect();
    let sum_groups = |pick: fn(&HeadBack) -> &Vec<f32>| {
        let width = shape.n_key_value_heads * d;
        let mut out = vec![0f32; n_keys * width];
        for (head, back) in heads.iter().enumerate() {
            let column = head / group * d;
            for (out, values) in out.chunks_exact_mut(width).zip(pick(back).chunks_exact(d)) {
                for (out, value) in out[column..column + d].iter_mut().zip(values) {
                    *out += value;
                }
            }
        }
        out
    };
    let g_q = is_true.then(|| {
        let width = shape.n_heads * d;
        let mut out = vec![0f32; n_queries * width];
        for (head, back) in heads.iter().enumerate() {
            for (out, values) in out.chunks_exact_mut(width).zip(back.g_q.chunks_exact(d)) {
                out[head * d..][..d].copy_from_slice(values);
            }
        }
        out
    });
    let mut knock_out = vec![0f64; n_keys];
    for back in &heads {
        for (sum, term) in knock_out.iter_mut().zip(&back.knock_out) {
            *sum += term;
        }
    }
    Back {
        g_q,
        g_k: is_true.then(|| sum_groups(|back| &back.g_k)),
        g_v: sum_groups(|back| &back.g_v),
        knock_out: knock_out.into_iter().map(|score| score as f32).collect(),
    }
}
