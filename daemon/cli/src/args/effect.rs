//! The flags of `limpid effect`: those of `inspect`, and what is changed.

use crate::args::InspectArgs;
use clap::Args;
use std::path::PathBuf;

/// Flags of `effect`. Without any that says what to change, the prompt's parts are measured: messages first, then what is inside those that matter.
#[derive(Clone, Debug, Args)]
pub struct EffectArgs {
    /// Prompt, model and what is explained.
    #[command(flatten)]
    pub inspect: InspectArgs,
    /// Hide tokens from all later ones, one run each
    #[arg(long, value_name = "all|I,J")]
    pub knockout: Vec<String>,
    /// Take tokens out, one run each
    #[arg(long, value_name = "all|I,J")]
    pub delete: Vec<String>,
    /// Hide a span of tokens from those behind it: index of the first, one past the last
    #[arg(long, value_name = "A:B")]
    pub span: Vec<String>,
    /// Switch a head off (or =0.5x: scale, =V: set), at one position or at all
    #[arg(long, value_name = "(all|L.H)[=V][@POS]")]
    pub head: Vec<String>,
    /// Switch an MLP off (or scale, set), at one position or at all
    #[arg(long, value_name = "(all|L)[=V][@POS]")]
    pub mlp: Vec<String>,
    /// Set a neuron [default value: 0]
    #[arg(long, value_name = "L.N[=V][@POS]", allow_hyphen_values = true)]
    pub neuron: Vec<String>,
    /// Switch off so many neurons, those of the strongest attribution
    #[arg(long, value_name = "N")]
    pub top_neurons: Option<usize>,
    /// Mask one entry of a head's pattern (all: of each head, one run each): position that looks, position that is looked at
    #[arg(long, value_name = "L.(H|all) Q<-K")]
    pub edge: Vec<String>,
    /// A JSON file: a list of interventions, each an object, its text, or a list of those that act together
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Patch this activation from another prompt, layer by position: resid_post, attn_out or mlp_out
    #[arg(long, value_name = "HOOK", requires = "from")]
    pub sweep: Option<String>,
    /// The other prompt of --sweep, of as many tokens: a file as FILE
    #[arg(long, value_name = "FILE", requires = "sweep")]
    pub from: Option<PathBuf>,
    /// Fit a sparse linear model to so many runs with random halves of the parts (--by, else lines or tokens) hidden
    #[arg(long, value_name = "N")]
    pub subsets: Option<usize>,
    /// Draw the subsets by it alone
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,
    /// Stop after so many runs, or seconds (2s); what is left is said to be not measured [default: none; for parts 128]
    #[arg(long, value_name = "N|SECONDSs")]
    pub budget: Option<String>,
    /// Effects below this many nats count as none
    #[arg(long, value_name = "NATS", default_value_t = limpid_protocol::effect::FLOOR)]
    pub floor: f32,
}
