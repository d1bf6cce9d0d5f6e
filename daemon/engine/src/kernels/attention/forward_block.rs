//! Attention of a block of query rows of one head: scores, softmax, weighted values, over keys that may lie in several parts.

use crate::{
    attention::{AttentionShape, ForcedPattern, HiddenKeys},
    kernels::{
        Rows,
        attention::{HeadKeys, score_stride, slab_width, softmax, visible},
        slab::{Left, SlabProduct},
    },
};
use pulp::{Simd, WithSimd};

/// Keys and values of one head at positions from `first` on.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct KeyPart<'a> {
    pub(in crate::kernels) keys: &'a HeadKeys,
    pub(in crate::kernels) values: &'a HeadKeys,
    pub(in crate::kernels) first: usize,
    pub(in crate::kernels) n_keys: usize,
}

/// `z` of a block of query rows of one head.
pub(in crate::kernels) struct ForwardBlock<'a, 'b> {
    pub(in crate::kernels) q: Rows<'a>,
    /// Ascending and without gaps, from position 0 on. Where they are parted leaves no trace in the sums.
    pub(in crate::kernels) parts: &'a [KeyPart<'a>],
    pub(in crate::kernels) first_query: usize,
    pub(in crate::kernels) shape: &'a AttentionShape,
    /// What is kept from queries of this head.
    pub(in crate::kernels) hidden: &'a [&'a HiddenKeys],
    /// Rows that stand in the place of patterns.
    pub(in crate::kernels) forced: &'a [&'a ForcedPattern],
    pub(in crate::kernels) scratch: &'a mut Vec<f32>,
    pub(in crate::kernels) out: &'a mut [&'b mut [f32]],
}

impl ForwardBlock<'_, '_> {
    /// The pattern of one row from its scores.
    #[inline(always)]
    fn pattern(&self, row: usize, scores: &mut [f32]) {
        let (query, scale) = (self.first_query + row, self.shape.scale as f32);
        let seen = visible(self.shape, query);
        let hidden = self.hidden.iter().filter(|hidden| hidden.queries.contains(&query));
        let hidden =
            hidden.map(|hidden| hidden.keys.start.max(seen.start)..hidden.keys.end.min(seen.end));
        let hidden = hidden.filter(|keys| !keys.is_empty());
        for keys in hidden.clone() {
            // Far below every score, and finite also when it is scaled.
            scores[keys].fill(f32::MIN * 0.25 / scale.max(1.0));
        }
        softmax(scores, seen.clone(), scale);
        for keys in hidden {
            // Scores that are as far below would let hidden keys be seen: they count as an overflow.
            if scores[keys].iter().any(|weight| *weight != 0.0) {
                scores[seen.clone()].fill(f32::NAN);
            }
        }
        for forced in self.forced.iter().filter(|forced| forced.query == query) {
            let n = seen.end.min(forced.weights.len());
            scores[..seen.end].fill(0.0);
            scores[..n].copy_from_slice(&forced.weights[..n]);
        }
    }
}

impl WithSimd for ForwardBlock<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (width, n_rows) = (slab_width(self.shape.d_head), self.q.n_rows);
        let ends = self.parts.iter().map(|part| part.first + score_stride(part.n_keys));
        let stride = ends.max().unwrap_or(0);
        let mut scratch = std::mem::take(self.scratch);
        scratch.resize(n_rows * (stride + width), 0.0);
        let (scores, z) = scratch.split_at_mut(n_rows * stride);
        let n_seen = self.first_query + n_rows;
        for part in self.parts {
            let n_keys = n_seen.saturating_sub(part.first).min(part.n_keys);
            part.keys.dots(simd, self.q, n_keys, &mut scores[part.first..], stride);
        }
        for (row, scores) in scores.chunks_exact_mut(stride).take(n_rows).enumerate() {
            self.pattern(row, scores);
        }
        let is_finite = self.parts.iter().all(|part| part.values.is_finite);
        let at_once = if is_finite { n_rows.max(1) } else { 1 };
        for row in (0..n_rows).step_by(at_once) {
            // A forced pattern may look past the window.
            let first = match self.forced {
                [] => visible(self.shape, self.first_query + row).start,
                _ => 0,
            };
            let last = self.first_query + row + at_once;
            for (index, part) in self.parts.iter().enumerate() {
                let (from, to) = (first.max(part.first), last.min(part.first + part.n_keys));
                if index > 0 && from >= to {
                    continue;
                }
                let skipped = from.min(to.max(part.first)) - part.first;
                SlabProduct {
                    x: &scores[row * stride + from.min(stride)..],
                    left: Left::ByRow(stride),
                    n_rows: at_once,
                    k: to.saturating_sub(from),
                    slab: &part.values.slab[skipped * width..],
                    width,
                    out: &mut z[row * width..],
                    out_stride: width,
                    out_cols: self.shape.d_head,
                    accumulate: index > 0,
                }
                .run(simd);
            }
        }
        for (out, z) in self.out.iter_mut().zip(z.chunks_exact(width)) {
            out.copy_from_slice(&z[..out.len()]);
        }
        *self.scratch = scratch;
    }
}
