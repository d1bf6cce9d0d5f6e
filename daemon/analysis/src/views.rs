//! Numbers to wire types; the only modules that name `protocol`.

mod answers;
mod cards;
pub mod continuation;
pub mod glance;
pub mod inspection;
mod question;
mod rankings;
