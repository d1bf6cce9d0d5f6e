//! Rules of the house that a machine can check. Each rule is a function over (path, text) so that a test can show that it bites.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be read fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longest source file, tests included.
const MAX_LINES: usize = 400;
/// Files above the limit when the rule came; they may shrink, never grow.
const LONG_FILES: &[(&str, usize)] =
    &[("daemon/analysis/src/views/inspection.rs", 620), ("tests/parity/real_models.rs", 420)];

fn root() -> PathBuf {
    limpid_tests::folder().parent().unwrap().to_owned()
}

/// Every tracked-looking file: what lies outside build output, caches and dependencies.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink()
                || ["target", ".git", ".cache", "node_modules", "golden"].contains(&name.as_str())
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

fn sources() -> Vec<(String, String)> {
    let is_source = |name: &str| name.ends_with(".rs");
    files()
        .into_iter()
        .filter(|(name, _)| is_source(name))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

type Rule = fn(&str, &str) -> Option<String>;

fn opens_with_its_doc(_: &str, text: &str) -> Option<String> {
    (!text.starts_with("//!")).then(|| "does not open with a //! doc".to_owned())
}

fn is_short(path: &str, text: &str) -> Option<String> {
    let limit =
        LONG_FILES.iter().find(|(long, _)| *long == path).map_or(MAX_LINES, |(_, lines)| *lines);
    let n = text.lines().count();
    (n > limit).then(|| format!("has {n} lines; at most {limit}"))
}

fn has_a_telling_name(path: &str, _: &str) -> Option<String> {
    const BANNED: &[&str] =
        &["utils", "util", "helpers", "common", "misc", "prelude", "new", "old", "tmp", "mod"];
    let parts = path.trim_end_matches(".rs").split('/');
    parts
        .into_iter()
        .find(|part| BANNED.contains(part))
        .map(|part| format!("`{part}` says nothing"))
}

fn imports_name_what_they_take(_: &str, text: &str) -> Option<String> {
    let glob = |line: &&str| {
        let line = line.trim_start();
        (line.starts_with("use ") || line.starts_with("pub use "))
            && line.trim_end().ends_with("::*;")
            && !line.contains("super::*")
    };
    text.lines().find(glob).map(|line| format!("glob import: {}", line.trim()))
}

fn imports_point_left(path: &str, text: &str) -> Option<String> {
    // What each crate must not name.
    const FORBIDDEN: &[(&str, &[&str])] = &[
        (
            "protocol/src",
            &[
                "limpid_engine",
                "limpid_analysis",
                "limpid_server",
                "limpid_cli",
                "candle_",
                "tower_lsp",
                "tokio",
            ],
        ),
        (
            "daemon/engine/src",
            &[
                "limpid_protocol",
                "limpid_analysis",
                "limpid_server",
                "limpid_cli",
                "tower_lsp",
                "tokio::",
            ],
        ),
        ("daemon/analysis/src", &["limpid_server", "limpid_cli", "tower_lsp", "tokio::"]),
        ("daemon/server/src", &["limpid_cli", "candle_"]),
        ("daemon/cli/src", &["candle_", "tower_lsp"]),
    ];
    let (_, names) = FORBIDDEN.iter().find(|(folder, _)| path.starts_with(folder))?;
    let code = || text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let crosses = names.iter().find(|name| code().any(|line| line.contains(**name)));
    if let Some(name) = crosses {
        return Some(format!("names `{name}`"));
    }
    let is_view = path.starts_with("daemon/analysis/src/views");
    let is_analysis = path.starts_with("daemon/analysis/src");
    (is_analysis && !is_view && code().any(|line| line.contains("limpid_protocol")))
        .then(|| "names `limpid_protocol` outside views".to_owned())
}

fn families_stay_in_arch(path: &str, text: &str) -> Option<String> {
    let elsewhere =
        path.starts_with("daemon/") && path.contains("/src/") && !path.contains("/arch");
    let names = ["\"gpt2\"", "\"gemma3_text\""];
    let code = |line: &&str| !line.trim_start().starts_with("//") && !line.contains("tokenizer");
    // `gpt2` is also the name of a tokenizer kind in GGUF files.
    (elsewhere
        && !path.contains("tokenizer")
        && text.lines().filter(code).any(|line| names.iter().any(|n| line.contains(n))))
    .then(|| "names a family outside arch".to_owned())
}

fn nothing_is_left_undone(_: &str, text: &str) -> Option<String> {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
    ];
    marks.iter().find(|mark| text.contains(**mark)).map(|mark| format!("has a {mark}"))
}

const RULES: &[(&str, Rule)] = &[
    ("opens with its doc", opens_with_its_doc),
    ("is short", is_short),
    ("has a telling name", has_a_telling_name),
    ("imports name what they take", imports_name_what_they_take),
    ("imports point left", imports_point_left),
    ("families stay in arch", families_stay_in_arch),
    ("nothing is left undone", nothing_is_left_undone),
];

#[test]
fn every_source_file_keeps_the_rules() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        for (name, rule) in RULES {
            if let Some(problem) = rule(&path, &text) {
                broken.push(format!("{path}: {name}: {problem}"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_rule_bites() {
    let long = "//! Doc.\n".repeat(MAX_LINES + 1);
    for (path, text, rule) in [
        ("daemon/engine/src/a.rs", "fn main() {}", opens_with_its_doc as Rule),
        ("daemon/engine/src/a.rs", &long, is_short),
        ("daemon/engine/src/utils.rs", "", has_a_telling_name),
        ("daemon/engine/src/a.rs", "use std::fs::*;", imports_name_what_they_take),
        ("daemon/engine/src/a.rs", "use limpid_protocol::display;", imports_point_left),
        ("daemon/analysis/src/a.rs", "use limpid_protocol::display;", imports_point_left),
        ("daemon/engine/src/a.rs", "let family = \"gpt2\";", families_stay_in_arch),
        ("daemon/engine/src/a.rs", concat!("// TO", "DO: later"), nothing_is_left_undone),
    ] {
        assert!(rule(path, text).is_some(), "{path} {text:.40}");
    }
}

#[test]
fn the_top_level_holds_what_it_must_and_nothing_else() {
    const ALLOWED: &[&str] = &[
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
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || ALLOWED.contains(&name.as_str()),
            "{name} does not belong at the top"
        );
    }
}

#[test]
fn no_file_names_a_registry_or_this_machine() {
    let hosts = [
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("registry.npmjs", ".org"),
        concat!("deb.debian", ".org"),
    ];
    let places = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    for (name, path) in files() {
        if name.ends_with("Cargo.lock") || !is_text(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for word in hosts.iter().chain(&places) {
            assert!(!text.contains(word), "{name} names {word}");
        }
    }
}

fn is_text(path: &Path) -> bool {
    let endings = ["rs", "toml", "md", "py", "lua", "sh", "json", ""];
    let ending = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
    endings.contains(&ending.as_str())
}

#[test]
fn dependencies_have_permissive_licences() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let allowed = [
        "MIT",
        "Apache-2.0",
        "BSD",
        "ISC",
        "Zlib",
        "Unicode",
        "CC0",
        "0BSD",
        "BSL-1.0",
        "Unlicense",
        "MPL-2.0",
        "CDLA",
    ];
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or_default();
        let name = package["name"].as_str().unwrap();
        let has_file = package["license_file"].is_string();
        assert!(has_file || allowed.iter().any(|a| licence.contains(a)), "{name}: `{licence}`");
    }
}
