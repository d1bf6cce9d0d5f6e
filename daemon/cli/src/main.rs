//! The `limpid` binary: everything it does is in the library beside it, so that tests can call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    limpid_cli::run(std::env::args_os())
}
