//! The element-wise half of an MLP: from what goes into the non-linearity to the neuron vector, and back.
//! The products around it are in `block`.

use crate::{device::Way, error::EngineError, model_spec::Activation, norm::Gradients};
use candle_core::{D, Tensor};

/// What one MLP's non-linearity looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MlpShape {
    /// Neurons.
    pub d_mlp: usize,
    /// `post = act(pre) * pre_linear` with pre (gate) and pre_linear (up) side by side, instead of `act(pre)`.
    pub gated: bool,
    /// The non-linearity.
    pub activation: Activation,
}

/// The neuron vector.
///
/// *Shapes*: mlp_in `[pos, d_mlp]`, gated `[pos, gate then up: 2 * d_mlp]` -> `[pos, d_mlp]`.
///
/// # Errors
/// The device refused.
pub fn post(mlp_in: &Tensor, shape: MlpShape, way: Way) -> Result<Tensor, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::mlp_post(mlp_in, shape);
    }
    let pre = mlp_in.narrow(D::Minus1, 0, shape.d_mlp)?;
    let activated = activate(&pre, shape.activation)?;
    if shape.gated {
        Ok((activated * mlp_in.narrow(D::Minus1, shape.d_mlp, shape.d_mlp)?)?)
    } else {
        Ok(activated)
    }
}

/// Gradient at `mlp_in`. Linear and gated: only the up half, `[pos, d_mlp]`, because the gate is a constant;
/// otherwise of the shape of `mlp_in`.
///
/// # Errors
/// The device refused.
pub fn post_backward(
    mlp_in: &Tensor,
    g_post: &Tensor,
    shape: MlpShape,
    gradients: Gradients,
    way: Way,
) -> Result<Tensor, EngineError> {
    if way == Way::Kernels {
        return crate::kernel_ops::mlp_backward(mlp_in, g_post, shape, gradients);
    }
    let pre = mlp_in.narrow(D::Minus1, 0, shape.d_mlp)?;
    match (shape.gated, gradients) {
        (true, Gradients::Linear) => Ok((g_post * activate(&pre, shape.activation)?)?),
        (true, Gradients::True) => {
            let up = mlp_in.narrow(D::Minus1, shape.d_mlp, shape.d_mlp)?;
            let g_pre = ((g_post * up)? * slope(&pre, shape.activation)?)?;
            let g_up = (g_post * activate(&pre, shape.activation)?)?;
            Ok(Tensor::cat(&[g_pre, g_up], D::Minus1)?)
        }
        (false, Gradients::True) => Ok((g_post * slope(&pre, shape.activation)?)?),
        (false, Gradients::Linear) => Ok((g_post * ratio(&pre, shape.activation)?)?),
    }
}

/// sqrt(2 / pi) and the cubic coefficient of the tanh approximation.
const TANH_SCALE: f64 = 0.797_884_560_802_865_4;
const TANH_CUBIC: f64 = 0.044_715;

/// `act(x)`
fn activate(x: &Tensor, activation: Activation) -> Result<Tensor, EngineError> {
    Ok((x * ratio(x, activation)?)?)
}

/// `act(x) / x`, continuous at 0 (ReLU: 0 there).
fn ratio(x: &Tensor, activation: Activation) -> Result<Tensor, EngineError> {
    Ok(match activation {
        Activation::Silu => sigmoid(x)?,
        Activation::GeluTanh => tanh_argument(x)?.tanh()?.affine(0.5, 0.5)?,
        Activation::GeluErf => (x * std::f64::consts::FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)?,
        Activation::Relu => x.gt(0.0)?.to_dtype(x.dtype())?,
    })
}

/// `act'(x)`
fn slope(x: &Tensor, activation: Activation) -> Result<Tensor, EngineError> {
    let ratio = ratio(x, activation)?;
    Ok(match activation {
        Activation::Silu => {
            let rest = ratio.affine(-1.0, 1.0)?;
            ((x * rest)?.affine(1.0, 1.0)? * ratio)?
        }
        Activation::GeluTanh => {
            let tanh = tanh_argument(x)?.tanh()?;
            let sech2 = tanh.sqr()?.affine(-1.0, 1.0)?;
            let inner = x.sqr()?.affine(3.0 * TANH_CUBIC * TANH_SCALE, TANH_SCALE)?;
            (ratio + ((x * 0.5)? * (sech2 * inner)?)?)?
        }
        Activation::GeluErf => {
            let density = ((x.sqr()? * -0.5)?.exp()? * (TANH_SCALE * 0.5))?;
            (ratio + (x * density)?)?
        }
        Activation::Relu => ratio,
    })
}

fn tanh_argument(x: &Tensor) -> Result<Tensor, EngineError> {
    Ok((x * x.sqr()?.affine(TANH_CUBIC * TANH_SCALE, TANH_SCALE)?)?)
}

fn sigmoid(x: &Tensor) -> Result<Tensor, EngineError> {
    Ok(x.neg()?.exp()?.affine(1.0, 1.0)?.recip()?)
}
