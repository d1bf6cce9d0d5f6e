//! Attention where several changed runs of one prompt are computed side by side: each sees the clean prompt's keys up to where it
//! departs, and its own from there on.

use crate::{
    attention::{AttentionShape, ForcedPattern, HiddenKeys},
    device::Way,
    error::EngineError,
};
use candle_core::{D, Tensor};
use std::ops::Range;

/// Scores that are in memory at once on the plain way.
const MOST_SCORES: usize = 1 << 26;
/// Queries of a span whose scores are in memory at once.
const MOST_ROWS: usize = 1024;

/// What the queries of one run see.
#[derive(Clone, Debug)]
pub struct RunKeys {
    /// Positions, from 0 on, whose keys are the clean prompt's.
    pub n_clean: usize,
    /// Its own keys, those of the positions behind, as rows of the keys of all runs.
    pub rows: Range<usize>,
    /// Keys that are kept from it.
    pub hidden: Vec<HiddenKeys>,
    /// Rows of patterns that are given.
    pub forced: Vec<ForcedPattern>,
}

/// Queries of one run at positions side by side.
#[derive(Clone, Debug)]
pub struct QuerySpan {
    /// Index of the run.
    pub run: usize,
    /// How many.
    pub n_rows: usize,
    /// Position of the first.
    pub first_query: usize,
}

/// The clean prompt's keys and values, and those of all runs.
#[derive(Clone, Copy, Debug)]
pub struct AllKeys<'a> {
    /// `[pos, n_key_value_heads * d_head]`
    pub clean: (&'a Tensor, &'a Tensor),
    /// `[rows, n_key_value_heads * d_head]`
    pub own: (&'a Tensor, &'a Tensor),
}

/// Attention output before the output projection.
///
/// *Shapes*: q `[queries, n_heads * d_head]`, in the order of the spans -> z like q. *Cost*: as attention of each run alone, with the
/// clean keys laid out once.
///
/// # Errors
/// The device refused.
pub fn attention_of_runs(
    q: &Tensor,
    keys: AllKeys<'_>,
    runs: &[RunKeys],
    spans: &[QuerySpan],
    shape: &AttentionShape,
    way: Way,
) -> Result<Tensor, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::attention_of_runs(q, keys, runs, spans, shape);
    }
    let (mut out, mut first_row) = (Vec::new(), 0);
    let parts = |span: &QuerySpan| {
        let QuerySpan { run, n_rows, first_query } = *span;
        let part = move |start| QuerySpan {
            run,
            n_rows: MOST_ROWS.min(n_rows - start),
            first_query: first_query + start,
        };
        (0..n_rows).step_by(MOST_ROWS).map(part)
    };
    let spans: Vec<QuerySpan> = spans.iter().flat_map(parts).collect();
    // Spans of a batch are about as long, so padding them to the longest wastes little.
    let mut rest = spans.as_slice();
    while !rest.is_empty() {
        let n_keys = |span: &QuerySpan| runs[span.run].n_clean + runs[span.run].rows.len();
        let (mut n_spans, mut most_rows, mut most_keys) = (0, 0, 0);
        for span in rest {
            let (rows, keys) = (most_rows.max(span.n_rows), most_keys.max(n_keys(span)));
            if n_spans > 0 && (n_spans + 1) * rows * keys * shape.n_heads > MOST_SCORES {
                break;
            }
            (n_spans, most_rows, most_keys) = (n_spans + 1, rows, keys);
        }
        let (batch, behind) = rest.split_at(n_spans);
        rest = behind;
        let padded = Padded { runs, spans: batch, n_rows: most_rows, n_keys: most_keys, shape };
        out.push(padded.attention(q, keys, first_row)?);
        first_row += batch.iter().map(|span| span.n_rows).sum::<usize>();
    }
    Ok(if out.is_empty() { q.zeros_like()? } else { Tensor::cat(&out, 0)? })
}

/// Spans side by side, each with as many rows and keys as the largest.
struct Padded<'a> {
    runs: &'a [RunKeys],
    spans: &'a [QuerySpan],
    n_rows: usize,
    n_keys: usize,
    shape: &'a AttentionShape,
}

