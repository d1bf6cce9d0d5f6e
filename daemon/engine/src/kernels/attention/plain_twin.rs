//! Attention as it is defined, in loops over f64, and random inputs of any shape: what the kernels are tested against.

use crate::{attention::AttentionShape, kernels::Rows};
use proptest::prelude::{Strategy, any};

/// Inputs of one call.
#[derive(Clone)]
pub(in crate::kernels) struct Case {
    pub(in crate::kernels) shape: AttentionShape,
    pub(in crate::kernels) n_queries: usize,
    pub(in crate::kernels) n_keys: usize,
    /// `[n_queries, n_heads * d_head]`
    pub(in crate::kernels) q: Vec<f32>,
    /// `[n_keys, n_key_value_heads * d_head]`
    pub(in crate::kernels) k: Vec<f32>,
    /// Likewise.
    pub(in crate::kernels) v: Vec<f32>,
    /// A gradient at z, like q.
    pub(in crate::kernels) g_z: Vec<f32>,
}

impl std::fmt::Debug for Case {
    /// Its dimensions: they are what a failure is read by.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} queries, {} keys, {:?}", self.n_queries, self.n_keys, self.shape)
    }
}

/// Values between -1 and 1 from a seed.
struct Values(u64);

impl Values {
    fn take(&mut self, n: usize) -> Vec<f32> {
        let mut next = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((self.0 >> 40) as f32 / (1u64 << 23) as f32) - 1.0
        };
        (0..n).map(|_| next()).collect()
    }
}

/// Cases of every shape: odd head widths, grouped heads, windows, queries that start late, keys that no query sees.
pub(in crate::kernels) fn cases(
    most_queries: usize,
    most_first: usize,
    widths: &'static [usize],
) -> impl Strategy<Value = Case> {
    let dims = (0..widths.len(), 1usize..4, 1usize..4);
    let places = (0..=most_queries, 0..=most_first, 0usize..4, 0usize..60);
    (dims, places, any::<u64>(), 0.1f32..6.0).prop_map(
        |((width, n_kv, group), (n_queries, first_query, later, window), seed, spread)| {
            let (d_head, n_heads) = (widths[width], n_kv * group);
            let n_keys = first_query + n_queries + later;
            let mut values = Values(seed);
            // The wider the spread, the sharper the patterns.
            let scale = f64::from(spread) / (d_head as f64).sqrt();
            Case {
                shape: AttentionShape {
                    n_heads,
                    n_key_value_heads: n_kv,
                    d_head,
                    scale,
                    window: (1..40).contains(&window).then_some(window),
                    first_query,
                },
                n_queries,
                n_keys,
                q: values.take(n_queries * n_heads * d_head),
                k: values.take(n_keys * n_kv * d_head),
                v: values.take(n_keys * n_kv * d_head),
                g_z: values.take(n_queries * n_heads * d_head),
            }
        },
    )
}

impl Case {
    /// Columns of q.
    pub(in crate::kernels) fn d_q(&self) -> usize {
        self.shape.n_heads * self.shape.d_head
    }

    /// Columns of k and v.
    pub(in crate::kernels) fn d_kv(&self) -> usize {
        self.shape.n_key_value_heads * self.shape.d_head
    }

    /// q, k, v as rows.
    pub(in crate::kernels) fn rows(&self) -> (Rows<'_>, Rows<'_>, Rows<'_>) {
        let (d_q, d_kv) = (self.d_q(), self.d_kv());
        (Rows::dense(&self.q, d_q), Rows::dense(&self.k, d_kv), Rows::dense(&self.v, d_kv))
    }

    /// The definition, in f64.
    pub(in crate::kernels) fn plain(&self) -> Plain {
        let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
        Plain {
            shape: self.shape,
            n_queries: self.n_queries,
            n_keys: self.n_keys,
            q: wide(&self.q),
            k: wide(&self.k),
            v: wide(&self.v),
        }
    }
}

/// The same inputs in f64.
#[derive(Clone)]
pub(in crate::kernels) struct Plain {
    shape: AttentionShape,
    n_queries: usize,
    n_keys: usize,
    pub(in crate::kernels) q: Vec<f64>,
    pub(in crate::kernels) k: Vec<f64>,
    pub(in crate::kernels) v: Vec<f64>,
}

impl Plain {
    /// One head's vector of a row of q-like values.
    pub(in crate::kernels) fn of_query<'a>(
        &self,
        x: &'a [f64],
        query: usize,
        head: usize,
    ) -> &'a [f64] {
        let d = self.shape.d_head;
        &x[(query * self.shape.n_heads + head) * d..][..d]
    }

    /// The vector of a row of k-like values that a head reads.
    pub(in crate::kernels) fn of_key<'a>(
        &self,
        x: &'a [f64],
        key: usize,
        head: usize,
    ) -> &'a [f64] {
        let (d, n_kv) = (self.shape.d_head, self.shape.n_key_value_heads);
        &x[(key * n_kv + head * n_kv / self.shape.n_heads) * d..][..d]
    }

    /// Weights of one query and head over all keys; a key in `hidden` is masked too.
    pub(in crate::kernels) fn pattern(
        &self,
        query: usize,
        head: usize,
        hidden: Option<usize>,
    ) -> Vec<f64> {
        let at = self.shape.first_query + query;
        let window = self.shape.window.unwrap_or(usize::MAX);
        let score = |key: usize| {
            let is_seen = key <= at && at - key < window && hidden != Some(key);
            if !is_seen {
                return f64::NEG_INFINITY;
            }
            self.shape.scale
                * dot(self.of_query(&self.q, query, head), self.of_key(&self.k, key, head))
        };
        let scores: Vec<f64> = (0..self.n_keys).map(score).collect();
        let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - max).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }

    /// `z` of one query and head under some weights.
    pub(in crate::kernels) fn weighted(&self, pattern: &[f64], head: usize) -> Vec<f64> {
        let mut z = vec![0f64; self.shape.d_head];
        for (key, weight) in pattern.iter().enumerate() {
            for (z, v) in z.iter_mut().zip(self.of_key(&self.v, key, head)) {
                *z += weight * v;
            }
        }
        z
    }

    /// `z` of everything, like q.
    pub(in crate::kernels) fn z(&self) -> Vec<f64> {
        let rows = (0..self.n_queries)
            .flat_map(|query| (0..self.shape.n_heads).map(move |head| (query, head)));
        rows.flat_map(|(query, head)| self.weighted(&self.pattern(query, head, None), head))
            .collect()
    }
}

pub(in crate::kernels) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
