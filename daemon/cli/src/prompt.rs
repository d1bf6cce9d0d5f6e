//! From flags to tokens on a loaded model: what `inspect`, `trace` and `tour` start with.

use crate::{
    args::{ModelArgs, PromptArgs},
    progress::Progress,
    prompt_range::byte_span,
};
use anyhow::{Context, Result, bail};
use limpid_engine::{
    cancel::CancelToken,
    device::{Compute, DeviceKind},
    error::EngineError,
    forward::Watch,
    memory::MemoryBudget,
    model::Model,
    model_pool::{self, Loaded},
    model_store::{DEFAULT_MODEL, ModelStore, StoreSettings},
    tokenizer::{Specials, Token},
    trace::{CapturePlan, Trace},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A prompt as tokens, on a loaded model.
pub(crate) struct Prepared {
    /// Model and tokenizer.
    pub loaded: Arc<Loaded>,
    /// Its tokens with their places in the text.
    pub tokens: Vec<Token>,
    /// Bytes that model and traces may take.
    pub budget: MemoryBudget,
    /// Loading the model.
    pub load_time: Duration,
    /// Turning text into tokens.
    pub tokenize_time: Duration,
}

impl Prepared {
    /// Reads the prompt, loads the model and tokenises.
    ///
    /// # Errors
    /// No prompt; a file that cannot be read or is not UTF-8; no such model; a prompt that is empty or too long.
    pub(crate) fn new(args: &PromptArgs) -> Result<Self> {
        let given = read_prompt(args)?;
        let started = Instant::now();
        let (loaded, budget) = load(&args.model)?;
        let load_time = started.elapsed();
        let started = Instant::now();
        let tokens: Vec<Token> = match given {
            Given::Ids(ids) => ids.into_iter().map(|id| Token { id, span: None }).collect(),
            Given::Text(text) => tokenize(&loaded, &text, args.chat)?,
        };
        let prepared = Self {
            loaded: Arc::new(loaded),
            tokens,
            budget,
            load_time,
            tokenize_time: started.elapsed(),
        };
        if prepared.tokens.is_empty() {
            bail!("the prompt is empty; give at least one token");
        }
        Ok(prepared)
    }

    /// The model.
    pub(crate) fn model(&self) -> &Model {
        &self.loaded.model
    }

    /// Token ids alone.
    pub(crate) fn token_ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
    }

    /// The traced forward pass, with a progress bar where it takes long.
    ///
    /// # Errors
    /// As the engine's forward; the trace does not fit the memory budget.
    pub(crate) fn forward(&self, cancel: &CancelToken) -> Result<Trace> {
        let model = self.model();
        let ids = self.token_ids();
        let available = self.budget.0.min(model.compute.free_bytes());
        if ids.len() > model.spec.n_ctx {
            let (n_tokens, n_ctx) = (ids.len(), model.spec.n_ctx);
            return Err(EngineError::ContextWindow { n_tokens, n_ctx })
                .context("shorten the prompt, or choose a part of the file with --range");
        }
        let plan = CapturePlan::choose(&model.spec, ids.len(), available)?;
        let bar = Progress::steps("reading the prompt", model.spec.n_layers as u64);
        let progress = |done: usize, _: usize| bar.set(done as u64);
        Ok(model.forward(&ids, None, plan, Watch { cancel, progress: &progress })?)
    }
}

enum Given {
    Text(String),
    Ids(Vec<u32>),
}

fn read_prompt(args: &PromptArgs) -> Result<Given> {
    if let Some(ids) = &args.token_ids {
        return Ok(Given::Ids(parse_ids(ids)?));
    }
    if let Some(text) = &args.text {
        return Ok(Given::Text(text.clone()));
    }
    let Some(file) = &args.file else {
        bail!("there is no prompt; give a FILE, --text or --token-ids");
    };
    let bytes =
        std::fs::read(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        anyhow::anyhow!("{}: byte {at} is not UTF-8; save the file as UTF-8", file.display())
    })?;
    Ok(Given::Text(match &args.range {
        Some(range) => {
            let span = byte_span(&text, range).with_context(|| file.display().to_string())?;
            text[span].to_owned()
        }
        None => without_final_line_break(text),
    }))
}

/// A file's last line break belongs to the file, not to the prompt; the language server leaves it out too.
fn without_final_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

fn parse_ids(text: &str) -> Result<Vec<u32>> {
    text.split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| {
            id.parse().with_context(|| {
                format!("--token-ids: `{id}` is not a token id; write whole numbers, like 1,2,3")
            })
        })
        .collect()
}

fn tokenize(loaded: &Loaded, text: &str, chat: bool) -> Result<Vec<Token>> {
    let tokenizer = loaded.tokenizer()?;
    if chat {
        return crate::chat::encode(tokenizer, text);
    }
    Ok(tokenizer.encode(text, Specials::Parse)?)
}

/// A token named by id or by text that is one token.
///
/// # Errors
/// The id is out of range, or the text is not one token.
pub(crate) fn token(loaded: &Loaded, text: &str) -> Result<u32> {
    if let Ok(id) = text.parse::<u32>() {
        let d_vocab = loaded.model.spec.d_vocab;
        if id as usize >= d_vocab {
            bail!("token id {id} is out of range; the model has ids 0 to {}", d_vocab - 1);
        }
        return Ok(id);
    }
    Ok(loaded.tokenizer()?.single(text)?)
}

/// Device, dtype and way from the flags.
///
/// # Errors
/// The device is unknown or absent; the dtype does not fit it.
pub(crate) fn compute(args: &ModelArgs) -> Result<Compute> {
    let kind = match &args.device {
        Some(device) => device.parse()?,
        None => DeviceKind::best(),
    };
    Ok(Compute::open(kind, args.dtype.as_deref())?)
}

/// The budget from the flag, the environment, or half of what is free on the device.
///
/// # Errors
/// Not a size.
pub(crate) fn budget(args: &ModelArgs, compute: &Compute) -> Result<MemoryBudget> {
    match (&args.memory_budget, std::env::var("LIMPID_MEMORY_BUDGET")) {
        (Some(text), _) => Ok(MemoryBudget::parse(text)?),
        (None, Ok(text)) => Ok(MemoryBudget::parse(&text).context("LIMPID_MEMORY_BUDGET")?),
        (None, Err(_)) => Ok(MemoryBudget(compute.free_bytes() / 2)),
    }
}

/// The model's name: the flag, `LIMPID_MODEL`, or the default.
pub(crate) fn model_name(args: &ModelArgs) -> String {
    let from_env = || std::env::var("LIMPID_MODEL").ok().filter(|name| !name.is_empty());
    args.model.clone().or_else(from_env).unwrap_or_else(|| DEFAULT_MODEL.to_owned())
}

/// Fetches the model if need be and loads it, with progress bars.
///
/// # Errors
/// No such model; it cannot be fetched; its files are malformed; it does not fit the memory budget.
pub(crate) fn load(args: &ModelArgs) -> Result<(Loaded, MemoryBudget)> {
    let compute = compute(args)?;
    let budget = budget(args, &compute)?;
    let name = model_name(args);
    let store = ModelStore::new(StoreSettings::from_env());
    let files = crate::models::resolve(&store, &name)?;
    let opened = model_pool::open(&files)?;
    let bar = Progress::steps("loading", opened.checkpoint.spec.n_layers as u64 + 1);
    let loaded = model_pool::load(opened, &compute, budget, &|done, _| bar.set(done as u64))?;
    Ok((loaded, budget))
}
