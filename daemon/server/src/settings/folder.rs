//! The one place where settings touch files: every `limpid.toml` from a prompt's folder upwards. Reads are bounded, and what
//! cannot be read is said, not fatal. What must not live here: what the files mean.

use crate::{
    prompt_document::Problem,
    settings::{Settings, read_toml, reading::MAX_TOML_BYTES},
};
use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

/// Name of the file.
pub const FILE_NAME: &str = "limpid.toml";
/// Folders are nested no deeper than this.
const MAX_FOLDERS: usize = 64;

/// What the folders above a file say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderSettings {
    /// What holds for the file: nearer files win over those further up, key by key.
    pub settings: Settings,
    /// The files that were read, the nearest first.
    pub files: Vec<PathBuf>,
    /// What is wrong with them, and in which one.
    pub problems: Vec<(PathBuf, Problem)>,
    /// Those that could not be read, each with why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Reads every `limpid.toml` from the folder of `file` up to `top`, or to the root of the file system where `top` is none or
/// does not hold the file. `file` itself need not exist.
pub fn settings_for(file: &Path, top: Option<&Path>) -> FolderSettings {
    let mut found = FolderSettings::default();
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let top = top.filter(|top| file.starts_with(top));
    for folder in file.ancestors().skip(1).take(MAX_FOLDERS) {
        let path = folder.join(FILE_NAME);
        match read(&path) {
            Ok(None) => {}
            Ok(Some(text)) => {
                let (settings, problems) = read_toml(&text);
                let from_here = file.strip_prefix(folder).unwrap_or(&file);
                let names = from_here.iter().map(|name| name.to_string_lossy());
                let settings = settings.for_file(&names.collect::<Vec<_>>().join("/"));
                let settings = settings.with_model_from(Some(folder));
                found.settings = found.settings.merge(settings);
                found.problems.extend(problems.into_iter().map(|problem| (path.clone(), problem)));
                found.files.push(path);
            }
            Err(why) => found.unreadable.push((path, why)),
        }
        if top == Some(folder) {
            break;
        }
    }
    found
}

/// The file's text; none where there is no such file.
fn read(path: &Path) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let opened = match File::open(path) {
        Ok(opened) => opened,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(format!("cannot be read: {e}")),
    };
    // A pipe would never end, and a folder of that name is none of ours.
    if !opened.metadata().is_ok_and(|what| what.is_file()) {
        return Ok(None);
    }
    let most = MAX_TOML_BYTES as u64 + 1;
    opened.take(most).read_to_end(&mut bytes).map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() > MAX_TOML_BYTES {
        return Err(format!("is longer than {MAX_TOML_BYTES} bytes; shorten it"));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        format!("byte {at} is not UTF-8; save the file as UTF-8")
    })?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::{FILE_NAME, settings_for};
    use std::fs;

    #[test]
    fn nearer_folders_win_key_by_key_up_to_the_top() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(
            root.path().join(FILE_NAME),
            "model = \"outer\"\nchat = true\n[[prompt]]\nfiles = \"a/**/*.txt\"\nfoil = \" no\"",
        )
        .unwrap();
        fs::write(
            inner.join(FILE_NAME),
            "model = \"inner\"\nmodle = 1\n[[prompt]]\nfiles = \"*.txt\"\ntarget = 7",
        )
        .unwrap();
        let found = settings_for(&inner.join("x.txt"), None);
        assert_eq!(found.settings.model.as_deref(), Some("inner"));
        assert_eq!(found.settings.chat, Some(true));
        assert_eq!(found.settings.target.as_deref(), Some("7"));
        assert_eq!(found.settings.foil.as_deref(), Some(" no"));
        assert_eq!(found.files, [inner.join(FILE_NAME), root.path().join(FILE_NAME)]);
        assert_eq!(found.problems.len(), 1);
        assert_eq!(found.problems[0].0, inner.join(FILE_NAME));
        let to_top = settings_for(&inner.join("x.md"), Some(&inner));
        assert_eq!((to_top.settings.chat, to_top.settings.target), (None, None));
        assert_eq!(to_top.files.len(), 1);
    }

    #[test]
    fn a_model_by_path_is_looked_for_beside_the_file_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a");
        fs::create_dir_all(&inner).unwrap();
        fs::write(root.path().join(FILE_NAME), "model = \"./m.gguf\"").unwrap();
        let model = |file: &std::path::Path| settings_for(file, None).settings.model.unwrap();
        let path = root.path().join("./m.gguf").display().to_string();
        assert_eq!(model(&inner.join("x.txt")), path);
        fs::write(inner.join(FILE_NAME), "model = \"owner/name\"").unwrap();
        assert_eq!(model(&inner.join("x.txt")), "owner/name");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE_NAME), b"model = \"\xff\"").unwrap();
        let found = settings_for(&root.path().join("x.txt"), Some(root.path()));
        assert!(found.unreadable[0].1.contains("byte 9 is not UTF-8"), "{found:?}");
        fs::remove_file(root.path().join(FILE_NAME)).unwrap();
        fs::create_dir(root.path().join(FILE_NAME)).unwrap();
        assert!(settings_for(&root.path().join("x.txt"), Some(root.path())).files.is_empty());
    }
}
