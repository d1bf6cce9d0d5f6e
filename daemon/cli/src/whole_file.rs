//! A file that is written as a whole or not at all. What must not live here: what is in it.

use anyhow::{Result, anyhow, bail};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The file to write: under a temporary name beside its place until it is whole, so that a full disk leaves nothing half-written.
/// Made before anything is computed, so that nobody waits for a file that cannot be written.
pub(crate) struct WholeFile {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl WholeFile {
    /// The file at this place, not there yet.
    ///
    /// # Errors
    /// The place is no regular file's, or its folder cannot be written to.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let shown = path.display();
        // A link is followed, and what is no file, such as a device, is not replaced by one.
        let path = match path.canonicalize() {
            Ok(real) if !real.is_file() => {
                bail!("{shown}: is no regular file; name a file to write")
            }
            Ok(real) => real,
            Err(_) => path.to_owned(),
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if !folder.is_dir() {
            bail!("{shown}: there is no folder {}; create it first", folder.display());
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".limpid-").suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(folder)
            .map_err(|e| anyhow!("{shown}: its folder cannot be written to: {}", e.kind()))?;
        Ok(Self { path, file })
    }

    /// Puts the file at its place, with these bytes in it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<()> {
        let shown = self.path.display();
        self.file.as_file_mut().write_all(bytes).map_err(|e| {
            anyhow!("{shown}: cannot write {} bytes: {e}; is the disk full?", bytes.len())
        })?;
        self.file
            .persist(&self.path)
            .map_err(|e| anyhow!("{shown}: cannot be written: {}", e.error))?;
        Ok(())
    }
}
