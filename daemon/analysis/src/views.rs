//! Numbers to wire types; the only modules that name `protocol`.

mod cards;
pub mod continuation;
pub mod inspection;
mod rankings;
