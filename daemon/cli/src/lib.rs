//! The command line: wiring, text, JSON and DOT out. Nothing but the answer on standard output.

mod answer;
pub mod args;
mod bounded_log;
mod chat;
mod continuation;
mod continuation_page;
mod daemon;
mod daemon_client;
mod doctor;
mod dot;
mod effect;
mod effect_flags;
mod effect_page;
mod folder;
mod handshake;
mod html;
mod inspect;
mod lsp;
mod lsp_forwarder;
mod models;
mod page;
mod parts_page;
mod progress;
mod prompt;
mod prompt_range;
mod prompt_set;
mod prompt_source;
mod render;
mod render_prompt;
mod report;
mod report_page;
mod set_out;
mod set_run;
mod shared_daemon;
mod switches;
mod tour;
mod trace;
mod transport;
mod whole_file;

use args::{Cli, Command, DaemonCommand};
use clap::{CommandFactory, Parser};
use std::{
    ffi::OsString,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Runs the command line. Exit codes: 0 done, 1 the request failed (one line on standard error), 2 usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(e) if e.kind() == clap::error::ErrorKind::InvalidUtf8 => {
            return failed(&not_utf8(&args));
        }
        Err(e) => {
            // Help and version are answers; anything else is usage. A closed pipe has nobody to tell.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    start_log(&cli.command);
    // What is wrong is said once, in one sentence, by whoever catches the panic.
    std::panic::set_hook(Box::new(|panic| tracing::debug!(%panic, "caught")));
    match catch_unwind(AssertUnwindSafe(|| command(cli.command))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(e)) => failed(&sentence(&e)),
        Err(_) => failed("internal error; please report it, with what LIMPID_LOG=debug prints"),
    }
}

/// Standard error, or a file where nobody reads that. A second run in one process (tests) keeps the first one's log.
fn start_log(command: &Command) {
    let file = match command {
        Command::Daemon { command: DaemonCommand::Run(args) } if args.log_to_file => log_file(),
        _ => None,
    };
    let usual = if file.is_some() { "warn,limpid_cli=info,limpid_server=info" } else { "warn" };
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("LIMPID_LOG").unwrap_or_else(|_| usual.into());
    let writer = match file {
        Some(file) => BoxMakeWriter::new(std::sync::Mutex::new(file)),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    let _ = log.with_writer(writer).try_init();
}

fn log_file() -> Option<bounded_log::BoundedLog> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let place = runtime.block_on(async { transport::Place::from_env() }).ok()?;
    Some(bounded_log::BoundedLog::open(place.log()))
}

fn failed(problem: &str) -> ExitCode {
    anstream::eprintln!("limpid: {problem}");
    ExitCode::FAILURE
}

/// Which argument is no text, and where.
fn not_utf8(args: &[OsString]) -> String {
    let index = args.iter().position(|arg| arg.to_str().is_none()).unwrap_or_default();
    let bytes = args.get(index).map_or(&[][..], |arg| arg.as_encoded_bytes());
    let at = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    format!("argument {index}: byte {at} is not UTF-8; write the text in UTF-8, or into a file")
}

/// An error and its causes on one line, each said once; what a name or a file smuggled in cannot steer the terminal.
fn sentence(error: &anyhow::Error) -> String {
    let mut out = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if out.is_empty() {
            out = cause;
        } else if !out.contains(&cause) {
            out.push_str(": ");
            out.push_str(&cause);
        }
    }
    let shown = |c: char| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    out.chars().map(shown).collect()
}

fn command(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Inspect(args) => inspect::run(&args),
        Command::Effect(args) => effect::run(&args),
        Command::Render(args) => render_prompt::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Continue(args) => continuation::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "limpid", &mut script);
            page::print(&String::from_utf8_lossy(&script))
        }
        Command::Models { command } => models::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Tour(args) => tour::run(&args),
        Command::Lsp(args) => lsp::run(&args),
        Command::Daemon { command } => daemon::run(&command),
    }
}

#[cfg(test)]
mod tests {
    use super::{not_utf8, sentence};
    use anyhow::{Context, anyhow};

    #[test]
    fn causes_are_said_once_and_on_one_line() {
        let io = || std::io::Error::other("disk gone");
        let error = Err::<(), _>(io()).context("a\nb: disk gone").context("c").unwrap_err();
        assert_eq!(sentence(&error), "c: a\\nb: disk gone");
        assert_eq!(sentence(&anyhow!("\u{1b}[31mred")), "\\u{1b}[31mred");
    }

    #[cfg(unix)]
    #[test]
    fn the_argument_that_is_no_text_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let args = [b"limpid".to_vec(), b"caf\xe9".to_vec()].map(std::ffi::OsString::from_vec);
        assert!(not_utf8(&args).starts_with("argument 1: byte 3 is not UTF-8"));
    }
}
