//! Causal attention: scores against panels of transposed keys, softmax, and the weighted sum of values. A pattern exists
//! for a block of query rows at a time. Every number is a fixed chain over dimensions or keys, whatever runs beside it.
//! What is not finite in a key or value reaches the queries that see it, as NaN, and no others.

use crate::{
    attention::AttentionShape,
    kernels::{
        Rows, RowsMut,
        activation::exp,
        product::split_columns,
        slab::{Left, SlabProduct},
    },
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, ParallelIterator, ParallelSliceMut,
};
use std::ops::Range;

pub(super) use forward_block::{ForwardBlock, KeyPart};

mod forward_block;
#[cfg(test)]
pub(super) mod plain_twin;
#[cfg(test)]
mod tests;

/// Keys in a panel of transposed keys.
pub(super) const PANEL: usize = 48;
/// Query rows whose pattern is in memory at once.
pub(super) const QUERIES: usize = 32;
/// Slabs are padded to a multiple of the widest register.
const ALIGN: usize = 16;

/// Keys or values of one head, ready for products.
#[derive(Debug)]
pub(super) struct HeadKeys {
    /// Transposed: `[panel][d_head][48]`.
    pub(super) panels: Vec<f32>,
    /// As rows: `[key][d_head padded]`.
    pub(super) slab: Vec<f32>,
    /// Whether every value of the slab is finite, so that a weight of 0 takes it out of a sum.
    pub(super) is_finite: bool,
}

/// `d_head` padded to the slab's width.
pub(super) fn slab_width(d_head: usize) -> usize {
    d_head.div_ceil(ALIGN) * ALIGN
}

/// Distance between rows of a block's scores.
pub(super) fn score_stride(n_keys: usize) -> usize {
    n_keys.div_ceil(PANEL) * PANEL
}

impl HeadKeys {
    /// One head's columns of keys (or values).
    pub(super) fn new(x: Rows<'_>, head: usize, d_head: usize, panels: bool, slab: bool) -> Self {
        let row = |key: usize| &x.row(key)[head * d_head..][..d_head];
        let mut out = Self { panels: Vec::new(), slab: Vec::new(), is_finite: true };
        if panels {
            out.panels = vec![0f32; score_stride(x.n_rows) * d_head];
            for (panel, values) in out.panels.chunks_exact_mut(PANEL * d_head).enumerate() {
                let first = panel * PANEL;
                for key in first..x.n_rows.min(first + PANEL) {
                    let column = values[key - first..].iter_mut().step_by(PANEL);
                    for (value, k) in column.zip(row(key)) {
                        *value = *k;
                    }
                }
            }
        }
        if slab {
            let width = slab_width(d_head);
            out.slab = vec![0f32; x.n_rows * width];
            for (key, values) in out.slab.chunks_exact_mut(width).enumerate() {
                values[..d_head].copy_from_slice(row(key));
            }
            // As whole numbers, because their maximum is found many at a time.
            let magnitudes = out.slab.iter().map(|value| value.to_bits() & 0x7fff_ffff);
            out.is_finite = magnitudes.fold(0, u32::max) < f32::INFINITY.to_bits();
        }
        out
    }

    /// How many rows of a block are multiplied with the slab at once. A row of the block that comes before a key has the
    /// weight 0 for it, and 0 times what is not finite is NaN: then each row is multiplied with its own keys only.
    pub(super) fn rows_at_once(&self, n_rows: usize) -> usize {
        if self.is_finite { n_rows.max(1) } else { 1 }
    }

