//! Text to tokens to an immutable trace of a forward pass, and back down for gradients. No analysis, no protocol, no async.

pub mod arch;
pub mod attention;
pub mod backward;
pub mod block;
pub mod cancel;
pub mod checkpoint;
pub mod device;
pub mod error;
pub mod forward;
pub mod hook_name;
pub mod index;
mod kernel_ops;
pub mod kernels;
pub mod linear;
pub mod memory;
pub mod mlp;
pub mod model;
pub mod model_spec;
pub mod norm;
pub mod pos_tensor;
pub mod rotary;
pub mod tensor_file;
pub mod tokenizer;
pub mod trace;
pub mod trace_cache;
pub mod worker;
