//! Attention of new positions one at a time, on keys and values that grow where they lie: a token costs one column of a
//! panel and one row of a slab a head, never a copy of what is there. The same bits as `attention` on all positions.

use crate::{
    attention::{AttentionShape, HiddenKeys},
    kernels::{
        Rows,
        attention::{ForwardBlock, HeadKeys, KeyPart, PANEL, slab_width},
    },
};
use pulp::Arch;
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};

/// Keys from which on the heads are shared out over threads: with fewer, waking one costs as much as it saves.
const PARALLEL_KEYS: usize = 384;

/// Keys and values of one layer, by head, ready for products.
#[derive(Debug)]
pub struct GrowingKeys {
    d_head: usize,
    n_keys: usize,
    heads: Vec<Head>,
    /// One a query head.
    scratch: Vec<Vec<f32>>,
}

#[derive(Debug)]
struct Head {
    keys: HeadKeys,
    values: HeadKeys,
}

impl GrowingKeys {
    /// None yet, with room for `room` of them.
    pub fn new(shape: &AttentionShape, room: usize) -> Self {
        let (d_head, width) = (shape.d_head, slab_width(shape.d_head));
        let head = |_| Head {
            keys: HeadKeys::with_room(room.div_ceil(PANEL) * PANEL * d_head, 0),
            values: HeadKeys::with_room(0, room * width),
        };
        Self {
            d_head,
            n_keys: 0,
            heads: (0..shape.n_key_value_heads).map(head).collect(),
            scratch: vec![Vec::new(); shape.n_heads],
        }
    }

    /// How many there are.
    pub fn n_keys(&self) -> usize {
        self.n_keys
    }

    /// Forgets all but the first `n_keys`.
    pub fn truncate(&mut self, n_keys: usize) {
        self.n_keys = self.n_keys.min(n_keys);
    }

    /// Adds the next position's key and value.
    ///
    /// *Shapes*: k, v `[n_key_value_heads * d_head]`.
    pub fn push(&mut self, k: &[f32], v: &[f32]) {
        let (d_head, at) = (self.d_head, self.n_keys);
        let parts = k.chunks_exact(d_head).zip(v.chunks_exact(d_head));
        for (head, (k, v)) in self.heads.iter_mut().zip(parts) {
            head.keys.set_panel_column(at, k);
            head.values.set_slab_row(at, v);
        }
        self.n_keys += 1;
    }

    /// `z` of the last position, from its query.
    ///
    /// *Shapes*: q, out `[n_heads * d_head]`; `hidden` keys have no part in it. *Cost*: `4 n_heads d_head n_keys` flops.
    pub fn attend(
        &mut self,
        q: &[f32],
        shape: &AttentionShape,
        hidden: &[HiddenKeys],
        out: &mut [f32],
    ) {
        let (d_head, n_keys) = (self.d_head, self.n_keys);
        let (heads, group) = (&self.heads, shape.n_heads / shape.n_key_value_heads);
        let arch = Arch::new();
        let one = |(index, (out, scratch)): (usize, (&mut [f32], &mut Vec<f32>))| {
            let Head { keys, values } = &heads[index / group];
            let hidden: Vec<&HiddenKeys> = hidden.iter().filter(|of| of.is_of(index)).collect();
            arch.dispatch(ForwardBlock {
                q: Rows::dense(&q[index * d_head..][..d_head], d_head),
                parts: &[KeyPart { keys, values, first: 0, n_keys }],
                first_query: n_keys - 1,
                shape,
                hidden: &hidden,
                forced: &[],
                scratch,
                out: &mut [out],
            });
        };
        if n_keys < PARALLEL_KEYS {
            out.chunks_exact_mut(d_head).zip(&mut self.scratch).enumerate().for_each(one);
        } else {
            let scratch = self.scratch.par_chunks_mut(1).map(|scratch| &mut scratch[0]);
            out.par_chunks_exact_mut(d_head).zip(scratch).enumerate().for_each(one);
        }
    }
}

impl HeadKeys {
    fn with_room(panels: usize, slab: usize) -> Self {
        let (panels, slab) = (Vec::with_capacity(panels), Vec::with_capacity(slab));
        Self { panels, slab, is_finite: true }
    }

    /// Writes the key at place `at`, the one behind those that are there or one of them.
    fn set_panel_column(&mut self, at: usize, key: &[f32]) {
        let (first, size) = (at / PANEL * PANEL * key.len(), PANEL * key.len());
        if self.panels.len() < first + size {
            self.panels.resize(first + size, 0.0);
        }
        let column = self.panels[first + at % PANEL..].iter_mut().step_by(PANEL);
        for (slot, value) in column.zip(key) {
            *slot = *value;
        }
    }

    /// Writes the value at place `at`, the one behind those that are there or one of them.
    fn set_slab_row(&mut self, at: usize, value: &[f32]) {
        let width = slab_width(value.len());
        self.slab.resize((at + 1) * width, 0.0);
        self.slab[at * width..][..value.len()].copy_from_slice(value);
        self.is_finite &= value.iter().all(|value| value.is_finite());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{RowsMut, attention::attention};

    #[test]
    fn one_by_one_and_all_at_once_are_the_same_bits() {
        for (n_tokens, window) in [(1, None), (100, None), (100, Some(7)), (450, Some(300))] {
            let shape = AttentionShape {
                n_heads: 6,
                n_key_value_heads: 3,
                d_head: 20,
                scale: 0.3,
                window,
                first_query: 0,
            };
            let values = |n: usize, seed: usize| -> Vec<f32> {
                (0..n).map(|at| ((at * 7919 + seed * 31) % 1013) as f32 / 400.0 - 1.2).collect()
            };
            let (q, k, v) =
                (values(n_tokens * 120, 1), values(n_tokens * 60, 2), values(n_tokens * 60, 3));
            let mut want = vec![0f32; q.len()];
            attention(
                Rows::dense(&q, 120),
                Rows::dense(&k, 60),
                Rows::dense(&v, 60),
                &shape,
                RowsMut { data: &mut want, n_rows: n_tokens, n_cols: 120, stride: 120 },
            );
            let mut growing = GrowingKeys::new(&shape, 5);
            for at in 0..n_tokens {
                // What was added and taken back leaves no trace.
                growing.push(&vec![9.0; 60], &vec![9.0; 60]);
                growing.truncate(at);
                growing.push(&k[at * 60..][..60], &v[at * 60..][..60]);
                let mut z = vec![0f32; 120];
                growing.attend(&q[at * 120..][..120], &shape, &[], &mut z);
                assert_eq!(z, want[at * 120..][..120], "{n_tokens} {window:?} {at}");
            }
        }
    }
}
