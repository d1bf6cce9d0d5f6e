//! The command line: wiring, text, JSON and DOT out. Nothing but the answer on standard output.

pub mod args;
mod chat;
mod dot;
mod inspect;
mod page;
mod progress;
mod prompt;
mod prompt_range;
mod render;
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
        _ => anyhow::bail!("not yet"),
    }
}
