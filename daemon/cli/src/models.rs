//! `limpid models list|show|pull|rm`.

use crate::{
    args::{ListFormat, ModelsCommand},
    page::print,
    progress::Progress,
};
use anyhow::Result;
use limpid_engine::{
    device::Compute,
    memory::MemoryBudget,
    model::Model,
    model_pool,
    model_store::{DEFAULT_MODEL, ModelFiles, ModelStore, StoreProgress, StoreSettings},
};
use limpid_protocol::display;
use serde_json::json;

/// Runs the command.
///
/// # Errors
/// No such model; it cannot be fetched, read or removed.
pub(crate) fn run(command: &ModelsCommand) -> Result<()> {
    let store = ModelStore::new(StoreSettings::from_env());
    match command {
        ModelsCommand::List { format } => list(&store, *format),
        ModelsCommand::Show { name, format } => show(&store, name, *format),
        ModelsCommand::Pull { name } => {
            let files = resolve(&store, name)?;
            print(&format!("{}  {}\n", files.name, files.weights.path().display()))
        }
        ModelsCommand::Rm { name } => {
            let path = store.remove(name)?;
            print(&format!("removed {}\n", path.display()))
        }
    }
}

/// Finds or fetches a model, with a progress bar.
///
/// # Errors
/// As [`ModelStore::resolve`].
pub(crate) fn resolve(store: &ModelStore, name: &str) -> Result<ModelFiles> {
    let bar = Progress::bytes(&format!("fetching {name}"), None);
    Ok(store.resolve(name, &|progress: StoreProgress| {
        if let Some(total) = progress.total_bytes {
            bar.set_total(total);
        }
        bar.say(&format!("{} {name}", progress.stage));
        bar.set(progress.done_bytes);
    })?)
}

fn list(store: &ModelStore, format: ListFormat) -> Result<()> {
    let pulled = store.list()?;
    let known: Vec<(&str, &str)> = ModelStore::known().collect();
    if format == ListFormat::Json {
        let rows: Vec<_> = pulled
            .iter()
            .map(|model| json!({"name": model.name, "path": model.weights.path(), "is_default": model.name == DEFAULT_MODEL}))
            .collect();
        let names: Vec<_> =
            known.iter().map(|(name, about)| json!({"name": name, "about": about})).collect();
        return print(&format!("{}\n", json!({"pulled": rows, "known": names})));
    }
    let mut text = String::from("on this machine:\n");
    if pulled.is_empty() {
        text.push_str("  none yet\n");
    }
    for model in &pulled {
        text.push_str(&format!("  {:<28} {}\n", model.name, model.weights.path().display()));
    }
    text.push_str("can be fetched by name:\n");
    for (name, about) in known {
        text.push_str(&format!("  {name:<28} {about}\n"));
    }
    text.push_str("any owner/name of the Hugging Face hub, any .gguf file, any folder with config.json and safetensors\n");
    print(&text)
}

fn show(store: &ModelStore, name: &str, format: ListFormat) -> Result<()> {
    let files = resolve(store, name)?;
    let opened = model_pool::open(&files)?;
    let spec = &opened.checkpoint.spec;
    let file = &opened.checkpoint.file;
    let stored: u64 =
        file.names().iter().filter_map(|name| file.info(name)).map(|info| info.stored_bytes).sum();
    let decoded = Model::decoded_bytes(spec, &Compute::cpu());
    let budget = MemoryBudget::half_of_free().0;
    let residence = if decoded <= budget { "decoded to f32" } else { "kept as stored" };
    let tokenizer = opened.tokenizer.as_ref().map(|t| t.n_vocab());
    if format == ListFormat::Json {
        return print(&format!(
            "{}\n",
            json!({
                "name": opened.name, "path": files.weights.path(), "family": spec.family,
                "n_layers": spec.n_layers, "n_heads": spec.n_heads, "n_key_value_heads": spec.n_key_value_heads,
                "d_model": spec.d_model, "d_head": spec.d_head, "d_mlp": spec.d_mlp, "d_vocab": spec.d_vocab, "n_ctx": spec.n_ctx,
                "n_weights": spec.n_weights(), "stored_bytes": stored, "decoded_bytes": decoded,
                "memory_budget_bytes": budget, "residence": residence, "tokenizer_tokens": tokenizer,
            })
        ));
    }
    let number = |n: usize| display::thousands(n);
    print(&format!(
        "{}\n  file        {}\n  family      {}\n  layers      {}\n  heads       {} of {} ({} for keys and values)\n  d_model     {}\n  d_mlp       {}\n  d_vocab     {}\n  context     {} tokens\n  weights     {}\n  in the file {} bytes\n  as f32      {} bytes; the memory budget is {} bytes, so weights are {residence}\n  tokenizer   {}\n",
        opened.name,
        files.weights.path().display(),
        spec.family,
        spec.n_layers,
        spec.n_heads,
        spec.d_head,
        spec.n_key_value_heads,
        number(spec.d_model),
        number(spec.d_mlp),
        number(spec.d_vocab),
        number(spec.n_ctx),
        number(spec.n_weights() as usize),
        number(stored as usize),
        number(decoded as usize),
        number(budget as usize),
        tokenizer
            .map_or_else(|| "none; token ids only".to_owned(), |n| format!("{} tokens", number(n))),
    ))
}
