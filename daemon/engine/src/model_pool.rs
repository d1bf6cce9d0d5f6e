//! From a name to a loaded model with its tokenizer, shared by all who ask for it.

use crate::{
    bounded_read,
    checkpoint::Checkpoint,
    device::Compute,
    error::EngineError,
    memory::MemoryBudget,
    model::Model,
    model_store::{ModelFiles, Weights},
    tensor_file::{TensorFile, gguf::GgufFile, safetensors::SafetensorsFiles},
    tokenizer::Tokenizer,
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::Arc,
};

/// Larger than any config.json.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// A model ready for use.
#[derive(Debug)]
pub struct Loaded {
    /// As it was asked for, or the file's own name.
    pub name: String,
    /// Its weights.
    pub model: Model,
    /// Its tokenizer; a folder without tokenizer.json has none, and takes token ids only.
    pub tokenizer: Option<Tokenizer>,
    /// Tells traces of one model from those of another.
    pub fingerprint: u64,
}

impl Loaded {
    /// The tokenizer.
    ///
    /// # Errors
    /// The model came without one.
    pub fn tokenizer(&self) -> Result<&Tokenizer, EngineError> {
        self.tokenizer.as_ref().ok_or_else(|| {
            EngineError::BadRequest(format!(
                "model `{}` has no tokenizer.json; give the prompt as --token-ids, and tokens as ids",
                self.name
            ))
        })
    }
}

/// A model's structure and files, nothing decoded.
#[derive(Debug)]
pub struct Opened {
    /// As in [`Loaded`].
    pub name: String,
    /// Structure and tensors.
    pub checkpoint: Checkpoint,
    /// As in [`Loaded`].
    pub tokenizer: Option<Tokenizer>,
}

/// Opens a model's files and checks them.
///
/// # Errors
/// A file is missing or malformed; the family is not supported.
pub fn open(files: &ModelFiles) -> Result<Opened, EngineError> {
    let (checkpoint, tokenizer) = match &files.weights {
        Weights::Gguf(path) => open_gguf(path)?,
        Weights::Folder(folder) => open_folder(folder)?,
    };
    Ok(Opened { name: files.name.clone(), checkpoint, tokenizer })
}

fn open_gguf(path: &Path) -> Result<(Checkpoint, Option<Tokenizer>), EngineError> {
    let file = Arc::new(GgufFile::open(path)?);
    let rows = file.info("token_embd.weight").map(|info| info.n_rows());
    let d_vocab = rows.ok_or_else(|| {
        EngineError::malformed(path, "token_embd.weight", "tensor is missing; every model needs it")
    })?;
    let checkpoint = Checkpoint::from_gguf(
        path,
        &|key| file.text(key).map(str::to_owned),
        &|key| file.number(key),
        d_vocab,
        Arc::clone(&file) as Arc<dyn TensorFile>,
    )?;
    let has_tokenizer = file.text("tokenizer.ggml.model").is_some();
    let tokenizer = if has_tokenizer { Some(Tokenizer::from_gguf(&file)?) } else { None };
    Ok((checkpoint, tokenizer))
}

fn open_folder(folder: &Path) -> Result<(Checkpoint, Option<Tokenizer>), EngineError> {
    let config_path = folder.join("config.json");
    let config = bounded_read::json(&config_path, MAX_CONFIG_BYTES)?.ok_or_else(|| {
        EngineError::malformed(
            folder,
            "config.json",
            "is missing; a model folder holds config.json and model.safetensors",
        )
    })?;
    let config = config
        .as_object()
        .ok_or_else(|| EngineError::malformed(&config_path, "json", "must be an object"))?;
    let files: Arc<dyn TensorFile> = Arc::new(SafetensorsFiles::open_folder(folder)?);
    let checkpoint = Checkpoint::from_config(&config_path, config, files)?;
    let has_tokenizer = folder.join("tokenizer.json").is_file();
    let tokenizer = if has_tokenizer { Some(Tokenizer::from_folder(folder)?) } else { None };
    Ok((checkpoint, tokenizer))
}

/// Decodes an opened model.
///
/// # Errors
/// As [`Model::load`].
pub fn load(
    opened: Opened,
    compute: &Compute,
    budget: MemoryBudget,
    progress: &dyn Fn(usize, usize),
) -> Result<Loaded, EngineError> {
    let model = Model::load(&opened.checkpoint, compute, budget.0, progress)?;
    let mut hasher = DefaultHasher::new();
    let file = &opened.checkpoint.file;
    for name in file.names() {
        (name, file.path(name)).hash(&mut hasher);
    }
    (compute.kind.name(), compute.dtype_name()).hash(&mut hasher);
    Ok(Loaded {
        name: opened.name,
        model,
        tokenizer: opened.tokenizer,
        fingerprint: hasher.finish(),
    })
}
