//! Numbers to wire types; the only modules that name `protocol`.

mod cards;
pub mod glance;
pub mod inspection;
mod rankings;
