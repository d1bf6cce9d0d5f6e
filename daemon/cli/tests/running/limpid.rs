//! Runs the binary as a person does, away from this user's models and network. Nothing asserts but `refusal`.
#![allow(dead_code, reason = "not every test program needs everything")]

use std::{
    path::PathBuf,
    process::{Command, Output},
};

pub(crate) fn golden(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(path)
}

/// The path of a tiny model.
pub(crate) fn tiny(family: &str) -> String {
    golden(&format!("tiny/{family}")).display().to_string()
}

/// A real model that `tests/run` has fetched into `tests/.cache`, or that lies in the folder `LIMPID_TEST_MODELS`.
pub(crate) fn real(file: &str) -> PathBuf {
    let cache = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/.cache/home/models");
    let path = std::env::var_os("LIMPID_TEST_MODELS").map_or_else(cache, PathBuf::from).join(file);
    assert!(path.is_file(), "{} is missing; `bash tests/run` fetches it", path.display());
    path
}

/// The binary, with nothing of this user's.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_limpid"));
    command
        .env("LIMPID_HOME", std::env::temp_dir().join("limpid-tests-no-home"))
        .env("HF_HOME", std::env::temp_dir().join("limpid-tests-no-hub"))
        .env("LIMPID_OFFLINE", "1");
    for variable in
        ["LIMPID_MODEL", "LIMPID_LOG", "LIMPID_MEMORY_BUDGET", "HF_ENDPOINT", "HF_TOKEN"]
    {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn limpid(args: &[&str]) -> Output {
    command().args(args).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that must fail with exit code 1, one line on standard error and nothing on standard output.
pub(crate) fn refused(args: &[&str]) -> String {
    refusal(&format!("{args:?}"), &limpid(args))
}

/// The one line of a run that must have failed so.
pub(crate) fn refusal(what: &str, output: &Output) -> String {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{what}: {error}");
    assert!(output.stdout.is_empty(), "{what}");
    assert_eq!(error.trim_end().lines().count(), 1, "{what}: {error}");
    assert!(error.starts_with("limpid: "), "{what}: {error}");
    error
}
