//! Safetensors: one file, or a folder's sharded set with its index.

use crate::{
    error::EngineError,
    tensor_file::{TensorFile, TensorInfo, decode::StoredType, mapped::MappedFile, rows_range},
};
use safetensors::{Dtype, SafeTensors};
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Component, Path},
};

/// Names of the files in a model folder.
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// One opened file or sharded set.
#[derive(Debug)]
pub struct SafetensorsFiles {
    files: Vec<MappedFile>,
    tensors: BTreeMap<String, (TensorInfo, StoredType, usize, Range<usize>)>,
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
        let text = match std::fs::read(&index) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(EngineError::malformed(
                    folder,
                    SINGLE,
                    format!(
                        "is missing, and there is no {INDEX} either; a model folder needs one of them"
                    ),
                ));
            }
            Err(e) => return Err(EngineError::io(index, e)),
        };
        let parsed: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|e| EngineError::malformed(&index, "json", e.to_string()))?;
        let map =
            parsed.get("weight_map").and_then(serde_json::Value::as_object).ok_or_else(|| {
                EngineError::malformed(&index, "weight_map", "is missing; an object was expected")
            })?;
        let mut shards = std::collections::BTreeSet::new();
        for (tensor, shard) in map {
            let shard = shard
                .as_str()
                .filter(|name| {
                    Path::new(name).components().all(|c| matches!(c, Component::Normal(_)))
                })
                .ok_or_else(|| {
                    EngineError::malformed(&index, tensor, "must name a file in the same folder")
                })?;
            shards.insert(folder.join(shard));
        }
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
    pub fn open(paths: &[std::path::PathBuf]) -> Result<Self, EngineError> {
        let mut files = Vec::new();
        let mut tensors = BTreeMap::new();
        for path in paths {
            let file = MappedFile::open(path)?;
            for (name, info, kind, range) in Self::list(&file)? {
                if tensors.insert(name.clone(), (info, kind, files.len(), range)).is_some() {
                    return Err(EngineError::malformed(path, name, "stands in two shards"));
                }
            }
            files.push(file);
        }
        Ok(Self { files, tensors })
    }

    fn list(
        file: &MappedFile,
    ) -> Result<Vec<(String, TensorInfo, StoredType, Range<usize>)>, EngineError> {
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
            let info = TensorInfo {
                shape: view.shape().to_vec(),
                dtype: kind.name().to_owned(),
                stored_bytes: view.data().len() as u64,
            };
            listed.push((name.to_owned(), info, kind, start..start + view.data().len()));
        }
        Ok(listed)
    }
}

impl TensorFile for SafetensorsFiles {
    fn path(&self, tensor: &str) -> &Path {
        let file = self.tensors.get(tensor).map_or(0, |(_, _, file, _)| *file);
        self.files.get(file).map_or(Path::new(SINGLE), MappedFile::path)
    }

    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    fn info(&self, tensor: &str) -> Option<&TensorInfo> {
        self.tensors.get(tensor).map(|(info, ..)| info)
    }

    fn read_rows(
        &self,
        tensor: &str,
        first_row: usize,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        let Some((info, kind, file, range)) = self.tensors.get(tensor) else {
            return Err(EngineError::malformed(self.path(tensor), tensor, "tensor is missing"));
        };
        let file = &self.files[*file];
        let range = rows_range(file.path(), tensor, info, *kind, range, first_row, out.len())?;
        kind.decode(file.range(range)?, out)
            .map_err(|problem| EngineError::malformed(file.path(), tensor, problem))
    }
}
