//! What can be written on the command line. The flags of `inspect` and `trace` are stable.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    /// Print a prompt as the model sees it: variables filled in, messages in the chat template
    Render(RenderArgs),
    /// Write the activations and contributions of a run to a safetensors file
    Trace(TraceArgs),
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
    /// How the route graph is pruned: mass=SHARE or lmtt=TAU
    #[arg(long, value_name = "RULE", default_value = "mass=0.9")]
    pub prune: String,
    /// Token attribution methods, separated by commas; the first is shown
    #[arg(long, value_name = "METHOD[,METHOD]", default_value = "atp")]
    pub attribution: String,
    /// log_odds, logit_diff or logprob [default: logit_diff with a foil, else log_odds]
    #[arg(long, value_name = "OBJECTIVE")]
    pub objective: Option<String>,
    /// Rows of heads and neurons; all: every head, 100 neurons a layer
    #[arg(long, value_name = "N|all", default_value = "10", allow_hyphen_values = true)]
    pub top: String,
    /// Add the lens grid: layer by token, top token and the target's probability and rank
    #[arg(long)]
    pub lens: bool,
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
    /// The route graph for Graphviz
    Dot,
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
    /// Serve from this process
    #[arg(long)]
    pub standalone: bool,
}
