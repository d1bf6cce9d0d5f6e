//! From a trace to numbers a person can read: contributions, routes, lens, rankings, attributions. No I/O, no state.

pub mod attribution;
pub mod components;
pub mod contributions;
pub mod effect_job;
mod effect_scores;
pub mod effects;
pub mod findings;
pub mod head_types;
pub mod kernels;
pub mod objective;
pub mod route_build;
pub mod route_graph;
pub mod route_prune;
mod route_shares;
pub mod subset_fit;
pub mod views;
pub mod vocabulary;