impl Padded<'_> {
    fn attention(
        &self,
        q: &Tensor,
        keys: AllKeys<'_>,
        first_row: usize,
    ) -> Result<Tensor, EngineError> {
        let Self { spans, n_rows, n_keys, shape, .. } = *self;
        let (n, n_kv, group, d) =
            (spans.len(), shape.n_key_value_heads, shape.group_size(), shape.d_head);
        let index = |rows: Vec<u32>| Tensor::new(rows, q.device());
        // Rows of the padded queries; those past a span's end repeat its last one.
        let (mut rows, mut back, mut start) = (Vec::new(), Vec::new(), first_row);
        for (at, span) in spans.iter().enumerate() {
            let padded = (0..n_rows).map(|row| (start + row.min(span.n_rows - 1)) as u32);
            rows.extend(padded);
            back.extend((0..span.n_rows).map(|row| (at * n_rows + row) as u32));
            start += span.n_rows;
        }
        // Of a clean run they may be columns of q, k and v side by side.
        let q = q
            .contiguous()?
            .index_select(&index(rows)?, 0)?
            .reshape((n, n_rows, n_kv, group, d))?
            .permute((0, 2, 3, 1, 4))?
            .reshape((n * n_kv, group * n_rows, d))?;
        let by_head = |clean: &Tensor, own: &Tensor| -> Result<Tensor, EngineError> {
            let all = match own.dims2()?.0 {
                0 => clean.contiguous()?,
                _ => Tensor::cat(&[clean, own], 0)?,
            };
            let rows = index(self.key_rows(clean.dims2()?.0))?;
            Ok(all
                .index_select(&rows, 0)?
                .reshape((n, n_keys, n_kv, d))?
                .transpose(1, 2)?
                .reshape((n * n_kv, n_keys, d))?)
        };
        let k = by_head(keys.clean.0, keys.own.0)?;
        let v = by_head(keys.clean.1, keys.own.1)?;
        let scores =
            (q.matmul(&k.t()?)? * shape.scale)?.reshape((n, shape.n_heads, n_rows, n_keys))?;
        let scores = scores.broadcast_add(&self.mask(&scores)?)?;
        let exp = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
        let mut pattern = exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)?;
        if let Some((is_forced, weights)) = self.forced(&pattern)? {
            pattern = is_forced.where_cond(&weights, &pattern)?;
        }
        let z = pattern.reshape((n * n_kv, group * n_rows, n_keys))?.matmul(&v)?;
        let z = z
            .reshape((n, n_kv, group, n_rows, d))?
            .permute((0, 3, 1, 2, 4))?
            .reshape((n * n_rows, shape.n_heads * d))?;
        Ok(z.index_select(&index(back)?, 0)?)
    }

    /// The row of each padded key, clean ones first; past a run's end the first of all, which no query sees.
    fn key_rows(&self, n_clean_rows: usize) -> Vec<u32> {
        let mut rows = Vec::with_capacity(self.spans.len() * self.n_keys);
        for span in self.spans {
            let run = &self.runs[span.run];
            let own = run.rows.clone().map(|row| n_clean_rows + row);
            let padding = std::iter::repeat(0);
            rows.extend(
                (0..run.n_clean).chain(own).chain(padding).take(self.n_keys).map(|row| row as u32),
            );
        }
        rows
    }

    /// 0 where a query sees a key, -inf elsewhere: `[span, 1 or head, rows, keys]`.
    fn mask(&self, like: &Tensor) -> Result<Tensor, EngineError> {
        let Self { spans, n_rows, n_keys, shape, runs } = *self;
        let is_by_head = |span: &QuerySpan| runs[span.run].hidden.iter().any(|h| h.head.is_some());
        let n_heads = if spans.iter().any(is_by_head) { shape.n_heads } else { 1 };
        let mut mask = vec![f32::NEG_INFINITY; spans.len() * n_heads * n_rows * n_keys];
        for (at, row) in mask.chunks_exact_mut(n_keys).enumerate() {
            let (span, head) = (&spans[at / n_rows / n_heads], at / n_rows % n_heads);
            let query = span.first_query + (at % n_rows).min(span.n_rows - 1);
            let first = shape.window.map_or(0, |window| (query + 1).saturating_sub(window));
            row[first..=query].fill(0.0);
            let hidden = runs[span.run].hidden.iter();
            for hidden in hidden.filter(|h| h.is_of(head) && h.queries.contains(&query)) {
                let keys = hidden.keys.start.min(n_keys)..hidden.keys.end.min(n_keys);
                row[keys].fill(f32::NEG_INFINITY);
            }
        }
        let shape = (spans.len(), n_heads, n_rows, n_keys);
        let mask = Tensor::from_vec(mask, shape, &candle_core::Device::Cpu)?;
        Ok(mask.to_dtype(like.dtype())?.to_device(like.device())?)
    }

    /// Which rows are given, and what they are; none where no run has any.
    fn forced(&self, pattern: &Tensor) -> Result<Option<(Tensor, Tensor)>, EngineError> {
        if self.spans.iter().all(|span| self.runs[span.run].forced.is_empty()) {
            return Ok(None);
        }
        let (n_heads, n_rows, n_keys) = (self.shape.n_heads, self.n_rows, self.n_keys);
        let n = pattern.elem_count();
        let (mut is_forced, mut weights) = (vec![0u8; n], vec![0f32; n]);
        for (at, span) in self.spans.iter().enumerate() {
            for row in &self.runs[span.run].forced {
                let Some(query) = row.query.checked_sub(span.first_query) else { continue };
                if query >= span.n_rows {
                    continue;
                }
                let start = ((at * n_heads + row.head) * n_rows + query) * n_keys;
                is_forced[start..start + n_keys].fill(1);
                let n_seen = row.weights.len().min(row.query + 1).min(n_keys);
                weights[start..start + n_seen].copy_from_slice(&row.weights[..n_seen]);
            }
        }
        let host = &candle_core::Device::Cpu;
        let is_forced = Tensor::from_vec(is_forced, pattern.shape(), host)?;
        let weights = Tensor::from_vec(weights, pattern.shape(), host)?;
        let (device, dtype) = (pattern.device(), pattern.dtype());
        Ok(Some((is_forced.to_device(device)?, weights.to_dtype(dtype)?.to_device(device)?)))
    }
}
