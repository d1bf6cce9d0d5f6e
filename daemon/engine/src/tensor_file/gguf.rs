//! GGUF files, versions 2 and 3. Nothing in a file is believed: every count, length, offset and type is checked against the
//! file's size before anything is allocated.

use crate::{
    error::EngineError,
    tensor_file::{
        TensorFile, TensorInfo, decode::StoredType, mapped::MappedFile, stored_tensor::StoredTensor,
    },
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

pub use crate::tensor_file::gguf_metadata::MetadataValue;

const MAGIC: &[u8; 4] = b"GGUF";
/// The smallest metadata entry: a key of one byte and a value of one.
const MIN_ENTRY: u64 = 8 + 1 + 4 + 1;
/// The smallest tensor entry: a name of one byte, one dimension, a type and an offset.
const MIN_TENSOR: u64 = 8 + 1 + 4 + 8 + 4 + 8;
/// Bytes of a key's or a tensor's name: the format's own bound on keys.
const MAX_NAME_BYTES: usize = 65_535;
/// Axes a tensor may have.
const MAX_AXES: u32 = 4;
/// Arrays inside arrays are refused beyond this depth.
const MAX_DEPTH: usize = 2;

/// An opened GGUF file.
#[derive(Debug)]
pub struct GgufFile {
    file: MappedFile,
    metadata: BTreeMap<String, MetadataValue>,
    tensors: BTreeMap<String, StoredTensor>,
}

struct Reader<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, field: &str, problem: impl Into<String>) -> EngineError {
        EngineError::malformed(self.path, field, problem)
    }

    fn take(&mut self, n: u64, field: &str) -> Result<&'a [u8], EngineError> {
        let left = (self.bytes.len() - self.at) as u64;
        if n > left {
            let problem = format!(
                "needs {n} bytes at offset {}, but only {left} are left in the file",
                self.at
            );
            return Err(self.error(field, problem));
        }
        let taken = &self.bytes[self.at..self.at + n as usize];
        self.at += n as usize;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &str) -> Result<[u8; N], EngineError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64, field)?);
        Ok(out)
    }

    fn u32(&mut self, field: &str) -> Result<u32, EngineError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    fn u64(&mut self, field: &str) -> Result<u64, EngineError> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// A count of things that take at least `min_bytes` each.
    fn count(&mut self, min_bytes: u64, field: &str) -> Result<u64, EngineError> {
        let count = self.u64(field)?;
        let left = (self.bytes.len() - self.at) as u64;
        if count.checked_mul(min_bytes).is_none_or(|bytes| bytes > left) {
            return Err(self.error(
                field,
                format!("{count} entries do not fit the {left} bytes that are left"),
            ));
        }
        Ok(count)
    }

    fn text(&mut self, field: &str) -> Result<String, EngineError> {
        let n = self.u64(field)?;
        let bytes = self.take(n, field)?;
        // Token pieces of byte-level vocabularies are UTF-8; what is not is kept readable rather than refused.
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// A key or a tensor's name. It is repeated in messages, so nothing unprintable is let in.
    fn name(&mut self, field: &str) -> Result<String, EngineError> {
        let name = self.text(field)?;
        if name.len() > MAX_NAME_BYTES {
            return Err(self.error(
                field,
                format!("is {} bytes long; at most {MAX_NAME_BYTES} make sense", name.len()),
            ));
        }
        if name.chars().any(char::is_control) {
            return Err(self.error(field, format!("holds a control character: {name:.64?}")));
        }
        Ok(name)
    }

    fn number(&mut self, kind: u32, field: &str) -> Result<Option<MetadataValue>, EngineError> {
        use MetadataValue::{Bool, Float, Integer};
        Ok(Some(match kind {
            0 => Integer(i64::from(u8::from_le_bytes(self.array(field)?))),
            1 => Integer(i64::from(i8::from_le_bytes(self.array(field)?))),
            2 => Integer(i64::from(u16::from_le_bytes(self.array(field)?))),
            3 => Integer(i64::from(i16::from_le_bytes(self.array(field)?))),
            4 => Integer(i64::from(self.u32(field)?)),
            5 => Integer(i64::from(i32::from_le_bytes(self.array(field)?))),
            6 => Float(f64::from(f32::from_le_bytes(self.array(field)?))),
            7 => Bool(u8::from_le_bytes(self.array(field)?) != 0),
            10 => {
                let value = self.u64(field)?;
                Integer(
                    i64::try_from(value)
                        .map_err(|_| self.error(field, format!("{value} is absurd")))?,
                )
            }
            11 => Integer(i64::from_le_bytes(self.array(field)?)),
            12 => Float(f64::from_le_bytes(self.array(field)?)),
            _ => return Ok(None),
        }))
    }

    fn value(
        &mut self,
        kind: u32,
        field: &str,
        depth: usize,
    ) -> Result<MetadataValue, EngineError> {
        if let Some(number) = self.number(kind, field)? {
            return Ok(number);
        }
        match kind {
            8 => Ok(MetadataValue::Text(self.text(field)?)),
            9 if depth < MAX_DEPTH => self.list(field, depth),
            9 => Err(self.error(field, "holds arrays inside arrays, too deep")),
            _ => Err(self.error(field, format!("has metadata type {kind}, which does not exist"))),
        }
    }

    fn list(&mut self, field: &str, depth: usize) -> Result<MetadataValue, EngineError> {
        let kind = self.u32(field)?;
        let min_bytes = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            _ => 12,
        };
        let n = self.count(min_bytes, field)?;
        match kind {
            8 => {
                (0..n).map(|_| self.text(field)).collect::<Result<_, _>>().map(MetadataValue::Texts)
            }
            0..=7 | 10..=12 => {
                let mut numbers = Vec::with_capacity(n as usize);
                for _ in 0..n {
                    numbers.push(match self.number(kind, field)? {
                        Some(MetadataValue::Integer(value)) => value as f64,
                        Some(MetadataValue::Float(value)) => value,
                        Some(MetadataValue::Bool(value)) => f64::from(u8::from(value)),
                        _ => return Err(self.error(field, "is not an array of numbers")),
                    });
                }
                Ok(MetadataValue::Numbers(numbers))
            }
            _ => {
                for _ in 0..n {
                    self.value(kind, field, depth + 1)?;
                }
                Ok(MetadataValue::Other)
            }
        }
    }
}

