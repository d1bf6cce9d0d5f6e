//! Safetensors: one file, or a folder's sharded set with its index.

use crate::{
    bounded_read,
    error::EngineError,
    tensor_file::{
        TensorFile, TensorInfo, decode::StoredType, mapped::MappedFile, stored_tensor::StoredTensor,
    },
};
use safetensors::{Dtype, SafeTensors};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

/// Names of the files in a model folder.
pub(crate) const SINGLE: &str = "model.safetensors";
pub(crate) const INDEX: &str = "model.safetensors.index.json";
/// Larger than the index of any model: a hundred bytes for each of a million tensors.
const MAX_INDEX_BYTES: u64 = 100 << 20;

/// One opened file or sharded set.
#[derive(Debug)]
pub struct SafetensorsFiles {
    files: Vec<MappedFile>,
    tensors: BTreeMap<String, (usize, StoredTensor)>,
}

impl SafetensorsFiles {
    /// Opens a model folder: `model.safetensors`, else the shards that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// Neither is there; a shard is missing; a file is malformed, or lacks a tensor that the index promises.
    pub fn open_folder(folder: &Path) -> Result<Self, EngineError> {
        let single = folder.join(SINGLE);
        if single.is_file() {
            return Self::open(&[single]);
        }
        let index = folder.join(INDEX);
        let Some(map) = read_index(&index)? else {
            return Err(EngineError::malformed(
                folder,
                SINGLE,
                format!(
                    "is missing, and there is no {INDEX} either; a model folder needs one of them"
                ),
            ));
        };
        let shards: BTreeSet<PathBuf> = map.values().map(|shard| folder.join(shard)).collect();
        let files = Self::open(&shards.into_iter().collect::<Vec<_>>())?;
        match map.keys().find(|tensor| !files.tensors.contains_key(*tensor)) {
            Some(missing) => {
                Err(EngineError::malformed(&index, missing, "is in none of the shards"))
            }
            None => Ok(files),
        }
    }

    /// Opens these files as one set.
    ///
    /// # Errors
    /// A file is malformed, or two hold a tensor of the same name.
    pub fn open(paths: &[PathBuf]) -> Result<Self, EngineError> {
        let mut files = Vec::new();
        let mut tensors = BTreeMap::new();
        for path in paths {
            let file = MappedFile::open(path)?;
            for (name, stored) in Self::list(&file)? {
                if tensors.insert(name.clone(), (files.len(), stored)).is_some() {
                    return Err(EngineError::malformed(path, name, "stands in two shards"));
                }
            }
            files.push(file);
        }
        Ok(Self { files, tensors })
    }

    fn list(file: &MappedFile) -> Result<Vec<(String, StoredTensor)>, EngineError> {
        let bytes = file.bytes();
        let malformed =
            |field: &str, problem: String| EngineError::malformed(file.path(), field, problem);
        // The library checks the header's size, each offset against the file and each shape against its bytes.
        let parsed = SafeTensors::deserialize(bytes)
            .map_err(|e| malformed("header", format!("is not valid safetensors: {e}")))?;
        let mut listed = Vec::new();
        for (name, view) in parsed.iter() {
            let kind = match view.dtype() {
                Dtype::F64 => StoredType::F64,
                Dtype::F32 => StoredType::F32,
                Dtype::F16 => StoredType::F16,
                Dtype::BF16 => StoredType::Bf16,
                // Masks and index tables that some checkpoints carry are no weights of ours.
                _ => continue,
            };
            let start = view.data().as_ptr().addr() - bytes.as_ptr().addr();
            let place = start..start + view.data().len();
            listed.push((name.to_owned(), StoredTensor::new(view.shape().to_vec(), kind, place)));
        }
        Ok(listed)
    }
}

/// Which shard holds each tensor, by the index of a sharded set; none where there is no index.
fn read_index(index: &Path) -> Result<Option<BTreeMap<String, String>>, EngineError> {
    let Some(parsed) = bounded_read::json(index, MAX_INDEX_BYTES)? else { return Ok(None) };
    let map = parsed.get("weight_map").and_then(serde_json::Value::as_object).ok_or_else(|| {
        EngineError::malformed(index, "weight_map", "is missing; an object was expected")
    })?;
    map.iter()
        .map(|(tensor, shard)| {
            // The name becomes a path, which messages repeat: one plain file name, no way out of the folder, nothing unprintable.
            let plain = |name: &&str| {
                Path::new(name).components().eq([Component::Normal(name.as_ref())])
                    && !name.contains(char::is_control)
            };
            match shard.as_str().filter(plain) {
                Some(shard) => Ok((tensor.clone(), shard.to_owned())),
                None => Err(EngineError::malformed(
                    index,
                    format!("weight_map: {tensor}"),
                    "must name a file in the same folder",
                )),
            }
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Names of the shards of a sharded set, by its index.
///
/// # Errors
/// There is no index, or it is malformed.
pub(crate) fn shards_of(index: &Path) -> Result<BTreeSet<String>, EngineError> {
    Ok(read_index(index)?.unwrap_or_default().into_values().collect())
}

impl TensorFile for SafetensorsFiles {
    fn path(&self, tensor: &str) -> &Path {
        let file = self.tensors.get(tensor).map_or(0, |(file, _)| *file);
        self.files.get(file).map_or(Path::new(SINGLE), MappedFile::path)
    }

    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    fn info(&self, tensor: &str) -> Option<&TensorInfo> {
        self.tensors.get(tensor).map(|(_, stored)| &stored.info)
    }

    fn read_rows(
        &self,
        tensor: &str,
        first_row: usize,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        match self.tensors.get(tensor) {
            Some((file, stored)) => stored.read_rows(&self.files[*file], tensor, first_row, out),
            None => Err(EngineError::malformed(self.path(tensor), tensor, "tensor is missing")),
        }
    }

    fn forget(&self) {
        self.files.iter().for_each(MappedFile::forget);
    }
}
