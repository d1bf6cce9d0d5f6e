//! The tiny golden models, as they are or with another config or other weights, loaded for any way of computing.

#![expect(clippy::unwrap_used, reason = "a test library: what cannot be read fails the test")]

use crate::{Tensors, golden};
use limpid_engine::{
    checkpoint::Checkpoint,
    device::Compute,
    error::EngineError,
    model::Model,
    model_pool::Loaded,
    tensor_file::{TensorFile, TensorInfo, safetensors::SafetensorsFiles},
};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Folders under `golden/tiny`.
pub const FAMILIES: [&str; 4] = ["llama", "llama_rope_llama3", "gpt2", "gemma3_text"];
/// The two spellings of each config.
pub const CONFIGS: [&str; 2] = ["config.json", "config.v4.json"];

/// A tiny model's files, some of which may be changed before it is loaded.
#[derive(Clone, Debug)]
pub struct Tiny {
    family: String,
    config_path: PathBuf,
    config: Map<String, Value>,
    file: ChangedFile,
}

impl Tiny {
    /// The files of a family.
    pub fn open(family: &str) -> Self {
        Self::with_config(family, CONFIGS[0])
    }

    /// The files of a family, with one of the spellings of its config.
    pub fn with_config(family: &str, config: &str) -> Self {
        let folder = golden(&format!("tiny/{family}"));
        let config_path = folder.join(config);
        let config = serde_json::from_slice(&std::fs::read(&config_path).unwrap()).unwrap();
        let file = Arc::new(SafetensorsFiles::open_folder(&folder).unwrap());
        let file = ChangedFile { file, changed: BTreeMap::new() };
        Self { family: family.to_owned(), config_path, config, file }
    }

    /// Sets a field of the config.
    #[must_use]
    pub fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.config.insert(field.to_owned(), value.into());
        self
    }

    /// Adds a tensor that the file does not hold.
    #[must_use]
    pub fn add(mut self, tensor: &str, shape: &[usize], values: Vec<f32>) -> Self {
        let (shape, stored_bytes) = (shape.to_vec(), 4 * values.len() as u64);
        let info = TensorInfo { shape, dtype: "F32".to_owned(), stored_bytes };
        self.file.changed.insert(tensor.to_owned(), (info, values));
        self
    }

    /// Changes a tensor's values.
    #[must_use]
    pub fn change(mut self, tensor: &str, change: impl FnOnce(&mut [f32])) -> Self {
        let info = self.file.info(tensor).unwrap().clone();
        let mut values = self.values(tensor);
        change(&mut values);
        self.file.changed.insert(tensor.to_owned(), (info, values));
        self
    }

    /// A tensor's values.
    pub fn values(&self, tensor: &str) -> Vec<f32> {
        let mut values = vec![0f32; self.file.info(tensor).unwrap().shape.iter().product()];
        self.file.read_rows(tensor, 0, &mut values).unwrap();
        values
    }

    /// Loads the model.
    ///
    /// # Errors
    /// What the engine says of a config or of tensors that were changed.
    pub fn try_load(&self, compute: &Compute) -> Result<Loaded, EngineError> {
        let file = Arc::new(self.file.clone());
        let checkpoint = Checkpoint::from_config(&self.config_path, &self.config, file)?;
        let model = Model::load(&checkpoint, compute, u64::MAX, &|_, _| {})?;
        Ok(Loaded { name: self.family.clone(), model, tokenizer: None, fingerprint: 0 })
    }

    /// Loads the model.
    ///
    /// # Panics
    /// When the engine refuses it.
    pub fn load(&self, compute: &Compute) -> Loaded {
        self.try_load(compute).unwrap()
    }

    /// The golden prompt.
    pub fn ids(&self) -> Vec<u32> {
        let folder = self.config_path.parent().unwrap();
        Tensors::open(&folder.join("golden.safetensors")).input_ids()
    }
}

/// A model file of which some tensors are others.
#[derive(Clone, Debug)]
struct ChangedFile {
    file: Arc<dyn TensorFile>,
    changed: BTreeMap<String, (TensorInfo, Vec<f32>)>,
}

impl TensorFile for ChangedFile {
    fn path(&self, tensor: &str) -> &Path {
        self.file.path(tensor)
    }

    fn names(&self) -> Vec<&str> {
        let mut names = self.file.names();
        names.extend(self.changed.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    }

    fn info(&self, tensor: &str) -> Option<&TensorInfo> {
        match self.changed.get(tensor) {
            Some((info, _)) => Some(info),
            None => self.file.info(tensor),
        }
    }

    fn read_rows(
        &self,
        tensor: &str,
        first_row: usize,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        let Some((info, values)) = self.changed.get(tensor) else {
            return self.file.read_rows(tensor, first_row, out);
        };
        let start = first_row * info.row_len();
        out.copy_from_slice(&values[start..start + out.len()]);
        Ok(())
    }
}
