//! Numbers to wire types; the only modules that name `protocol`.

mod answers;
mod cards;
pub mod continuation;
pub mod effects;
pub mod explained;
pub mod glance;
pub mod inspection;
pub mod interventions;
pub mod known_effects;
mod question;
mod rankings;
pub mod route_steps;
