//! From a trace to numbers a person can read: contributions, routes, lens, rankings, attributions. No I/O, no state.

pub mod contributions;
pub mod kernels;
