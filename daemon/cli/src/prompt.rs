//! From flags to tokens on a loaded model: what `inspect`, `trace` and `tour` start with.

use crate::{
    args::{ModelArgs, PromptArgs},
    chat, folder,
    progress::Progress,
    prompt_source::PromptSource,
};
use anyhow::{Context, Result, anyhow, bail};
use limpid_analysis::views::interventions::tokens_of;
use limpid_engine::{
    cancel::CancelToken,
    device::{Compute, DeviceKind},
    error::EngineError,
    forward::Watch,
    memory::MemoryBudget,
    model::Model,
    model_pool::{self, Loaded},
    model_store::{DEFAULT_MODEL, ModelStore, StoreSettings},
    tokenizer::Token,
    trace::{CapturePlan, Trace},
};
use limpid_protocol::intervention::PatchSource;
use limpid_server::{
    parts::{Outline, Titled},
    prompt_document::PromptDocument,
    prompt_text::{Message, PromptText, SourceMap},
    settings::Settings,
};
use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, Instant},
};

/// A prompt as tokens, on a loaded model.
pub(crate) struct Prepared {
    /// Model and tokenizer.
    pub loaded: Arc<Loaded>,
    /// Its text; empty where only ids were given.
    pub prompt: PromptText,
    /// Its messages.
    pub outline: Outline,
    /// What the prompt, then its folders, say where no flag does.
    pub settings: Settings,
    /// Its tokens with their places in the text.
    pub tokens: Vec<Token>,
    /// Whether long work shows a progress bar of its own.
    pub shows_progress: bool,
    /// Bytes that model and traces may take.
    pub budget: MemoryBudget,
    /// Loading the model.
    pub load_time: Duration,
    /// Turning text into tokens.
    pub tokenize_time: Duration,
    /// Prompts that activations are taken from, run.
    patched_from: RefCell<Vec<(PatchSource, Arc<Trace>)>>,
}

impl Prepared {
    /// Reads the prompt, loads the model and tokenises.
    ///
    /// # Errors
    /// No prompt; a file that cannot be read or is not UTF-8; no such model; a prompt that is empty or too long.
    pub(crate) fn new(args: &PromptArgs) -> Result<Self> {
        let given = read_prompt(args)?;
        let settings = match &given {
            Given::Prompt(prompt) => folder::settings_of(&prompt.settings, args.file.as_deref()),
            _ => folder::settings(args.file.as_deref()),
        };
        let started = Instant::now();
        let (loaded, budget) = load(&args.model.or_of(&settings))?;
        let load_time = started.elapsed();
        let is_chat = args.chat || settings.chat == Some(true);
        let prepared = Self::of(Arc::new(loaded), budget, given, is_chat)?;
        Ok(Self { load_time, settings, ..prepared })
    }

    /// Tokenises a prompt for a model that is loaded.
    ///
    /// # Errors
    /// A prompt that is empty or too long; messages that the model's chat template refuses.
    pub(crate) fn of(
        loaded: Arc<Loaded>,
        budget: MemoryBudget,
        given: Given,
        is_chat: bool,
    ) -> Result<Self> {
        let started = Instant::now();
        let ids = |ids: Vec<u32>| ids.into_iter().map(|id| Token { id, span: None }).collect();
        let (prompt, tokens): (PromptText, Vec<Token>) = match given {
            Given::Ids(given) => (PromptText::plain("", 0), ids(given)),
            given => {
                let prompt = given.prompt();
                let n_ctx = loaded.model.spec.n_ctx;
                let tokens = chat::encode(loaded.tokenizer()?, &prompt, is_chat, n_ctx)?;
                (prompt, tokens)
            }
        };
        if tokens.is_empty() {
            bail!("the prompt is empty; the model's tokenizer makes no token of it");
        }
        let titled = |message: &Message| Titled {
            name: message.role.clone(),
            span: message.content.clone(),
        };
        let messages = match &prompt.messages {
            Some(messages) => messages.iter().map(titled).collect(),
            None if is_chat => vec![Titled { name: "user".to_owned(), span: 0..prompt.text.len() }],
            None => Vec::new(),
        };
        Ok(Self {
            loaded,
            outline: Outline::find(&prompt.text, messages),
            prompt,
            settings: Settings::default(),
            tokens,
            shows_progress: true,
            budget,
            load_time: Duration::ZERO,
            tokenize_time: started.elapsed(),
            patched_from: RefCell::default(),
        })
    }

