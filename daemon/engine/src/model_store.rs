//! Finds model files by name and fetches those that are not there: a path, an already pulled model, the Hugging Face hub, a
//! named default. What is fetched goes to a temporary name, is verified, then renamed; two processes may ask at once.

mod fetch;
mod known;
mod settings;

pub use known::DEFAULT_MODEL;
pub use settings::StoreSettings;

use crate::error::EngineError;
use known::{KNOWN, Known};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How alike two names are at least, from 0 to 1, for one to be proposed for the other.
const NEAR: f64 = 0.85;

/// Where a model's weights are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weights {
    /// One GGUF file, tokenizer inside.
    Gguf(PathBuf),
    /// A folder with config.json, safetensors and perhaps tokenizer.json.
    Folder(PathBuf),
}

impl Weights {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Gguf(path) | Self::Folder(path) => path,
        }
    }
}

/// A model on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFiles {
    /// Its name.
    pub name: String,
    /// Its files.
    pub weights: Weights,
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreProgress {
    /// What is being done: `fetching`, `verifying`.
    pub stage: &'static str,
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes there are, where that is known.
    pub total_bytes: Option<u64>,
}

/// Told how far a fetch is.
pub type OnProgress<'a> = &'a (dyn Fn(StoreProgress) + Sync);

/// The models of this user.
#[derive(Clone, Debug)]
pub struct ModelStore {
    settings: StoreSettings,
}

impl ModelStore {
    /// A store with these settings.
    pub fn new(settings: StoreSettings) -> Self {
        Self { settings }
    }

    /// The folder that pulled models live in.
    pub fn folder(&self) -> PathBuf {
        self.settings.home.join("models")
    }

    /// Finds a model, fetching it if need be.
    ///
    /// # Errors
    /// No such path, no such name, or it cannot be fetched: the message says what was tried and what to do.
    pub fn resolve(&self, name: &str, progress: OnProgress<'_>) -> Result<ModelFiles, EngineError> {
        if let Some(found) = self.find(name)? {
            return Ok(found);
        }
        if let Some(known) = known::by_name(name) {
            return self.pull_known(known, progress);
        }
        if is_hub_name(name) {
            return fetch::hub_model(&self.settings, name, progress);
        }
        Err(self.unknown(name))
    }

    /// Whether a model of this name could be fetched.
    ///
    /// # Errors
    /// It could not: the message says what was tried, and which names are near.
    pub fn check_name(&self, name: &str) -> Result<(), EngineError> {
        if known::by_name(name).is_some() || is_hub_name(name) {
            return Ok(());
        }
        Err(self.unknown(name))
    }

    fn unknown(&self, name: &str) -> EngineError {
        let pulled = self.list().unwrap_or_default().into_iter().map(|model| model.name);
        let mut names: Vec<String> =
            KNOWN.iter().map(|known| known.name.to_owned()).chain(pulled).collect();
        names.sort();
        names.dedup();
        let near = nearest(name, &names).map_or_else(
            || format!("names are {}", names.join(", ")),
            |near| format!("did you mean {near}?"),
        );
        EngineError::ModelNotFound {
            name: name.to_owned(),
            problem: format!(
                "it is no file or folder, no pulled model and no owner/name of the hub; {near}"
            ),
        }
    }

    /// Finds a model that is on this machine already.
    ///
    /// # Errors
    /// The name is a path to something that is no model.
    pub fn find(&self, name: &str) -> Result<Option<ModelFiles>, EngineError> {
        let path = Path::new(name);
        let looks_like_path =
            name.ends_with(".gguf") || path.is_absolute() || name.starts_with('.');
        if path.is_dir() {
            return Ok(Some(ModelFiles {
                name: file_name(path),
                weights: Weights::Folder(path.to_owned()),
            }));
        }
        if path.is_file() {
            return Ok(Some(ModelFiles {
                name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                weights: Weights::Gguf(path.to_owned()),
            }));
        }
        if looks_like_path {
            return Err(EngineError::ModelNotFound {
                name: name.to_owned(),
                problem: if path.exists() {
                    "it is neither a regular file nor a folder".to_owned()
                } else {
                    "there is no such file or folder".to_owned()
                },
            });
        }
        if let Some(known) = known::by_name(name) {
            let file = self.folder().join(known.file);
            return Ok(file.is_file().then(|| ModelFiles {
                name: known.name.to_owned(),
                weights: Weights::Gguf(file),
            }));
        }
        Ok(self.list()?.into_iter().find(|model| model.name == name))
    }

    /// Models in the store.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<ModelFiles>, EngineError> {
        let folder = self.folder();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(EngineError::io(folder, e)),
        };
        let mut models = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| EngineError::io(&folder, e))?.path();
            let file = file_name(&path);
            if path.is_file() && file.ends_with(".gguf") {
                let known = KNOWN.iter().find(|known| known.file == file);
                let stem = file.trim_end_matches(".gguf").to_owned();
                let name = known.map_or(stem, |known| known.name.to_owned());
                models.push(ModelFiles { name, weights: Weights::Gguf(path) });
            } else if path.join("config.json").is_file() {
                let name = file.replacen("--", "/", 1);
                models.push(ModelFiles { name, weights: Weights::Folder(path) });
            }
        }
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// Removes a pulled model.
    ///
    /// # Errors
    /// No pulled model of that name; the file cannot be removed.
    pub fn remove(&self, name: &str) -> Result<PathBuf, EngineError> {
        let name = known::by_name(name).map_or(name, |known| known.name);
        let Some(model) = self.list()?.into_iter().find(|model| model.name == name) else {
            return Err(EngineError::ModelNotFound {
                name: name.to_owned(),
                problem: format!(
                    "it is not in {}; `limpid models list` shows what is",
                    self.folder().display()
                ),
            });
        };
        let path = model.weights.path().to_owned();
        let removed = match &model.weights {
            Weights::Gguf(path) => fs::remove_file(path),
            Weights::Folder(path) => fs::remove_dir_all(path),
        };
        removed.map_err(|e| EngineError::io(&path, e))?;
        Ok(path)
    }

    /// Names that can be fetched by themselves, and what they are.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
        KNOWN.iter().map(|known| (known.name, known.about))
    }

    fn pull_known(
        &self,
        known: &'static Known,
        progress: OnProgress<'_>,
    ) -> Result<ModelFiles, EngineError> {
        let path = fetch::known_model(&self.settings, &self.folder(), known, progress)?;
        Ok(ModelFiles { name: known.name.to_owned(), weights: Weights::Gguf(path) })
    }
}

fn file_name(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    absolute.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name that was probably meant.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let name = name.to_lowercase();
    names
        .iter()
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known.as_str()))
        .filter(|(alike, _)| *alike >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

fn is_hub_name(name: &str) -> bool {
    let allowed = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/').is_some_and(|(owner, model)| allowed(owner) && allowed(model))
}
