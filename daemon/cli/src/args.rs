//! What can be written on the command line. The flags of `inspect` and `trace` are stable.

mod continuation;
mod effect;
mod report;

pub use continuation::ContinueArgs;
pub use effect::EffectArgs;
pub use report::ReportArgs;

use clap::{Args, Parser, Subcommand, ValueEnum};
use limpid_protocol::part_row::PartBy;
use std::{path::PathBuf, time::Duration};

/// See through a language model's prediction: what is predicted, which tokens it rests on, through which heads and neurons.
#[derive(Debug, Parser)]
#[command(name = "limpid", version, about, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a prompt's prediction rests on: tokens, routes, heads, neurons
    Inspect(InspectArgs),
    /// Measure what really changes: tokens hidden or deleted, heads, MLPs and neurons switched off, activations patched
    Effect(Box<EffectArgs>),
    /// Let the model write on behind a prompt, printed as it grows
    Continue(ContinueArgs),
    /// Print a prompt as the model sees it: variables filled in, messages in the chat template
    Render(RenderArgs),
    /// Write the activations and contributions of a run to a safetensors file
    Trace(TraceArgs),
    /// Make one page to look around in, offline, of the answers that an editor recorded
    Report(ReportArgs),
    /// List, show, fetch and remove models
    Models {
        /// What to do with them.
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Check this machine: memory, devices, models, tokenizer, one prediction
    Doctor(DoctorArgs),
    /// Five findings on a real model, each with the command that shows it again
    Tour(TourArgs),
    /// Speak the Language Server Protocol on standard input and output
    Lsp(LspArgs),
    /// The process that serves all your editors: what it does, its log, its end
    Daemon {
        /// What to do with it.
        #[command(subcommand)]
        command: DaemonCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Which model, on what.
#[derive(Clone, Debug, Args)]
pub struct ModelArgs {
    /// A name, a .gguf file or a folder with config.json and safetensors [default: $LIMPID_MODEL, else SmolLM2-135M-Instruct]
    #[arg(long, value_name = "NAME|PATH")]
    pub model: Option<String>,
    /// Where to compute: cpu, cuda or metal [default: a GPU if this build can use one]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// What weights are kept in: f32 (cpu, gpu), f64 (cpu), bf16 (gpu) [default: f32 on cpu, bf16 on a GPU]
    #[arg(long, value_name = "DTYPE")]
    pub dtype: Option<String>,
    /// Bytes that model and traces may take, like 1.5G [default: half of what is free]
    #[arg(long, value_name = "SIZE")]
    pub memory_budget: Option<String>,
}

/// Which prompt, and what about it.
#[derive(Clone, Debug, Args)]
pub struct PromptArgs {
    /// Model and device.
    #[command(flatten)]
    pub model: ModelArgs,
    /// A file with the prompt: text (one line break at its end is left out), a .prompt, .prompty or .chat file, Markdown with `prompt` fences, JSON messages
    #[arg(value_name = "FILE", conflicts_with_all = ["text", "token_ids"])]
    pub file: Option<PathBuf>,
    /// The prompt itself
    #[arg(long, value_name = "T", conflicts_with = "token_ids")]
    pub text: Option<String>,
    /// Part of FILE: line and column, both from 1, columns in characters; the end is not included
    #[arg(long, value_name = "L:C-L:C", requires = "file")]
    pub range: Option<String>,
    /// Which prompt of FILE, from 1 [default: the first]
    #[arg(
        long,
        value_name = "N",
        requires = "file",
        conflicts_with = "range",
        allow_hyphen_values = true
    )]
    pub prompt: Option<String>,
    /// The prompt as token ids, separated by commas; then no tokenizer is needed
    #[arg(long, value_name = "1,2,3", allow_hyphen_values = true)]
    pub token_ids: Option<String>,
    /// Position whose prediction is explained, from 0 [default: the last]
    #[arg(long, value_name = "POS", allow_hyphen_values = true)]
    pub target: Option<String>,
    /// The token predicted there that is explained: an id, or text that is one token [default: the model's top one]
    #[arg(long, value_name = "ID|TEXT", allow_hyphen_values = true)]
    pub token: Option<String>,
    /// Explain the target against this token: an id, or text that is one token
    #[arg(long, value_name = "ID|TEXT", allow_hyphen_values = true)]
    pub foil: Option<String>,
    /// Apply the model's chat template: a prompt without messages is one user message
    #[arg(long)]
    pub chat: bool,
}