    /// `out[r, key] = x[r] . key` for keys below `n_keys` (and up to the end of their panel).
    #[inline(always)]
    pub(super) fn dots<S: Simd>(
        &self,
        simd: S,
        x: Rows<'_>,
        n_keys: usize,
        out: &mut [f32],
        out_stride: usize,
    ) {
        let d_head = x.n_cols;
        for (panel, slab) in self.panels.chunks_exact(PANEL * d_head).enumerate() {
            if panel * PANEL >= n_keys {
                return;
            }
            SlabProduct {
                x: x.data,
                left: Left::ByRow(x.stride),
                n_rows: x.n_rows,
                k: d_head,
                slab,
                width: PANEL,
                out: &mut out[panel * PANEL..],
                out_stride,
                out_cols: PANEL,
                accumulate: false,
            }
            .run(simd);
        }
    }
}

/// The keys that a query sees.
pub(super) fn visible(shape: &AttentionShape, query: usize) -> Range<usize> {
    shape.window.map_or(0, |window| (query + 1).saturating_sub(window))..query + 1
}

/// Turns scores of one row into its pattern: scaled (by more than 0), exponentiated, divided by their sum; 0 where masked.
/// One visible score that is not finite makes all visible weights NaN.
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32], visible: Range<usize>, scale: f32) {
    let (before, rest) = scores.split_at_mut(visible.start);
    let (seen, after) = rest.split_at_mut(visible.len());
    before.fill(0.0);
    after.fill(0.0);
    let mut lanes = [f32::NEG_INFINITY; ALIGN];
    let (chunks, rest) = seen.as_chunks::<ALIGN>();
    for chunk in chunks {
        for (max, score) in lanes.iter_mut().zip(chunk) {
            *max = if *score > *max { *score } else { *max };
        }
    }
    let max = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max) * scale;
    let mut lanes = [0f32; ALIGN];
    let (chunks, rest) = seen.as_chunks_mut::<ALIGN>();
    for chunk in chunks {
        for (sum, score) in lanes.iter_mut().zip(chunk) {
            *score = weight(*score, scale, max);
            *sum += *score;
        }
    }
    for (sum, score) in lanes.iter_mut().zip(rest) {
        *score = weight(*score, scale, max);
        *sum += *score;
    }
    let sum: f64 = lanes.iter().map(|&lane| f64::from(lane)).sum();
    let scale = (1.0 / sum) as f32;
    for score in seen {
        *score *= scale;
    }
}

/// `exp(score * scale - max)`; exp is clamped, and what is that far below is 0. The 0 is a product, so that minus
/// infinity, which no finite key gives, becomes NaN and not a weight.
#[inline(always)]
fn weight(score: f32, scale: f32, max: f32) -> f32 {
    let value = score.mul_add(scale, -max);
    if value < -87.0 { value * -0.0 } else { exp(value) }
}

/// Pattern of a block of query rows of one head, `[rows][score_stride]`.
#[inline(always)]
pub(super) fn pattern_block<S: Simd>(
    simd: S,
    q: Rows<'_>,
    keys: &HeadKeys,
    first_query: usize,
    shape: &AttentionShape,
    scores: &mut [f32],
    stride: usize,
) {
    let n_seen = first_query + q.n_rows;
    keys.dots(simd, q, n_seen, scores, stride);
    for (row, scores) in scores.chunks_exact_mut(stride).take(q.n_rows).enumerate() {
        softmax(scores, visible(shape, first_query + row), shape.scale as f32);
    }
}

/// One head's columns of a block of rows, which may be none.
pub(super) fn head_rows<'a>(
    x: Rows<'a>,
    head: usize,
    d_head: usize,
    rows: Range<usize>,
) -> Rows<'a> {
    Rows {
        data: x.data.get(rows.start * x.stride + head * d_head..).unwrap_or_default(),
        n_rows: rows.len(),
        n_cols: d_head,
        stride: x.stride,
    }
}

