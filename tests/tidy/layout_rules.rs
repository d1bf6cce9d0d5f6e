//! Rules about the repository as a whole: what stands at the top, and what no file may say.

use crate::repository::{files, root};
use std::{fs, path::Path};

const AT_THE_TOP: &[&str] = &[
    "Cargo.toml",
    "daemon",
    "vscode-extension",
    "nvim-plugin",
    "protocol",
    "tests",
    "README.md",
    "Cargo.lock",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "target",
    "clippy.toml",
    "rustfmt.toml",
];

/// Lock files name registries: that is what they are for.
const LOCKS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

fn belongs_at_the_top(name: &str) -> bool {
    name.starts_with('.') || AT_THE_TOP.contains(&name)
}

/// A registry's host, or a place that is only here: neither is anybody's business who reads the repository.
fn says_what_only_holds_here(text: &str) -> Option<&'static str> {
    const WORDS: [&str; 7] = [
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("registry.npmjs", ".org"),
        concat!("deb.debian", ".org"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("../sha", "red"),
    ];
    WORDS.into_iter().find(|word| text.contains(word))
}

fn is_text(path: &Path) -> bool {
    let endings = [
        "rs", "toml", "md", "py", "lua", "sh", "json", "yml", "ts", "tsx", "mjs", "css", "html",
        "txt", "rockspec", "",
    ];
    let ending = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
    endings.contains(&ending.as_str())
}

#[test]
fn the_top_level_holds_what_it_must_and_nothing_else() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(belongs_at_the_top(&name), "{name} does not belong at the top");
    }
}

#[test]
fn no_file_names_a_registry_or_this_machine() {
    for (name, path) in files() {
        let is_lock = LOCKS.iter().any(|lock| name.ends_with(lock));
        if is_lock || !is_text(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(says_what_only_holds_here(&text), None, "{name}");
    }
}

#[test]
fn the_rules_bite() {
    assert!(belongs_at_the_top("daemon") && belongs_at_the_top(".github"));
    assert!(!belongs_at_the_top("scripts"));
    assert!(says_what_only_holds_here(concat!("see https://pypi", ".org/x")).is_some());
    assert!(says_what_only_holds_here(concat!("/wo", "rk/main")).is_some());
    assert_eq!(says_what_only_holds_here("the package index"), None);
    assert!(is_text(Path::new("tests/run")) && !is_text(Path::new("a.safetensors")));
}
