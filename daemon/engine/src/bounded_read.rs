//! Small files of a model, read whole but never without a bound: what stands under such a name may be anything.

use crate::error::EngineError;
use std::{fs::File, io::Read, path::Path};

/// Reads a file of at most `most` bytes; none where there is none.
///
/// # Errors
/// It cannot be read, is no regular file, or is longer: the message says what was expected.
pub(crate) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, EngineError> {
    let io = |e| EngineError::io(path, e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e)),
    };
    if !file.metadata().map_err(io)?.is_file() {
        return Err(EngineError::malformed(path, "file", "is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        let problem = format!("is longer than {most} bytes, which no such file of a model is");
        return Err(EngineError::malformed(path, "file", problem));
    }
    Ok(Some(bytes))
}

/// Reads a JSON file of at most `most` bytes; none where there is none.
///
/// # Errors
/// As [`read`], or it is not JSON.
pub(crate) fn json(path: &Path, most: u64) -> Result<Option<serde_json::Value>, EngineError> {
    let Some(bytes) = read(path, most)? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| EngineError::malformed(path, "json", e.to_string()))
}
