//! `limpid lsp --standalone`: the language server on standard input and output, in this process.

use crate::{
    args::LspArgs,
    prompt::{budget, compute, model_name},
};
use anyhow::{Context, Result, bail};
use limpid_engine::model_store::{ModelStore, StoreSettings};
use limpid_server::{ClientSettings, EngineAnalyst, Shared, serve};
use std::sync::Arc;

/// Runs the server until its client leaves.
///
/// # Errors
/// `--standalone` is missing; the device is absent; the streams broke.
pub(crate) fn run(args: &LspArgs) -> Result<()> {
    if !args.standalone {
        bail!("the shared daemon is not part of this version; run `limpid lsp --standalone`");
    }
    let store = ModelStore::new(StoreSettings::from_env());
    let compute = compute(&args.model)?;
    let budget = budget(&args.model, &compute)?;
    let analyst = EngineAnalyst::new(store, compute, budget, model_name(&args.model));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no threads for the server")?;
    let shared = Shared::start(Arc::new(analyst))?;
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    runtime.block_on(serve(shared, ClientSettings::default(), input, output));
    // Reading standard input cannot be interrupted; nobody waits for it.
    runtime.shutdown_background();
    Ok(())
}
