//! The real server over an in-memory pipe, with a stand-in for the models.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "everything here is a test"
)]

mod comparing;
mod continuing;
mod effects;
mod evicting;
mod fake_analyst;
mod fake_prompts;
mod fake_work;
mod frames;
mod fuzzed_messages;
mod lsp_client;
mod rendering;
mod requests;
mod serving;
mod shares;
mod standard_methods;
mod verbs;
