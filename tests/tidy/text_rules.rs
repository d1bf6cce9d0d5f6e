//! Rules about one file's name and text (house style, sections 3 and 4).

use crate::{
    Rule, bites,
    repository::{before_tests, code, has_word},
};

/// Longest source file, tests included; no exceptions.
const MAX_LINES: usize = 400;

pub(crate) const RULES: &[(&str, Rule)] = &[
    ("opens with its doc", opens_with_its_doc),
    ("is short", is_short),
    ("has a telling name", has_a_telling_name),
    ("bears no version", bears_no_version),
    ("imports name what they take", imports_name_what_they_take),
    ("paths start at the crate", paths_start_at_the_crate),
    ("uses the house's words", uses_the_houses_words),
    ("nothing is left undone", nothing_is_left_undone),
    ("every test is run, and at once", every_test_is_run_and_at_once),
];

fn opens_with_its_doc(_: &str, text: &str) -> Option<String> {
    (!text.starts_with("//!")).then(|| "does not open with a //! doc".to_owned())
}

fn is_short(_: &str, text: &str) -> Option<String> {
    let n = text.lines().count();
    (n > MAX_LINES).then(|| format!("has {n} lines; at most {MAX_LINES}"))
}

fn has_a_telling_name(path: &str, _: &str) -> Option<String> {
    const BANNED: &[&str] =
        &["utils", "util", "helpers", "common", "misc", "prelude", "new", "old", "tmp", "mod"];
    let mut parts = path.trim_end_matches(".rs").split('/');
    parts.find(|part| BANNED.contains(part)).map(|part| format!("`{part}` says nothing"))
}

/// A family's own name may end in a digit; nothing else does, and nothing bears a mark of order.
fn bears_no_version(path: &str, _: &str) -> Option<String> {
    let stem = path.rsplit('/').next()?.trim_end_matches(".rs");
    let is_family = path.starts_with("daemon/engine/src/arch/");
    let ends_badly =
        stem.ends_with('_') || (stem.ends_with(|c: char| c.is_ascii_digit()) && !is_family);
    let has_order = stem.starts_with(|c: char| c.is_ascii_digit())
        || stem.split('_').next().is_some_and(|first| first.len() == 1 && stem.contains('_'));
    (ends_badly || has_order).then(|| format!("`{stem}` bears a mark of version or order"))
}

const OF_ITS_OWN_FILE: &str = concat!("use super", "::*;");

/// `use super::*` is for inline tests, which are part of their file.
fn imports_name_what_they_take(_: &str, text: &str) -> Option<String> {
    let is_glob = |line: &&str| {
        let line = line.trim();
        (line.starts_with("use ") || line.starts_with("pub use ")) && line.ends_with("::*;")
    };
    let outside = before_tests(text).lines().find(is_glob);
    let inside = text.lines().filter(is_glob).find(|line| line.trim() != OF_ITS_OWN_FILE);
    outside.or(inside).map(|line| format!("glob import: {}", line.trim()))
}

fn paths_start_at_the_crate(_: &str, text: &str) -> Option<String> {
    let relative = concat!("super", "::");
    let mut lines = code(before_tests(text));
    lines.find(|line| line.contains(relative)).map(|line| format!("relative path: {}", line.trim()))
}

/// Someone else's words for our things stand where someone else's files are read, or candle's models are asked.
fn uses_the_houses_words(path: &str, text: &str) -> Option<String> {
    const FOREIGN: &[&str] =
        &["hidden_size", "ffn", "attention_weights", "seq_len", "num_heads", "num_attention_heads"];
    let reads_theirs = path.starts_with("daemon/engine/src/arch")
        || path.starts_with("daemon/engine/tests/written_files/")
        || path.starts_with("tests/parity/candle_")
        || path == "tests/tidy/text_rules.rs";
    if reads_theirs {
        return None;
    }
    let word = FOREIGN.iter().find(|word| code(text).any(|line| has_word(line, word)))?;
    Some(format!("says `{word}`, which the house calls otherwise"))
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

/// Tests that watch other processes, from which no event comes: they look again after a pause.
const WATCHES_PROCESSES: &[&str] =
    &["daemon/cli/tests/killed_daemon.rs", "daemon/cli/tests/shared_daemon.rs", "tests/soak/"];

/// No test is left out, and none waits for a time instead of an event.
fn every_test_is_run_and_at_once(path: &str, text: &str) -> Option<String> {
    let ignored = concat!("#[ign", "ore");
    if code(text).any(|line| line.trim_start().starts_with(ignored)) {
        return Some("has an ignored test".to_owned());
    }
    let is_test =
        path.contains("/tests/") || path.starts_with("tests/") || path.ends_with("tests.rs");
    let tests = if is_test { text } else { &text[before_tests(text).len()..] };
    if WATCHES_PROCESSES.iter().any(|watching| path.starts_with(watching)) {
        return None;
    }
    let waits = concat!("::sle", "ep(");
    code(tests).any(|line| line.contains(waits)).then(|| "a test sleeps".to_owned())
}

#[test]
fn every_rule_bites() {
    let long = "//! Doc.\n".repeat(MAX_LINES + 1);
    let a = "daemon/engine/src/a.rs";
    bites(opens_with_its_doc, &[(a, "fn main() {}")], &[(a, "//! Doc.")]);
    bites(is_short, &[(a, &long)], &[(a, &long[9..])]);
    bites(
        has_a_telling_name,
        &[("daemon/engine/src/utils.rs", ""), ("protocol/helpers/a.rs", ""), ("a/mod.rs", "")],
        &[(a, ""), ("daemon/engine/src/utilities_of_war.rs", "")],
    );
    bites(
        bears_no_version,
        &[
            ("a/export2.rs", ""),
            ("a/as_path_.rs", ""),
            ("a/01_first.rs", ""),
            ("a/b_second.rs", ""),
        ],
        &[("daemon/engine/src/arch/gpt2.rs", ""), ("a/dot.rs", ""), ("a/b.rs", "")],
    );
    let inline = concat!("#[cfg(test)]\nmod tests {\n    use super", "::*;\n");
    bites(
        imports_name_what_they_take,
        &[(a, "use std::fs::*;"), (a, OF_ITS_OWN_FILE), (a, &format!("{inline}use std::fs::*;"))],
        &[(a, inline), (a, "use std::fs::File;")],
    );
    let relative = concat!("use super", "::x;");
    bites(paths_start_at_the_crate, &[(a, relative)], &[(a, inline), (a, "pub(super) fn x() {}")]);
    bites(
        uses_the_houses_words,
        &[(a, "let hidden_size = 3;"), (a, "fn f(seq_len: usize) {}")],
        &[
            ("daemon/engine/src/arch/llama.rs", "size(\"hidden_size\")"),
            (a, "let my_hidden_size_ = 1;"),
            (a, "// hidden_size"),
        ],
    );
    bites(nothing_is_left_undone, &[(a, concat!("// TO", "DO: later"))], &[(a, "// done")]);
    let (ignored, sleeps) = (concat!("#[ign", "ore]"), concat!("std::thread::sle", "ep(x)"));
    bites(
        every_test_is_run_and_at_once,
        &[(a, ignored), ("daemon/cli/tests/a.rs", sleeps), (a, &format!("{inline}{sleeps}"))],
        &[
            (a, sleeps),
            ("daemon/cli/tests/a.rs", "fn a() {}"),
            ("daemon/cli/tests/killed_daemon.rs", sleeps),
        ],
    );
}