/// `z` of every head.
///
/// *Shapes*: q, out `[n_queries, n_heads * d_head]`, k and v `[n_keys, n_key_value_heads * d_head]`.
pub fn attention(q: Rows<'_>, k: Rows<'_>, v: Rows<'_>, shape: &AttentionShape, out: RowsMut<'_>) {
    let d_head = shape.d_head;
    let prepared: Vec<(HeadKeys, HeadKeys)> = (0..shape.n_key_value_heads)
        .into_par_iter()
        .map(|head| {
            let keys = HeadKeys::new(k, head, d_head, true, false);
            (keys, HeadKeys::new(v, head, d_head, false, true))
        })
        .collect();
    let group = shape.n_heads / shape.n_key_value_heads;
    let mut columns = split_columns(out, &vec![d_head; shape.n_heads]);
    let mut tasks: Vec<_> = columns
        .iter_mut()
        .enumerate()
        .flat_map(|(head, columns)| {
            columns.chunks_mut(QUERIES).enumerate().map(move |(block, out)| (block, head, out))
        })
        .collect();
    // Later queries see more keys: the long tasks first.
    tasks.sort_by_key(|(block, head, _)| (std::cmp::Reverse(*block), *head));
    let arch = Arch::new();
    tasks.into_par_iter().with_max_len(4).for_each_init(Vec::new, |scratch, (block, head, out)| {
        let start = block * QUERIES;
        let (keys, values) = &prepared[head / group];
        arch.dispatch(ForwardBlock {
            q: head_rows(q, head, d_head, start..start + out.len()),
            parts: &[KeyPart { keys, values, first: 0, n_keys: k.n_rows }],
            first_query: shape.first_query + start,
            shape,
            hidden: &[],
            forced: &[],
            scratch,
            out,
        });
    });
}

/// What [`rows_by_head`] computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The attention pattern, exactly 0 where masked.
    Pattern,
    /// Products as they are; 0 or a product after the query.
    Dots,
}

struct RowBlock<'a> {
    q: Rows<'a>,
    keys: &'a HeadKeys,
    first_query: usize,
    shape: &'a AttentionShape,
    scores: &'a mut [f32],
    stride: usize,
    kind: RowKind,
}

impl WithSimd for RowBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { q, keys, first_query, shape, scores, stride, kind } = self;
        match kind {
            RowKind::Pattern => pattern_block(simd, q, keys, first_query, shape, scores, stride),
            RowKind::Dots => {
                let n_seen = first_query + q.n_rows;
                keys.dots(simd, q, n_seen, scores, stride);
            }
        }
    }
}

/// Pattern rows, or plain products, of every head.
///
/// *Shapes*: q `[n_queries, n_heads * d_head]`, k `[n_keys, ..]` -> `[n_heads, n_queries, n_keys]`.
pub fn rows_by_head(q: Rows<'_>, k: Rows<'_>, shape: &AttentionShape, kind: RowKind) -> Vec<f32> {
    let (n_queries, n_keys, d_head) = (q.n_rows, k.n_rows, shape.d_head);
    let group = shape.n_heads / shape.n_key_value_heads;
    let prepared: Vec<HeadKeys> = (0..shape.n_key_value_heads)
        .into_par_iter()
        .map(|head| HeadKeys::new(k, head, d_head, true, false))
        .collect();
    let stride = score_stride(n_keys);
    let arch = Arch::new();
    let mut out = vec![0f32; shape.n_heads * n_queries * n_keys];
    let heads = out.par_chunks_mut((n_queries * n_keys).max(1)).enumerate();
    heads.for_each(|(head, out)| {
        let blocks = out.par_chunks_mut((QUERIES * n_keys).max(1)).enumerate();
        blocks.for_each_init(
            || vec![0f32; QUERIES * stride],
            |scores, (block, out)| {
                let start = block * QUERIES;
                let rows = start..n_queries.min(start + QUERIES);
                arch.dispatch(RowBlock {
                    q: head_rows(q, head, d_head, rows),
                    keys: &prepared[head / group],
                    first_query: shape.first_query + start,
                    shape,
                    scores,
                    stride,
                    kind,
                });
                for (out, scores) in out.chunks_exact_mut(n_keys).zip(scores.chunks_exact(stride)) {
                    out.copy_from_slice(&scores[..n_keys]);
                }
            },
        );
    });
    out
}