/// Flags of `render`.
#[derive(Clone, Debug, Args)]
pub struct RenderArgs {
    /// Model and device.
    #[command(flatten)]
    pub model: ModelArgs,
    /// A file with the prompt, as in `inspect`
    #[arg(value_name = "FILE", required_unless_present = "text", conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// The prompt itself
    #[arg(long, value_name = "T")]
    pub text: Option<String>,
    /// Which prompt of FILE, from 1 [default: the first]
    #[arg(long, value_name = "N", requires = "file", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// A chat template to use instead of the model's; without --model there are no tokens
    #[arg(long, value_name = "FILE")]
    pub chat_template: Option<PathBuf>,
    /// Apply the chat template: a prompt without messages is one user message
    #[arg(long)]
    pub chat: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// Flags of `inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArgs {
    /// Prompt and model.
    #[command(flatten)]
    pub prompt: PromptArgs,
    /// Explain this text as the model's answer to the prompt: it is put behind the prompt, and the log-probabilities of its
    /// tokens are added up
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with_all = ["target", "token", "foil", "answer_range"])]
    pub answer: Option<String>,
    /// Explain these tokens of the prompt as an answer to those before them: index of the first, one past the last
    #[arg(long, value_name = "A:B", conflicts_with_all = ["target", "token", "foil"])]
    pub answer_range: Option<String>,
    /// Explain the answer against this one to the same prompt: scores of the prompt, heads and neurons become differences
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub foil_answer: Option<String>,
    /// How the route graph is pruned: mass=SHARE or lmtt=TAU
    #[arg(long, value_name = "RULE", default_value = "mass=0.9")]
    pub prune: String,
    /// Token attribution methods, separated by commas; the first is shown
    #[arg(long, value_name = "METHOD[,METHOD]", default_value = "atp")]
    pub attribution: String,
    /// log_odds, logit_diff or logprob [default: logit_diff with a foil, else log_odds]
    #[arg(long, value_name = "OBJECTIVE")]
    pub objective: Option<String>,
    /// Rows of heads and neurons; all: every head, 100 neurons a layer [default: 10]
    #[arg(long, value_name = "N|all", allow_hyphen_values = true)]
    pub top: Option<String>,
    /// Add the lens grid: layer by token, top token and the target's probability and rank
    #[arg(long)]
    pub lens: bool,
    /// Roll scores up to parts of the prompt, with the share of each
    #[arg(long, value_enum, value_name = "PART")]
    pub by: Option<By>,
    /// Inspect every prompt of a file: JSON lines (prompt, text or messages; id, target, foil), CSV, or a prompt a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "text", "token_ids", "range"])]
    pub set: Option<PathBuf>,
    /// Write the JSON lines of --set to this file; run the same command again to go on where it stopped
    #[arg(long, value_name = "FILE", requires = "set")]
    pub out: Option<PathBuf>,
    /// Measure what is shown (tokens, parts, heads, neurons), strongest estimates first: so many runs, or seconds (2s)
    #[arg(long, value_name = "N|SECONDSs")]
    pub effects: Option<String>,
    /// Rank heads and neurons by this
    #[arg(long, value_enum, default_value_t = RankBy::Attribution)]
    pub rank_by: RankBy,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Add milliseconds per stage
    #[arg(long)]
    pub timings: bool,
}

/// What a prompt is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Words, punctuation apart
    Word,
    /// Lines
    Line,
    /// Sentences
    Sentence,
    /// Lines between blank lines
    Paragraph,
    /// Examples of a few-shot prompt
    Example,
    /// Messages of a chat
    Message,
}

impl From<By> for PartBy {
    fn from(by: By) -> Self {
        match by {
            By::Word => Self::Word,
            By::Line => Self::Line,
            By::Sentence => Self::Sentence,
            By::Paragraph => Self::Paragraph,
            By::Example => Self::Example,
            By::Message => Self::Message,
        }
    }
}

/// What heads and neurons are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RankBy {
    /// |attribution|, the most faithful cheap score
    Attribution,
    /// Share of the flow to the prediction
    Flow,
}

/// Output formats of `inspect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One object, for programs
    Json,
    /// One object a line, for --set
    Jsonl,
    /// The route graph for Graphviz
    Dot,
    /// One page to look around in, offline, whoever it is sent to; --attribution, --top, --lens, --by, --rank-by change nothing
    Html,
}

/// Output formats of listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Flags of `trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Prompt and model.
    #[command(flatten)]
    pub prompt: PromptArgs,
    /// The file to write
    #[arg(long, value_name = "F.safetensors")]
    pub out: PathBuf,
    /// Hooks by name or glob, separated by commas [default: all that are linear in the prompt]
    #[arg(long, value_name = "HOOK[,HOOK]")]
    pub hooks: Option<String>,
}

/// `models ...`
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Models on this machine, and the names that can be fetched
    List {
        /// What to print
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Structure of a model and the bytes it takes
    Show {
        /// A name, a .gguf file or a folder
        name: String,
        /// What to print
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Fetch a model
    Pull {
        /// A name: SmolLM2-135M-Instruct, or owner/name on the Hugging Face hub
        name: String,
    },
    /// Remove a fetched model
    Rm {
        /// Its name
        name: String,
    },
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Model and device.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Flags of `tour`.
#[derive(Debug, Args)]
pub struct TourArgs {
    /// Model and device.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Flags of `lsp`.
#[derive(Debug, Args)]
pub struct LspArgs {
    /// Model and device.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Serve from this process, not from the daemon that all your editors share
    #[arg(long)]
    pub standalone: bool,
    /// Minutes without a client after which a daemon started here leaves [default: $LIMPID_IDLE_MINUTES, else 30]
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub idle_timeout: Option<Duration>,
}

/// `daemon ...`
#[derive(Debug, Subcommand)]
pub enum DaemonCommand {
    /// What the daemon holds and does; that there is none is an answer too
    Status {
        /// What to print
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Let the daemon finish what it computes and leave; editors start another when they need it
    Stop {
        /// What to print
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// What the daemon logged lately: never a prompt
    Logs,
    /// Be the daemon
    #[command(hide = true)]
    Run(DaemonRunArgs),
}

/// Flags of `daemon run`.
#[derive(Debug, Args)]
pub struct DaemonRunArgs {
    /// Model and device.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Minutes without a client after which it leaves
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub idle_timeout: Option<Duration>,
    /// Log to the file in the runtime folder
    #[arg(long)]
    pub log_to_file: bool,
}

/// Reads a number of minutes.
///
/// # Errors
/// It is none.
pub(crate) fn minutes(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is no number of minutes; write one like 30 or 0.5");
    let minutes: f64 = text.trim().parse().map_err(|_| problem())?;
    Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| problem())
}
