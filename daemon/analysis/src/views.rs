//! Numbers to wire types; the only modules that name `protocol`.

pub mod inspection;
