//! Rotary position embedding of q and k, and its transpose (the opposite turn).

use crate::{
    device::{Compute, Way},
    error::EngineError,
    model_spec::RotarySpec,
};
use candle_core::{D, Tensor};

/// Cosines and sines of one rotary series for a range of positions.
#[derive(Clone, Debug)]
pub struct RotaryTable {
    /// `[pos, d_rotary / 2]`
    pub cos: Tensor,
    /// `[pos, d_rotary / 2]`
    pub sin: Tensor,
    d_rotary: usize,
}

/// Which way vectors are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// By the angle of the position.
    Forward,
    /// Back by it: the transpose.
    Back,
}

impl RotaryTable {
    /// The table for positions `0 .. n_pos`.
    ///
    /// *Shapes*: cos and sin `[n_pos, d_rotary / 2]`. *Cost*: as many of each.
    ///
    /// # Errors
    /// The device refused.
    pub fn new(spec: &RotarySpec, n_pos: usize, compute: &Compute) -> Result<Self, EngineError> {
        let frequencies = spec.frequencies();
        let angles: Vec<f64> =
            (0..n_pos).flat_map(|pos| frequencies.iter().map(move |f| pos as f64 * f)).collect();
        let table = |function: fn(f64) -> f64| -> Result<Tensor, EngineError> {
            let values: Vec<f64> = angles.iter().map(|&angle| function(angle)).collect();
            let values =
                Tensor::from_vec(values, (n_pos, frequencies.len()), &candle_core::Device::Cpu)?;
            Ok(values.to_dtype(compute.activation_dtype())?.to_device(&compute.device)?)
        };
        Ok(Self { cos: table(f64::cos)?, sin: table(f64::sin)?, d_rotary: spec.d_rotary })
    }

    /// Positions in the table.
    pub fn n_pos(&self) -> usize {
        self.cos.dims()[0]
    }

    /// The rows of positions `start .. start + len`, counted from the table's first.
    ///
    /// *Shapes*: `[len, d_rotary / 2]`. *Cost*: none; the rows are shared.
    ///
    /// # Errors
    /// Out of range.
    pub fn narrow(&self, start: usize, len: usize) -> Result<Self, EngineError> {
        Ok(Self {
            cos: self.cos.narrow(0, start, len)?,
            sin: self.sin.narrow(0, start, len)?,
            d_rotary: self.d_rotary,
        })
    }

    /// The rows of these positions, counted from the table's first, in this order.
    ///
    /// *Shapes*: `[positions, d_rotary / 2]`. *Cost*: a copy of the rows.
    ///
    /// # Errors
    /// Out of range.
    pub fn select(&self, positions: &[u32]) -> Result<Self, EngineError> {
        let index = Tensor::new(positions, self.cos.device())?;
        Ok(Self {
            cos: self.cos.index_select(&index, 0)?,
            sin: self.sin.index_select(&index, 0)?,
            d_rotary: self.d_rotary,
        })
    }

    /// Turns the first `d_rotary` dimensions of every head: pairs (i, i + d_rotary / 2).
    ///
    /// *Shapes*: x `[pos, n_heads * d_head]` -> the same.
    ///
    /// # Errors
    /// The device refused.
    pub fn turn(
        &self,
        x: &Tensor,
        d_head: usize,
        turn: Turn,
        way: Way,
    ) -> Result<Tensor, EngineError> {
        if way == Way::Kernels {
            return crate::kernel_ops::rotary(self, x, d_head, turn);
        }
        let (n_pos, width) = x.dims2()?;
        let x = x.reshape((n_pos, width / d_head, d_head))?;
        let half = self.d_rotary / 2;
        let (first, second) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
        let (cos, sin) = (self.cos.unsqueeze(1)?, self.sin.unsqueeze(1)?);
        let sin = if turn == Turn::Back { sin.neg()? } else { sin };
        let turned_first = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
        let turned_second = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
        let mut parts = vec![turned_first, turned_second];
        if self.d_rotary < d_head {
            parts.push(x.narrow(D::Minus1, self.d_rotary, d_head - self.d_rotary)?);
        }
        Ok(Tensor::cat(&parts, D::Minus1)?.reshape((n_pos, width))?)
    }
}