impl GgufFile {
    /// Opens and checks a file.
    ///
    /// # Errors
    /// Not a GGUF file, or one that contradicts itself; the message names the field.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let file = MappedFile::open(path)?;
        let mut reader = Reader { path, bytes: file.bytes(), at: 0 };
        if reader.take(4, "magic")? != MAGIC {
            return Err(reader.error("magic", "is not GGUF; give a .gguf file, or the folder that holds config.json and safetensors"));
        }
        let version = reader.u32("version")?;
        if !(2..=3).contains(&version) {
            return Err(
                reader.error("version", format!("{version} is not supported; supported: 2 and 3"))
            );
        }
        let n_tensors = reader.count(MIN_TENSOR, "tensor count")?;
        let n_entries = reader.count(MIN_ENTRY, "metadata count")?;
        let mut metadata = BTreeMap::new();
        for index in 0..n_entries {
            let key = reader.name(&format!("metadata key {index}"))?;
            let kind = reader.u32(&key)?;
            let value = reader.value(kind, &key, 0)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(reader.error(&key, "stands twice in the metadata"));
            }
        }
        let alignment = match metadata.get("general.alignment") {
            None => 32,
            Some(MetadataValue::Integer(n)) if *n >= 8 && n % 8 == 0 && *n <= 1 << 20 => *n as u64,
            Some(other) => {
                return Err(
                    reader.error("general.alignment", format!("{other:?} is not a multiple of 8"))
                );
            }
        };
        let tensors = Self::tensors(&mut reader, n_tensors, alignment)?;
        Ok(Self { file, metadata, tensors })
    }

    fn tensors(
        reader: &mut Reader<'_>,
        n_tensors: u64,
        alignment: u64,
    ) -> Result<BTreeMap<String, StoredTensor>, EngineError> {
        let mut listed = Vec::new();
        for index in 0..n_tensors {
            let name = reader.name(&format!("name of tensor {index}"))?;
            let n_axes = reader.u32(&name)?;
            if n_axes > MAX_AXES {
                return Err(reader
                    .error(&name, format!("has {n_axes} axes; at most {MAX_AXES} make sense")));
            }
            let mut shape = Vec::new();
            for _ in 0..n_axes {
                let n = reader.u64(&name)?;
                shape.push(
                    usize::try_from(n).map_err(|_| reader.error(&name, format!("axis of {n}")))?,
                );
            }
            shape.reverse();
            let kind = reader.u32(&name)?;
            let Some(kind) = StoredType::from_gguf(kind) else {
                return Err(reader.error(
                    &name,
                    format!(
                        "has type {kind}, which is not supported; supported: {}",
                        StoredType::GGUF_NAMES
                    ),
                ));
            };
            listed.push((name.clone(), shape, kind, reader.u64(&name)?));
        }
        let data_start = (reader.at as u64).div_ceil(alignment) * alignment;
        let mut tensors = BTreeMap::new();
        let mut taken: Vec<(u64, u64, String)> = Vec::new();
        for (name, shape, kind, offset) in listed {
            let bytes = kind.bytes(&shape).ok_or_else(|| {
                reader.error(&name, format!("shape {shape:?} does not fit type {}", kind.name()))
            })?;
            let start = data_start.checked_add(offset);
            let end = start.and_then(|start| start.checked_add(bytes));
            let (Some(start), Some(end)) = (start, end) else {
                return Err(reader.error(&name, format!("offset {offset} is absurd")));
            };
            if offset % alignment != 0 {
                return Err(reader.error(
                    &name,
                    format!("offset {offset} is not a multiple of the alignment {alignment}"),
                ));
            }
            let len = reader.bytes.len() as u64;
            if end > len {
                return Err(reader.error(
                    &name,
                    format!("ends at byte {end}, but the file ends at {len}; is it cut off?"),
                ));
            }
            taken.push((start, end, name.clone()));
            let stored = StoredTensor::new(shape, kind, start as usize..end as usize);
            match tensors.entry(name) {
                Entry::Vacant(entry) => entry.insert(stored),
                Entry::Occupied(entry) => {
                    return Err(reader.error(entry.key(), "stands twice in the file"));
                }
            };
        }
        taken.sort();
        for pair in taken.windows(2) {
            if pair[1].0 < pair[0].1 {
                return Err(reader.error(&pair[1].2, format!("overlaps tensor {}", pair[0].2)));
            }
        }
        Ok(tensors)
    }

    /// A metadata value.
    pub fn metadata(&self, key: &str) -> Option<&MetadataValue> {
        self.metadata.get(key)
    }

    /// A text in the metadata.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(MetadataValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A number in the metadata. Of an array with one value per layer that are all the same, that value.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key) {
            Some(MetadataValue::Integer(value)) => Some(*value as f64),
            Some(MetadataValue::Float(value)) => Some(*value),
            Some(MetadataValue::Numbers(values)) => {
                let first = *values.first()?;
                values.iter().all(|value| *value == first).then_some(first)
            }
            _ => None,
        }
    }

    /// A truth value in the metadata.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key) {
            Some(MetadataValue::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A list of texts in the metadata.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key) {
            Some(MetadataValue::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    /// A list of numbers in the metadata.
    pub fn numbers(&self, key: &str) -> Option<&[f64]> {
        match self.metadata.get(key) {
            Some(MetadataValue::Numbers(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// The file.
    pub fn file_path(&self) -> &Path {
        self.file.path()
    }
}

impl TensorFile for GgufFile {
    fn path(&self, _: &str) -> &Path {
        self.file.path()
    }

    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    fn info(&self, tensor: &str) -> Option<&TensorInfo> {
        self.tensors.get(tensor).map(|stored| &stored.info)
    }

    fn read_rows(
        &self,
        tensor: &str,
        first_row: usize,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        match self.tensors.get(tensor) {
            Some(stored) => stored.read_rows(&self.file, tensor, first_row, out),
            None => Err(EngineError::malformed(self.file.path(), tensor, "tensor is missing")),
        }
    }

    fn block_scales(
        &self,
        tensor: &str,
        row: usize,
        out: &mut Vec<(f32, f32)>,
    ) -> Result<(), EngineError> {
        self.tensors
            .get(tensor)
            .map_or(Ok(()), |stored| stored.block_scales(&self.file, tensor, row, out))
    }

    fn forget(&self) {
        self.file.forget();
    }
}
