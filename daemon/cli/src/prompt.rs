//! From flags to tokens on a loaded model: what `inspect`, `trace` and `tour` start with.

use crate::{
    args::{ModelArgs, PromptArgs},
    progress::Progress,
    prompt_source::PromptSource,
};
use anyhow::{Context, Result, anyhow, bail};
use limpid_engine::{
    cancel::CancelToken,
    device::{Compute, DeviceKind},
    forward::Watch,
    memory::MemoryBudget,
    model::Model,
    model_pool::{self, Loaded},
    model_store::{DEFAULT_MODEL, ModelStore, StoreSettings},
    tokenizer::Token,
    trace::{CapturePlan, Trace},
};
use limpid_server::prompt_document::{PromptDocument, PromptSettings};
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
    /// What the prompt says about itself.
    pub settings: PromptSettings,
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
        let settings = match &given {
            Given::Prompt(prompt) => prompt.settings.clone(),
            Given::Ids(_) => PromptSettings::default(),
        };
        let (loaded, budget) = load(&args.model.or_of(&settings))?;
        let load_time = started.elapsed();
        let started = Instant::now();
        let tokens: Vec<Token> = match given {
            Given::Ids(ids) => ids.into_iter().map(|id| Token { id, span: None }).collect(),
            Given::Prompt(prompt) => {
                let is_chat = args.chat || settings.chat.as_ref().is_some_and(|chat| chat.value);
                let n_ctx = loaded.model.spec.n_ctx;
                crate::chat::encode(loaded.tokenizer()?, &prompt.text, is_chat, n_ctx)?
            }
        };
        if tokens.is_empty() {
            bail!("the prompt is empty; the model's tokenizer makes no token of it");
        }
        Ok(Self {
            loaded: Arc::new(loaded),
            tokens,
            settings,
            budget,
            load_time,
            tokenize_time: started.elapsed(),
        })
    }

    /// The model.
    pub(crate) fn model(&self) -> &Model {
        &self.loaded.model
    }

    /// Token ids alone.
    pub(crate) fn token_ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
    }

    /// The token that is explained, as the flag or the prompt itself names it.
    pub(crate) fn token_text<'a>(&'a self, args: &'a PromptArgs) -> Option<&'a str> {
        let own = || self.settings.target.as_ref().map(|target| target.value.as_str());
        args.token.as_deref().or_else(own)
    }

    /// The token that it is compared with, likewise.
    pub(crate) fn foil_text<'a>(&'a self, args: &'a PromptArgs) -> Option<&'a str> {
        let own = || self.settings.foil.as_ref().map(|foil| foil.value.as_str());
        args.foil.as_deref().or_else(own)
    }

    /// The position that `--target` names.
    ///
    /// # Errors
    /// Not a position of the prompt.
    pub(crate) fn target(&self, args: &PromptArgs) -> Result<Option<usize>> {
        let Some(text) = &args.target else { return Ok(None) };
        let last = self.tokens.len() - 1;
        match text.trim().parse() {
            Ok(position) if position <= last => Ok(Some(position)),
            _ => bail!("--target `{text}` is out of range; the prompt has positions 0 to {last}"),
        }
    }

    /// The traced forward pass, with a progress bar where it takes long.
    ///
    /// # Errors
    /// As the engine's forward; the trace does not fit the memory budget.
    pub(crate) fn forward(&self, cancel: &CancelToken) -> Result<Trace> {
        let model = self.model();
        let ids = self.token_ids();
        let available = self.budget.0.min(model.compute.free_bytes());
        model.check_tokens(&ids)?;
        let plan = CapturePlan::choose(&model.spec, ids.len(), available)?;
        let bar = Progress::steps("reading the prompt", model.spec.n_layers as u64);
        let progress = |done: usize, _: usize| bar.set(done as u64);
        Ok(model.forward(&ids, None, plan, Watch { cancel, progress: &progress })?)
    }
}

enum Given {
    Prompt(Box<PromptDocument>),
    Ids(Vec<u32>),
}

fn read_prompt(args: &PromptArgs) -> Result<Given> {
    if let Some(ids) = &args.token_ids {
        return Ok(Given::Ids(parse_ids(ids)?));
    }
    let source = PromptSource {
        file: args.file.as_ref(),
        text: args.text.as_ref(),
        range: args.range.as_deref(),
        number: args.prompt.as_deref(),
    };
    Ok(Given::Prompt(Box::new(source.read()?)))
}

fn parse_ids(text: &str) -> Result<Vec<u32>> {
    let ids = text
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| {
            id.parse().map_err(|_| {
                anyhow!(
                    "--token-ids: `{id}` is not a token id; write whole numbers from 0 on, like 1,2,3"
                )
            })
        })
        .collect::<Result<Vec<u32>>>()?;
    if ids.is_empty() {
        bail!("--token-ids: the prompt is empty; give at least one token");
    }
    Ok(ids)
}

/// A token named by id or by text that is one token.
///
/// # Errors
/// The id is out of range, or the text is not one token.
pub(crate) fn token(loaded: &Loaded, text: &str) -> Result<u32> {
    // Digits are an id, however many: a text of digits that is a token has an id too.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let d_vocab = loaded.model.spec.d_vocab;
        return match text.parse::<u32>() {
            Ok(id) if (id as usize) < d_vocab => Ok(id),
            _ => bail!("token id {text} is out of range; the model has ids 0 to {}", d_vocab - 1),
        };
    }
    Ok(loaded.tokenizer()?.single(text)?)
}

impl ModelArgs {
    /// The same with the model that a prompt names for itself, where no flag does.
    pub(crate) fn or_of(&self, settings: &PromptSettings) -> Self {
        let own = settings.model.as_ref().map(|model| model.value.clone());
        Self { model: self.model.clone().or(own), ..self.clone() }
    }
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
