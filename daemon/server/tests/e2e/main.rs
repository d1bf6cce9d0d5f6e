//! The real server over an in-memory pipe, with a stand-in for the models.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "everything here is a test"
)]

mod continuing;
mod fake_analyst;
mod frames;
mod lsp_client;
mod requests;
mod standard_methods;
