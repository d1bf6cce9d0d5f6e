//! The command line: wiring, text, JSON and DOT out. Nothing but the answer on standard output.

pub mod args;
mod chat;
mod doctor;
mod dot;
mod inspect;
mod lsp;
mod models;
mod page;
mod progress;
mod prompt;
mod prompt_range;
mod render;
mod tour;
mod trace;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::{ffi::OsString, process::ExitCode};

/// Runs the command line. Exit codes: 0 done, 1 the request failed (one line on standard error), 2 usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are answers; anything else is usage. A closed pipe has nobody to tell.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let log =
        tracing_subscriber::EnvFilter::try_from_env("LIMPID_LOG").unwrap_or_else(|_| "warn".into());
    // A second run in one process (tests) keeps the first one's log.
    let _ = tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).try_init();
    match command(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            anstream::eprintln!("limpid: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Inspect(args) => inspect::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "limpid", &mut script);
            inspect::print(&String::from_utf8_lossy(&script))
        }
        Command::Models { command } => models::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Tour(args) => tour::run(&args),
        Command::Lsp(args) => lsp::run(&args),
    }
}