    /// The token that is explained, as the flag names it, else the prompt or its folder.
    pub(crate) fn token_text<'a>(&'a self, args: &'a PromptArgs) -> Option<&'a str> {
        args.token.as_deref().or(self.settings.target.as_deref())
    }

    /// The token that it is compared with, likewise.
    pub(crate) fn foil_text<'a>(&'a self, args: &'a PromptArgs) -> Option<&'a str> {
        args.foil.as_deref().or(self.settings.foil.as_deref())
    }

    /// The model.
    pub(crate) fn model(&self) -> &Model {
        &self.loaded.model
    }

    /// Token ids alone.
    pub(crate) fn token_ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
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

    /// A bar for long work, where it is to be shown.
    pub(crate) fn progress(&self, what: &str, n: u64) -> Progress {
        if self.shows_progress { Progress::steps(what, n) } else { Progress::silent() }
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
        let bar = self.progress("reading the prompt", model.spec.n_layers as u64);
        let progress = |done: usize, _: usize| bar.set(done as u64);
        Ok(model.forward(&ids, None, plan, Watch { cancel, progress: &progress })?)
    }
}

impl Prepared {
    /// The traced pass of other tokens, of which the first are those of `before`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub(crate) fn forward_behind(
        &self,
        ids: &[u32],
        before: &Trace,
        cancel: &CancelToken,
    ) -> Result<Trace> {
        let model = self.model();
        model.check_tokens(ids)?;
        let available = self.budget.0.min(model.compute.free_bytes());
        let plan = CapturePlan::choose(&model.spec, ids.len(), available)?;
        let watch = Watch { cancel, progress: &|_, _| {} };
        Ok(model.forward(ids, Some(before), plan, watch)?)
    }
}

impl Prepared {
    /// Runs a prompt that activations are taken from, once.
    ///
    /// # Errors
    /// Its text cannot be made tokens; as the engine's forward.
    pub(crate) fn trace_of(
        &self,
        from: &PatchSource,
        cancel: &CancelToken,
    ) -> Result<Arc<Trace>, EngineError> {
        let mut known = self.patched_from.borrow_mut();
        if let Some((_, trace)) = known.iter().find(|(known, _)| known == from) {
            return Ok(Arc::clone(trace));
        }
        let (model, ids) = (self.model(), tokens_of(from, &self.loaded)?);
        let available = self.budget.0.min(model.compute.free_bytes());
        let plan = CapturePlan::choose(&model.spec, ids.len(), available)?;
        let watch = Watch { cancel, progress: &|_, _| {} };
        let trace = Arc::new(model.forward(&ids, None, plan, watch)?);
        known.push((from.clone(), Arc::clone(&trace)));
        Ok(trace)
    }
}

/// A prompt as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// As text.
    Text(String),
    /// As a chat, for the model's own chat template.
    Messages(Vec<Said>),
    /// In a document.
    Prompt(Box<PromptDocument>),
    /// As tokens.
    Ids(Vec<u32>),
}

impl Given {
    /// Its text; that of tokens is empty.
    fn prompt(self) -> PromptText {
        match self {
            Self::Prompt(prompt) => prompt.text,
            Self::Text(text) => PromptText::plain(text, 0),
            Self::Ids(_) => PromptText::plain("", 0),
            Self::Messages(said) => {
                let mut text = String::new();
                let message = |Said { role, content }| {
                    let start = text.len();
                    text.push_str(&content);
                    let span = start..text.len();
                    Message { role, content: span.clone(), source: span }
                };
                let messages = said.into_iter().map(message).collect();
                let map = SourceMap::verbatim(text.len(), 0);
                PromptText { text, map, messages: Some(messages) }
            }
        }
    }
}

/// A message of a chat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// Who says it.
    pub role: String,
    /// What.
    pub content: String,
}

/// The prompt that the flags name.
///
/// # Errors
/// There is none; it cannot be read.
pub(crate) fn read_prompt(args: &PromptArgs) -> Result<Given> {
    if let Some(ids) = &args.token_ids {
        return Ok(Given::Ids(parse_ids(ids)?));
    }
    Ok(Given::Prompt(Box::new(source(args).read()?)))
}

/// Where the flags say that the prompt is.
pub(crate) fn source(args: &PromptArgs) -> PromptSource<'_> {
    PromptSource {
        file: args.file.as_ref(),
        text: args.text.as_ref(),
        range: args.range.as_deref(),
        number: args.prompt.as_deref(),
    }
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
    /// The same with the model that settings name, where no flag does.
    pub(crate) fn or_of(&self, settings: &Settings) -> Self {
        let model = self.model.clone().or(settings.model.clone());
        Self { model, ..self.clone() }
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
