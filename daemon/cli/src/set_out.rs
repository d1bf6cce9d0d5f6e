//! The file that a run over a prompt set writes to, line by line, and goes on with when it is started again: whole lines stay, a
//! line that was cut off is removed. Every line says which run it is of. What must not live here: prompts, models.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// How every line begins.
pub(crate) const LINE_START: &str = "{\"index\":";

/// What all lines of a file must have in common: model, flags and set, a short hash each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunMark([String; 3]);

impl RunMark {
    /// The mark of a run.
    pub(crate) fn new(model: &str, flags: &str, set: &[u8]) -> Self {
        Self([model.as_bytes(), flags.as_bytes(), set].map(short_hash))
    }

    /// What differs in a line of another run.
    fn differs(&self, other: &str) -> Option<&'static str> {
        let mut others = other.split('-');
        let parts = self.0.iter().zip(["model", "flags", "prompts"]);
        let differing = parts.map(|(own, what)| (others.next() != Some(own), what));
        let found: Vec<&'static str> =
            differing.filter(|(is, _)| *is).map(|(_, what)| what).collect();
        found.first().copied()
    }
}

impl fmt::Display for RunMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("-"))
    }
}

fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// An open file with the lines of earlier runs.
pub(crate) struct OutFile {
    file: File,
    path: PathBuf,
    /// Indices that are whole in it, and whether each failed.
    done: BTreeMap<u64, bool>,
}

impl OutFile {
    /// Opens or makes the file, takes it for this process, and removes a last line that was cut off.
    ///
    /// # Errors
    /// It cannot be opened or is in use; a line is none of such a run, or of another one.
    pub(crate) fn open(path: &Path, mark: &RunMark) -> Result<Self> {
        let place = path.display();
        let cannot = || format!("{place}: cannot be opened for writing");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                bail!("{place}: another run is writing to it; wait for that, or give another --out")
            }
            // Where files cannot be locked, nobody else is kept out.
            Err(std::fs::TryLockError::Error(_)) => {}
        }
        let (done, n_bytes) = whole_lines(&mut BufReader::new(&file), mark, path)?;
        file.set_len(n_bytes).with_context(cannot)?;
        file.seek(SeekFrom::End(0)).with_context(cannot)?;
        Ok(Self { file, path: path.to_owned(), done })
    }

    /// Whether an index is done, and then whether it failed.
    pub(crate) fn done(&self, index: usize) -> Option<bool> {
        self.done.get(&(index as u64)).copied()
    }

    /// Writes a line, which has its line break.
    ///
    /// # Errors
    /// It cannot be written; what was written before stays.
    pub(crate) fn write(&mut self, line: &str) -> Result<()> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        written.with_context(|| {
            format!(
                "{}: cannot be written; run the same command again to go on",
                self.path.display()
            )
        })
    }
}

/// The indices of whole lines, and the bytes they take.
fn whole_lines(
    reader: &mut impl BufRead,
    mark: &RunMark,
    path: &Path,
) -> Result<(BTreeMap<u64, bool>, u64)> {
    let mut done = BTreeMap::new();
    let mut n_bytes = 0;
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let n = reader.read_until(b'\n', &mut line);
        let n = n.with_context(|| format!("{}: cannot be read", path.display()))?;
        if n == 0 {
            break;
        }
        let place = format!("{}:{number}", path.display());
        if line.last() != Some(&b'\n') {
            // Only what such a run was cut off in is removed.
            let n = line.len().min(LINE_START.len());
            if line[..n] == LINE_START.as_bytes()[..n] {
                break;
            }
            bail!("{place}: is no line of such a run; give another --out, or remove the file");
        }
        let value: Option<Value> = serde_json::from_slice(&line).ok();
        let field = |name: &str| value.as_ref().and_then(|value| value.get(name));
        let (Some(index), Some(run)) =
            (field("index").and_then(Value::as_u64), field("run").and_then(Value::as_str))
        else {
            bail!("{place}: is no line of such a run; give another --out, or remove the file");
        };
        if let Some(what) = mark.differs(run) {
            bail!("{place}: was made with other {what}; give another --out, or remove the file");
        }
        done.insert(index, field("error").is_some());
        n_bytes += n as u64;
    }
    Ok((done, n_bytes))
}

#[cfg(test)]
mod tests {
    use super::{OutFile, RunMark};
    use std::fs;

    fn mark() -> RunMark {
        RunMark::new("m", "f", b"s")
    }

    #[test]
    fn whole_lines_stay_and_a_cut_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let line = |index: usize, rest: &str| {
            format!("{{\"index\":{index},\"run\":\"{}\"{rest}}}\n", mark())
        };
        let whole = line(0, "") + &line(2, ",\"error\":{}");
        fs::write(&path, whole.clone() + &line(3, "")[..9]).unwrap();
        let mut out = OutFile::open(&path, &mark()).unwrap();
        let done: Vec<_> = (0..4).map(|index| out.done(index)).collect();
        assert_eq!(done, [Some(false), None, Some(true), None]);
        out.write(&line(1, "")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole + &line(1, ""));
        let error = OutFile::open(&path, &mark()).err().unwrap().to_string();
        assert!(error.contains("another run is writing"), "{error}");
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        for (text, says) in [
            ("hello\n".to_owned(), "out.jsonl:1: is no line of such a run"),
            ("hello".to_owned(), "out.jsonl:1: is no line of such a run"),
            (
                format!("{{\"index\":0,\"run\":\"{}\"}}\n", RunMark::new("n", "f", b"s")),
                "other model",
            ),
            (
                format!("{{\"index\":0,\"run\":\"{}\"}}\n", RunMark::new("m", "g", b"s")),
                "other flags",
            ),
            (
                format!("{{\"index\":0,\"run\":\"{}\"}}\n", RunMark::new("m", "f", b"t")),
                "other prompts",
            ),
        ] {
            fs::write(&path, &text).unwrap();
            let error = OutFile::open(&path, &mark()).err().unwrap().to_string();
            assert!(error.contains(says), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
