//! Model folders of the hub, in the hub's own cache, which other programs read too: a file moves there only when it is whole.

use crate::{
    error::EngineError,
    model_store::{
        ModelFiles, OnProgress, StoreSettings, Weights,
        fetch::{
            SWITCHED_OFF, failed,
            lock::Lock,
            transfer::{Arrived, Problem, Transfer},
        },
    },
    tensor_file::safetensors::{INDEX, SINGLE, shards_of},
};
use hf_hub::{
    Cache, CacheRepo,
    api::sync::{Api, ApiBuilder},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files that a model may do without.
const OPTIONAL: &[&str] = &["tokenizer_config.json", "chat_template.jinja"];
const TOKENIZER: &str = "tokenizer.json";
const CONFIG: &str = "config.json";

/// The hub's cache on this machine.
pub(super) fn cache(settings: &StoreSettings) -> Cache {
    match &settings.hub_home {
        Some(home) => Cache::new(home.join("hub")),
        None => Cache::from_env(),
    }
}

/// A client that writes into `staging`.
pub(super) fn api(settings: &StoreSettings, staging: &Path) -> Result<Api, String> {
    // Where the real cache is, the user's token is too.
    let mut builder = ApiBuilder::from_cache(cache(settings)).with_cache_dir(staging.to_owned());
    if let Some(token) = &settings.hub_token {
        builder = builder.with_token(Some(token.clone()));
    }
    if let Some(endpoint) = &settings.hub_endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    builder.with_progress(false).build().map_err(|e| e.to_string())
}

/// Finds a model folder in the hub's cache, or fetches it there.
pub(in crate::model_store) fn hub_model(
    settings: &StoreSettings,
    name: &str,
    progress: OnProgress<'_>,
) -> Result<ModelFiles, EngineError> {
    let cache = cache(settings);
    let here = cache.model(name.to_owned());
    let found =
        |folder: PathBuf| ModelFiles { name: name.to_owned(), weights: Weights::Folder(folder) };
    // A model without a tokenizer is complete only where nobody can be asked for one.
    if let Some(folder) = complete(&here)?
        && (settings.is_offline || folder.join(TOKENIZER).is_file())
    {
        return Ok(found(folder));
    }
    if settings.is_offline {
        let place = cache.path().display();
        return Err(failed(
            name,
            format!("it is not in the hub's cache {place}, and {SWITCHED_OFF}"),
        ));
    }
    let unwritable = |problem: String| {
        failed(name, format!("{problem}; set HF_HOME to a folder that can be written to"))
    };
    let staging = cache.path().join(".limpid");
    fs::create_dir_all(&staging).map_err(|e| unwritable(format!("{}: {e}", staging.display())))?;
    let lock = staging.join(format!("{}.lock", name.replace('/', "--")));
    let _lock = Lock::take(&lock, progress).map_err(unwritable)?;
    let transfer = Transfer { settings, repository: name, staging, progress };
    let fetch = Fetch { name, here: &here, transfer };
    let folder = fetch.all();
    if folder.is_ok() {
        let _ = fs::remove_dir_all(
            fetch.transfer.staging.join(format!("models--{}", name.replace('/', "--"))),
        );
    }
    Ok(found(folder?))
}

/// The folder of a model whose config and weights are all in the cache.
fn complete(here: &CacheRepo) -> Result<Option<PathBuf>, EngineError> {
    let Some(config) = here.get(CONFIG) else { return Ok(None) };
    let folder = config.parent().unwrap_or(Path::new(".")).to_owned();
    if folder.join(SINGLE).is_file() {
        return Ok(Some(folder));
    }
    let index = folder.join(INDEX);
    if !index.is_file() {
        return Ok(None);
    }
    let shards = shards_of(&index)?;
    Ok(shards.iter().all(|shard| folder.join(shard).is_file()).then_some(folder))
}

struct Fetch<'a> {
    name: &'a str,
    here: &'a CacheRepo,
    transfer: Transfer<'a>,
}

