//! The repository as the rules see it: every file that is not build output, and what of a file is code.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn root() -> PathBuf {
    limpid_tests::folder().parent().unwrap().to_owned()
}

/// Every tracked-looking file: what lies outside build output, caches, golden data and dependencies.
pub(crate) fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink()
                || ["target", ".git", ".cache", "node_modules", "dist", "golden"]
                    .contains(&name.as_str())
            {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((relative, path));
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file with its text.
pub(crate) fn sources() -> Vec<(String, String)> {
    let rust = files().into_iter().filter(|(name, _)| name.ends_with(".rs"));
    rust.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

/// A file's text.
pub(crate) fn read(path: &str) -> String {
    let at: &Path = &root().join(path);
    fs::read_to_string(at).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Lines that are no comment.
pub(crate) fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The part of a file before its inline tests.
pub(crate) fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

/// Whether a line has a word, as a whole.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}
