//! From flags to tokens on a loaded model: what `inspect`, `trace` and `tour` start with.

use crate::{
    args::{ModelArgs, PromptArgs},
    progress::Progress,
    prompt_range::byte_span,
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
    tokenizer::{MAX_TEXT_BYTES, Specials, Token},
    trace::{CapturePlan, Trace},
};
use limpid_server::parts::{Outline, Titled};
use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// A prompt as tokens, on a loaded model.
pub(crate) struct Prepared {
    /// Model and tokenizer.
    pub loaded: Arc<Loaded>,
    /// The text: the prompt, or the contents of its messages one after another; empty where only ids were given.
    pub text: String,
    /// Its messages.
    pub outline: Outline,
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
        let prepared = Self::of(Arc::new(loaded), budget, given, args.chat)?;
        Ok(Self { load_time, ..prepared })
    }

    /// Tokenises a prompt for a model that is loaded.
    ///
    /// # Errors
    /// A prompt that is empty or too long; messages that the model's chat template refuses.
    pub(crate) fn of(
        loaded: Arc<Loaded>,
        budget: MemoryBudget,
        given: Given,
        chat: bool,
    ) -> Result<Self> {
        let started = Instant::now();
        let given = match given {
            Given::Text(content) if chat => {
                Given::Messages(vec![Said { role: "user".to_owned(), content }])
            }
            given => given,
        };
        let mut messages = Vec::new();
        let (text, tokens) = match given {
            Given::Ids(ids) => {
                (String::new(), ids.into_iter().map(|id| Token { id, span: None }).collect())
            }
            Given::Text(text) => {
                let (tokenizer, n_ctx) = (loaded.tokenizer()?, loaded.model.spec.n_ctx);
                let tokens = tokenizer.encode_within(&text, Specials::Parse, n_ctx)?;
                (text, tokens)
            }
            Given::Messages(said) => {
                let mut text = String::new();
                for Said { role, content } in said {
                    let start = text.len();
                    text.push_str(&content);
                    messages.push(Titled { name: role, span: start..text.len() });
                }
                let n_ctx = loaded.model.spec.n_ctx;
                let tokens = crate::chat::encode(loaded.tokenizer()?, &text, &messages, n_ctx)?;
                (text, tokens)
            }
        };
        if tokens.is_empty() {
            bail!("the prompt is empty; the model's tokenizer makes no token of it");
        }
        Ok(Self {
            loaded,
            outline: Outline::find(&text, messages),
            text,
            tokens,
            shows_progress: true,
            budget,
            load_time: Duration::ZERO,
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

/// A prompt as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// As text.
    Text(String),
    /// As a chat, for the model's own chat template.
    Messages(Vec<Said>),
    /// As tokens.
    Ids(Vec<u32>),
}

/// A message of a chat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// Who says it.
    pub role: String,
    /// What.
    pub content: String,
}

/// The prompt that was given; never an empty one, so that nobody waits for a model in vain.
fn read_prompt(args: &PromptArgs) -> Result<Given> {
    if let Some(ids) = &args.token_ids {
        return Ok(Given::Ids(parse_ids(ids)?));
    }
    let (text, place) = match (&args.text, &args.file) {
        (Some(text), _) => (text.clone(), "--text".to_owned()),
        (None, Some(file)) => (read_file(file, args.range.as_deref())?, file.display().to_string()),
        (None, None) => bail!("there is no prompt; give a FILE, --text or --token-ids"),
    };
    if text.is_empty() {
        bail!("{place}: the prompt is empty; write at least one character");
    }
    Ok(Given::Text(text))
}

fn read_file(file: &Path, range: Option<&str>) -> Result<String> {
    let unreadable = || format!("{}: cannot be read", file.display());
    let mut bytes = Vec::new();
    // What is named may be a device or a pipe without an end.
    let most = MAX_TEXT_BYTES as u64;
    File::open(file)
        .and_then(|opened| opened.take(most + 1).read_to_end(&mut bytes))
        .with_context(unreadable)?;
    if bytes.len() as u64 > most {
        bail!(
            "{}: is longer than {most} bytes, which no model here reads; split the file",
            file.display()
        );
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        anyhow!("{}: byte {at} is not UTF-8; save the file as UTF-8", file.display())
    })?;
    Ok(match range {
        Some(range) => {
            let span = byte_span(&text, range).with_context(|| file.display().to_string())?;
            text[span].to_owned()
        }
        None => without_final_line_break(text),
    })
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
