//! The language server: LSP and the `limpid/` methods over any pair of byte streams, for one client or many. Handlers convert, post a job to a worker and await it.
//! Reading order: `analyst` (what is asked of the models), `service` (how it is put together), `backend` (the LSP methods),
//! `shared` (what a process has once), `answering` (the way of a request), then one file a concern. What must not live here: model facts, files, sockets.

mod analyses;
pub mod analyst;
mod answering;
mod backend;
mod capabilities;
pub mod chat_template;
mod configuration;
mod continuing;
mod documents;
pub mod effect_parts;
pub mod engine_analyst;
mod engine_continuation;
mod engine_foil;
mod engine_glance;
mod engine_rendering;
pub mod error_codes;
mod flights;
mod forwarded_documents;
pub mod forwarded_session;
pub mod frame_guard;
mod highlights;
mod hover;
mod inlay;
mod message_head;
mod method_stats;
mod methods;
mod model_loading;
mod model_rows;
mod model_slots;
mod part_shares;
pub mod parts;
mod place;
mod positions;
mod predicted_cache;
mod progress;
pub mod prompt_document;
mod prompt_edit;
pub mod prompt_formats;
mod prompt_selection;
pub mod prompt_text;
mod prompt_tokens;
pub mod rendering;
pub mod service;
pub mod settings;
mod shared;
mod token_table;
mod urgency;
mod verbs;
mod waiters;

pub use analyst::{Analyst, Ask, Continuing, Job, Rendering};
pub use answering::ClientSettings;
pub use engine_analyst::EngineAnalyst;
pub use service::serve;
pub use shared::Shared;