impl Fetch<'_> {
    fn all(&self) -> Result<PathBuf, EngineError> {
        let config = self.get(CONFIG)?.ok_or_else(|| {
            self.failed("the hub has no such model, or no config.json in it; is the name right, and does the model need HF_TOKEN?")
        })?;
        for file in OPTIONAL.iter().chain([&TOKENIZER]) {
            self.get(file)?;
        }
        let weights = match self.get(SINGLE)? {
            Some(single) => vec![single],
            None => {
                let index = self.get(INDEX)?.ok_or_else(|| {
                    self.failed("it has no safetensors; only safetensors and GGUF are read, so fetch a .gguf file and give its path")
                })?;
                let mut files = Vec::new();
                for shard in shards_of(&index)? {
                    files.push(self.get(&shard)?.ok_or_else(|| {
                        self.failed(format!(
                            "{shard}: the hub has no such file, though its index names it"
                        ))
                    })?);
                }
                files
            }
        };
        let folder = config.parent().unwrap_or(Path::new("."));
        if weights.iter().any(|file| file.parent() != Some(folder)) {
            return Err(self.failed("it changed on the hub while it was being fetched; try again"));
        }
        Ok(folder.to_owned())
    }

    /// A file of the model, from the cache or the hub; none where the hub has none.
    fn get(&self, file: &str) -> Result<Option<PathBuf>, EngineError> {
        if let Some(path) = self.here.get(file) {
            return Ok(Some(path));
        }
        match self.transfer.fetch(file) {
            Ok(arrived) => install(self.here, &arrived, file)
                .map(Some)
                .map_err(|(path, e)| EngineError::io(path, e)),
            Err(Problem::Absent) => Ok(None),
            Err(problem) => Err(self.failed(problem.to_string())),
        }
    }

    fn failed(&self, problem: impl Into<String>) -> EngineError {
        failed(self.name, problem)
    }
}

/// Moves a whole file to where the hub's cache has it: a blob, a pointer to it in the snapshot of its commit, and the commit as
/// what `main` is. Each is renamed into place, so that a reader at any moment finds what was there before or what is there now.
fn install(
    here: &CacheRepo,
    arrived: &Arrived,
    file: &str,
) -> Result<PathBuf, (PathBuf, std::io::Error)> {
    fn at(path: &Path) -> impl Fn(std::io::Error) -> (PathBuf, std::io::Error) {
        move |e| (path.to_owned(), e)
    }
    let folder_of = |path: &Path| path.parent().unwrap_or(Path::new(".")).to_owned();
    let blob = here.blob_path(&arrived.etag);
    let pointer = here.pointer_path(&arrived.commit).join(file);
    let reference = folder_of(&folder_of(&folder_of(&pointer))).join("refs").join("main");
    for folder in [&blob, &pointer, &reference].map(|path| folder_of(path)) {
        fs::create_dir_all(&folder).map_err(at(&folder))?;
    }
    fs::rename(&arrived.path, &blob).map_err(at(&blob))?;
    // Beside its place first: a pointer that leads nowhere may stand there.
    let fresh = pointer.with_file_name(format!(".{file}.fresh"));
    let _ = fs::remove_file(&fresh);
    point(&fresh, &blob, &arrived.etag).map_err(at(&fresh))?;
    fs::rename(&fresh, &pointer).map_err(at(&pointer))?;
    let fresh = reference.with_file_name(".main.fresh");
    fs::write(&fresh, arrived.commit.trim()).map_err(at(&fresh))?;
    fs::rename(&fresh, &reference).map_err(at(&reference))?;
    Ok(pointer)
}

/// Makes `link` lead to the blob, relative to its snapshot's folder, as other programs write it.
#[cfg(unix)]
fn point(link: &Path, _: &Path, etag: &str) -> std::io::Result<()> {
    std::os::unix::fs::symlink(Path::new("../../blobs").join(etag), link)
}

/// Makes `link` the blob under another name: links that lead elsewhere need a privilege here.
#[cfg(not(unix))]
fn point(link: &Path, blob: &Path, _: &str) -> std::io::Result<()> {
    fs::hard_link(blob, link)
}
