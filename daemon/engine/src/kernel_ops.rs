//! stub
use crate::{attention::*, error::EngineError, linear::Linear, mlp::MlpShape, norm::*, rotary::*};
use candle_core::Tensor;
type R = Result<Tensor, EngineError>;
pub(crate) fn norm_forward(_: &Norm, _: &Tensor) -> R { unimplemented!() }
pub(crate) fn norm_backward(_: &Norm, _: &Tensor, _: &Tensor, _: Gradients) -> R { unimplemented!() }
pub(crate) fn rotary(_: &RotaryTable, _: &Tensor, _: usize, _: usize, _: Turn) -> R { unimplemented!() }
pub(crate) fn attention(_: &Tensor, _: &Tensor, _: &Tensor, _: &AttentionShape) -> R { unimplemented!() }
pub(crate) fn pattern_rows(_: &Tensor, _: &Tensor, _: &AttentionShape) -> R { unimplemented!() }
pub(crate) fn attention_backward(_: (&Tensor, &Tensor, &Tensor), _: &Tensor, _: &Tensor, _: &AttentionShape, _: Gradients) -> Result<AttentionGradients, EngineError> { unimplemented!() }
pub(crate) fn mlp_post(_: &Tensor, _: MlpShape) -> R { unimplemented!() }
pub(crate) fn mlp_backward(_: &Tensor, _: &Tensor, _: MlpShape, _: Gradients) -> R { unimplemented!() }
pub(crate) fn product(_: &Linear, _: &Tensor, _: std::ops::Range<usize>, _: bool) -> R { unimplemented!() }
pub(crate) fn product_transposed(_: &Linear, _: &Tensor, _: std::ops::Range<usize>) -> R { unimplemented!() }
