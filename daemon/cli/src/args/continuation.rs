//! The flags of `limpid continue`.

use crate::args::{ListFormat, PromptArgs};
use clap::Args;
use std::path::PathBuf;

/// Flags of `continue`.
#[derive(Clone, Debug, Args)]
pub struct ContinueArgs {
    /// Prompt and model.
    #[command(flatten)]
    pub prompt: PromptArgs,
    /// Tokens at most
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub max_tokens: usize,
    /// Divide the logits by this before drawing; 0: the most likely token each time
    #[arg(long, value_name = "T", default_value_t = 0.0, allow_hyphen_values = true)]
    pub temperature: f64,
    /// Draw from so many of the most likely tokens [default: all]
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Draw from the most likely tokens that together have this probability [default: all]
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub top_p: Option<f64>,
    /// What is drawn depends on it alone
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,
    /// Switch a part off, or set it, and write with and without it, side by side: head 23.4, mlp 3=0.5x, neuron 2.12=10, span 2:5, or a set of the switch file; repeatable, all act together
    #[arg(long, value_name = "SWITCH|SET")]
    pub switch: Vec<String>,
    /// The switch file [default: FILE.switches.toml, beside the prompt]
    #[arg(long, value_name = "FILE")]
    pub switches: Option<PathBuf>,
    /// Add the switches to the switch file under this name
    #[arg(long, value_name = "NAME", requires = "switch")]
    pub save_switches: Option<String>,
    /// Text that ends the continuation and is not part of it; repeatable
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub stop: Vec<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}
