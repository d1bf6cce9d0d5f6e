//! The flags of `limpid report`.

use clap::Args;
use std::path::PathBuf;

/// Flags of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The answers an editor recorded, as it saves them as JSON [default: standard input]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The page to write [default: standard output]
    #[arg(long, alias = "output", value_name = "F.html")]
    pub out: Option<PathBuf>,
}
