//! The language server: LSP and the `limpid/` methods over any pair of byte streams. Handlers convert, post a job to a worker and await it.
//! Reading order: `analyst` (what is asked of the models), `service` (how it is put together), `backend` (the LSP methods),
//! `answering` (the way of a request), then one file a concern. What must not live here: model facts, files, sockets.

mod analyses;
pub mod analyst;
mod answering;
mod backend;
pub mod chat_template;
mod continuing;
mod documents;
pub mod engine_analyst;
mod engine_continuation;
pub mod error_codes;
mod flights;
mod frame_guard;
mod highlights;
mod hover;
mod inlay;
mod method_stats;
mod methods;
mod model_loading;
mod model_rows;
mod place;
mod positions;
mod progress;
pub mod prompt_document;
mod prompt_selection;
pub mod prompt_text;
pub mod service;
mod token_table;

pub use analyst::{Analyst, Ask, Continuing, Job};
pub use engine_analyst::EngineAnalyst;
pub use service::serve;
