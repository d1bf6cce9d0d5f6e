//! Text to tokens to an immutable trace of a forward pass, and back down for gradients. No analysis, no protocol, no async.

pub mod cancel;
pub mod error;
pub mod index;
pub mod kernels;
pub mod tensor_file;
