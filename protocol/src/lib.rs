//! The wire: what the daemon, the command line and the editors say to each other, as plain data. serde only.
//! Reading order: `request` (how a request names its subject, what every answer carries), `views` (one file a view),
//! `inspection` (the object of `limpid inspect --format json`), `view_error` (what may go wrong), `display` (how all of it is written).
//! What must not live here: computing, files, an LSP framework's types.

#[macro_use]
mod shape;
mod export;
mod reference;

pub mod component;
pub mod display;
pub mod effect;
pub mod handshake;
pub mod head_row;
pub mod inspection;
pub mod intervention;
pub mod model_status;
pub mod neuron_row;
pub mod part_row;
pub mod position;
pub mod rendered_prompt;
pub mod request;
pub mod route_graph;
pub mod token_table;
pub mod token_value;
pub mod view_error;
pub mod views;

pub use export::{lua, typescript};
pub use reference::protocol_reference;
pub use shape::{Catalogue, FieldDoc, Shape, TypeDoc};

#[cfg(test)]
mod tests;

/// Version of the wire: grows when a field or method changes its meaning, not when one is added.
pub const PROTOCOL_VERSION: u32 = 1;
