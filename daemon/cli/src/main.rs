//! The `limpid` binary: everything it does is in the library beside it, so that tests can call it.

use std::process::ExitCode;

/// Keeps large blocks for the next layer, on large pages: the system's allocator hands them back and has them cleared again.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    limpid_cli::run(std::env::args_os())
}
