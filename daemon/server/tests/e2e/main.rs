//! The real server over an in-memory pipe, with a stand-in for the models.

mod fake_analyst;
mod frames;
mod lsp_client;
mod requests;
mod standard_methods;
