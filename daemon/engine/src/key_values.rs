//! Keys and values of one layer that grow where they lie, while a text is continued: a token adds a row and copies nothing.

use crate::{
    attention::{AttentionShape, HiddenKeys, attention},
    attention_of_runs::{AllKeys, QuerySpan, RunKeys, attention_of_runs},
    device::{Compute, Way},
    error::EngineError,
    kernels::attention_step::GrowingKeys,
    pos_tensor::{HostPiece, PosTensor},
};
use candle_core::Tensor;

/// Keys and values of one layer.
#[derive(Debug)]
pub enum KeyValues {
    /// Laid out for the kernels.
    Kernels(GrowingKeys),
    /// Tensors with room behind their rows.
    Plain {
        /// `[room, n_key_value_heads * d_head]`
        k: Tensor,
        /// The same of the values.
        v: Tensor,
        /// Rows in use.
        n_keys: usize,
    },
}

impl KeyValues {
    /// The keys and values of a prompt, with room for `room` positions in all.
    pub(crate) fn behind(
        k: &PosTensor,
        v: &PosTensor,
        shape: &AttentionShape,
        room: usize,
        compute: &Compute,
    ) -> Result<Self, EngineError> {
        let n_keys = k.n_rows();
        let room = room.max(n_keys);
        if compute.way == Way::Kernels {
            let mut growing = GrowingKeys::new(shape, room);
            let (k, v) = (k.host()?, v.host()?);
            for at in 0..n_keys {
                growing.push(k.row(at), v.row(at));
            }
            return Ok(Self::Kernels(growing));
        }
        let with_room = |x: &PosTensor| -> Result<Tensor, EngineError> {
            let x = x.tensor()?.contiguous()?;
            let buffer = Tensor::zeros((room, x.dims2()?.1), x.dtype(), x.device())?;
            buffer.slice_set(&x, 0, 0)?;
            Ok(buffer)
        };
        Ok(Self::Plain { k: with_room(k)?, v: with_room(v)?, n_keys })
    }

    /// Forgets all but the first `n_keys` positions.
    pub(crate) fn truncate(&mut self, n_keys: usize) {
        match self {
            Self::Kernels(growing) => growing.truncate(n_keys),
            Self::Plain { n_keys: n, .. } => *n = (*n).min(n_keys),
        }
    }

    /// Adds the new positions' keys and values, and attends from them to all but the hidden keys.
    ///
    /// *Shapes*: q `[new_pos, n_heads * d_head]`, k and v `[new_pos, n_key_value_heads * d_head]` -> z like q.
    pub(crate) fn attend(
        &mut self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        shape: &AttentionShape,
        hidden: &[HiddenKeys],
    ) -> Result<Tensor, EngineError> {
        let ((n_new, width), d_kv) = (q.dims2()?, k.dims2()?.1);
        match self {
            Self::Kernels(growing) => {
                let (q, k, v) = (HostPiece::new(q)?, HostPiece::new(k)?, HostPiece::new(v)?);
                let (q, k, v) = (q.rows(n_new, width), k.rows(n_new, d_kv), v.rows(n_new, d_kv));
                let mut z = vec![0f32; n_new * width];
                for (row, z) in z.chunks_exact_mut(width).enumerate() {
                    growing.push(k.row(row), v.row(row));
                    growing.attend(q.row(row), shape, hidden, z);
                }
                Ok(Tensor::from_vec(z, (n_new, width), &candle_core::Device::Cpu)?)
            }
            Self::Plain { k: keys, v: values, n_keys } => {
                let n = *n_keys + n_new;
                for (buffer, new) in [(&mut *keys, k), (&mut *values, v)] {
                    if buffer.dims2()?.0 < n {
                        let larger = Tensor::zeros((2 * n, d_kv), buffer.dtype(), buffer.device())?;
                        larger.slice_set(buffer, 0, 0)?;
                        *buffer = larger;
                    }
                    buffer.slice_set(&new.contiguous()?, 0, *n_keys)?;
                }
                *n_keys = n;
                let (keys, values) = (keys.narrow(0, 0, n)?, values.narrow(0, 0, n)?);
                if hidden.is_empty() {
                    return attention(q, &keys, &values, shape, Way::Plain);
                }
                let run =
                    RunKeys { n_clean: n, rows: 0..0, hidden: hidden.to_vec(), forced: Vec::new() };
                let span = QuerySpan { run: 0, n_rows: n_new, first_query: n - n_new };
                let none = keys.narrow(0, 0, 0)?;
                let keys = AllKeys { clean: (&keys, &values), own: (&none, &none) };
                attention_of_runs(q, keys, &[run], &[span], shape, Way::Plain)
            }
        }
    }
}
