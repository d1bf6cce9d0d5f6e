//! `limpid lsp`: the language server on standard input and output; from the shared daemon, or with `--standalone` from this process.

use crate::{
    args::LspArgs,
    lsp_forwarder,
    prompt::{budget, compute},
    shared_daemon::shared,
};
use anyhow::{Context, Result};
use limpid_server::{ClientSettings, serve};

/// Runs the server until its client leaves.
///
/// # Errors
/// The device is absent; the streams broke.
pub(crate) fn run(args: &LspArgs) -> Result<()> {
    if !args.standalone {
        return lsp_forwarder::run(args);
    }
    let compute = compute(&args.model)?;
    let budget = budget(&args.model, &compute)?;
    let shared = shared(&args.model, &compute, budget)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no threads for the server")?;
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    runtime.block_on(serve(shared, ClientSettings::default(), input, output));
    // Reading standard input cannot be interrupted; nobody waits for it.
    runtime.shutdown_background();
    Ok(())
}
