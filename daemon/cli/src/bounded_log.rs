//! The daemon's log: a file that is put aside at half a mebibyte, in place of the one put aside before. Losing a line is no failure.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Bytes of one of the two files.
const HALF: u64 = 512 << 10;

/// Where the log goes.
pub(crate) struct BoundedLog {
    path: PathBuf,
    file: Option<File>,
    written: u64,
}

impl BoundedLog {
    /// Goes on behind what is there.
    pub(crate) fn open(path: PathBuf) -> Self {
        let file = File::options().create(true).append(true).open(&path).ok();
        let written = file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |of| of.len());
        Self { path, file, written }
    }
}

impl Write for BoundedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written + bytes.len() as u64 > HALF {
            let _ = fs::rename(&self.path, aside(&self.path));
            *self = Self::open(std::mem::take(&mut self.path));
        }
        if let Some(file) = &mut self.file {
            // A full disk must not stop the daemon.
            let _ = file.write_all(bytes);
        }
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log says, older part first.
pub(crate) fn read(path: &Path) -> String {
    let part = |path: &Path| fs::read(path).unwrap_or_default();
    let all = [part(&aside(path)), part(path)].concat();
    String::from_utf8_lossy(&all).into_owned()
}

fn aside(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::{BoundedLog, HALF, read};
    use std::io::Write;

    #[test]
    fn the_log_is_bounded_and_keeps_what_was_said_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.log");
        let mut log = BoundedLog::open(path.clone());
        for n in 0..40_000 {
            writeln!(log, "line {n} {}", "x".repeat(40)).unwrap();
        }
        let text = read(&path);
        assert!(text.len() as u64 <= 2 * HALF && text.len() as u64 > HALF);
        assert!(text.contains("line 39999"));
    }

    #[test]
    fn a_log_that_cannot_be_written_is_no_failure() {
        let mut log = BoundedLog::open("/nowhere/daemon.log".into());
        assert!(writeln!(log, "x").is_ok());
    }
}
