//! LayerNorm and RMSNorm over the last axis, and their transposes.

use crate::{
    device::{Compute, Way},
    error::EngineError,
    model_spec::{NormKind, NormSpec},
};
use candle_core::{D, Tensor};

/// A weight vector, on the host and on the device.
#[derive(Clone, Debug)]
pub struct Vector {
    /// On the host.
    pub host: Vec<f32>,
    /// On the device, in the dtype of activations.
    pub tensor: Tensor,
}

impl Vector {
    /// Puts values on the device.
    ///
    /// *Shapes*: `[n]` both there and here. *Cost*: one copy.
    ///
    /// # Errors
    /// The device refused.
    pub fn new(host: Vec<f32>, compute: &Compute) -> Result<Self, EngineError> {
        let tensor =
            Tensor::new(host.as_slice(), &compute.device)?.to_dtype(compute.activation_dtype())?;
        Ok(Self { host, tensor })
    }
}

/// Whether norms, patterns and gates are differentiated or held constant on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradients {
    /// The gradient of the model.
    True,
    /// Pattern, norm denominators and MLP gates are constants, so that what remains is linear in the residual stream.
    Linear,
}

/// One norm with its weights. The weight already includes the `+1` of families that store `w - 1`.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Kind and eps.
    pub spec: NormSpec,
    /// Multiplies the normed vector.
    pub weight: Vector,
    /// Added to it (LayerNorm).
    pub bias: Option<Vector>,
}

impl Norm {
    /// Norms each row.
    ///
    /// *Shapes*: x `[rows, n]` -> `[rows, n]`, n the length of the weight.
    ///
    /// # Errors
    /// The device refused.
    pub fn forward(&self, x: &Tensor, way: Way) -> Result<Tensor, EngineError> {
        if way == Way::Kernels {
            return crate::kernel_ops::norm_forward(self, x);
        }
        let (centred, denominator) = self.centre_and_denominator(x)?;
        let y = centred.broadcast_div(&denominator)?.broadcast_mul(&self.weight.tensor)?;
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(&bias.tensor)?,
            None => y,
        })
    }

    /// `g_x` from `g`, the gradient at the output.
    ///
    /// *Shapes*: x, g `[rows, n]` -> `[rows, n]`. *Source*: attribution definitions, true and linear rows of the norms.
    ///
    /// # Errors
    /// The device refused.
    pub fn backward(
        &self,
        x: &Tensor,
        g: &Tensor,
        gradients: Gradients,
        way: Way,
    ) -> Result<Tensor, EngineError> {
        if way == Way::Kernels {
            return crate::kernel_ops::norm_backward(self, x, g, gradients);
        }
        let (centred, denominator) = self.centre_and_denominator(x)?;
        let u = g.broadcast_mul(&self.weight.tensor)?.broadcast_div(&denominator)?;
        let normed = centred.broadcast_div(&denominator)?;
        let u = match self.spec.kind {
            NormKind::LayerNorm => u.broadcast_sub(&u.mean_keepdim(D::Minus1)?)?,
            NormKind::RmsNorm => u,
        };
        if gradients == Gradients::Linear {
            return Ok(u);
        }
        let along = (&u * &normed)?.mean_keepdim(D::Minus1)?;
        Ok((u - normed.broadcast_mul(&along)?)?)
    }

    /// `weight / denominator` of each row: what a part of the un-normed vector is multiplied by, the norm frozen.
    ///
    /// *Shapes*: x `[rows, n]` -> `[rows, n]`.
    ///
    /// # Errors
    /// The device refused.
    pub fn frozen_factor(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let (_, denominator) = self.centre_and_denominator(x)?;
        Ok(self.weight.tensor.unsqueeze(0)?.broadcast_div(&denominator)?)
    }

    fn centre_and_denominator(&self, x: &Tensor) -> Result<(Tensor, Tensor), EngineError> {
        let centred = match self.spec.kind {
            NormKind::LayerNorm => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
            NormKind::RmsNorm => x.clone(),
        };
        let mean_square = centred.sqr()?.mean_keepdim(D::Minus1)?;
        // 0, or NaN where squares are out of range: a norm of 0 would hide that.
        let excess = (&mean_square * 0.0)?;
        Ok((centred, ((mean_square + self.spec.eps)? + excess)?.sqrt()?))
    }
}

/// `a + b`, both `[rows, n]`.
///
/// # Errors
/// The device refused.
pub fn add(a: &Tensor, b: &Tensor, way: Way) -> Result<Tensor, EngineError> {
    match way {
        Way::Kernels => crate::kernel_ops::add(a, b),
        Way::Plain => Ok((a + b)?),
    }
}
