//! A file mapped into memory, read only. The one place that maps.

use crate::error::EngineError;
use memmap2::Mmap;
use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
};

/// A whole file as bytes.
#[derive(Debug)]
pub(super) struct MappedFile {
    path: PathBuf,
    bytes: Option<Mmap>,
}

impl MappedFile {
    /// Maps a regular file.
    #[expect(
        unsafe_code,
        reason = "mapping a file is unsafe; there is no other way to read weights without a copy"
    )]
    pub(super) fn open(path: &Path) -> Result<Self, EngineError> {
        let io = |e| EngineError::io(path, e);
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(EngineError::malformed(path, "file", "is not a regular file"));
        }
        let bytes = if metadata.len() == 0 {
            None
        } else {
            // SAFETY: the map is read only and private to this process. A model file that another process cuts short
            // while it is mapped ends this one by a signal, as with every program that maps files; model files are
            // replaced by renaming, never in place.
            Some(unsafe { Mmap::map(&file) }.map_err(io)?)
        };
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// Gives the pages that were read back to the system: they count against this process no more, and come again from
    /// the file when they are asked for.
    #[cfg(unix)]
    #[expect(
        unsafe_code,
        reason = "of a map that could be written, this would lose what was written"
    )]
    pub(super) fn forget(&self) {
        if let Some(bytes) = &self.bytes {
            // SAFETY: the map is read only, so every page comes back as it was. A system that refuses keeps the pages.
            let _ = unsafe { bytes.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        }
    }

    /// Nothing, where a system has no such request.
    #[cfg(not(unix))]
    pub(super) fn forget(&self) {}

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }

    /// A range that was checked when the file was opened.
    pub(super) fn range(&self, range: Range<usize>) -> Result<&[u8], EngineError> {
        self.bytes().get(range.clone()).ok_or_else(|| {
            EngineError::malformed(
                &self.path,
                format!("bytes {} to {}", range.start, range.end),
                format!("lie beyond the end of the file at {}", self.bytes().len()),
            )
        })
    }
}
