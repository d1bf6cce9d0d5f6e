//! Rules about the Neovim plugin's Lua: short files that say what lives in them, nothing that makes the editor wait, nothing that is
//! read at start-up, and no text that becomes a command or code.

use crate::{
    Rule, bites,
    repository::{files, has_word},
};
use std::fs;

const MAX_LINES: usize = 400;

const RULES: &[(&str, Rule)] = &[
    ("is short", is_short),
    ("opens with a comment", opens_with_a_comment),
    ("has a telling name", has_a_telling_name),
    ("nothing is left undone", nothing_is_left_undone),
    ("nobody waits", nobody_waits),
    ("start-up reads nothing", start_up_reads_nothing),
    ("text stays text", text_stays_text),
    ("plain Lua reads it", plain_lua_reads_it),
];

/// What a person wrote: not what the protocol crate did.
fn is_ours(path: &str) -> bool {
    path.starts_with("nvim-plugin/") && path.ends_with(".lua") && !path.contains("/generated/")
}

fn is_spec(path: &str) -> bool {
    path.starts_with("nvim-plugin/spec/")
}

/// Lines without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.map(|line| line.split(" -- ").next().unwrap_or(line))
}

fn is_short(_: &str, text: &str) -> Option<String> {
    let n = text.lines().count();
    (n > MAX_LINES).then(|| format!("has {n} lines; at most {MAX_LINES}"))
}

/// The first comment says what lives here, and what must not.
fn opens_with_a_comment(_: &str, text: &str) -> Option<String> {
    let opening: Vec<&str> = text.lines().take_while(|line| line.starts_with("--")).collect();
    let says_what = opening.first().is_some_and(|line| line.starts_with("-- "));
    let says_what_not = opening.iter().any(|line| line.contains("What must not live here:"));
    (!says_what || !says_what_not)
        .then(|| "does not say what lives in it, and what must not".into())
}

fn has_a_telling_name(path: &str, _: &str) -> Option<String> {
    const BANNED: &[&str] =
        &["utils", "util", "helpers", "common", "misc", "prelude", "new", "old", "tmp"];
    let mut parts = path.trim_end_matches(".lua").split('/');
    parts
        .find(|part| BANNED.contains(part) || part.ends_with(|c: char| c.is_ascii_digit()))
        .map(|part| format!("`{part}` says nothing"))
}

fn nothing_is_left_undone(_: &str, text: &str) -> Option<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    marks.iter().find(|mark| text.contains(**mark)).map(|mark| format!("has a {mark}"))
}

/// `:checkhealth` is waited for by who asks; an operator has to know its text object at once, and waits for a set time at most.
const ASKED_AND_WAITED_FOR: &[&str] = &["lua/limpid/health.lua", "lua/limpid/textobjects.lua"];

/// Specs may wait; the plugin never holds the editor up.
fn nobody_waits(path: &str, text: &str) -> Option<String> {
    const CALLS: &[&str] = &[
        "vim.wait(",
        "vim.fn.system(",
        "vim.fn.systemlist(",
        "vim.fn.wait(",
        "io.popen(",
        "os.execute(",
        "request_sync(",
        "):wait(",
        "vim.fn.input(",
        "vim.fn.confirm(",
    ];
    let is_waited_for = ASKED_AND_WAITED_FOR.iter().any(|file| path.ends_with(file));
    if is_spec(path) || is_waited_for {
        return None;
    }
    let call = CALLS.iter().find(|call| code(text).any(|line| line.contains(**call)))?;
    Some(format!("calls `{call}..)`"))
}

/// What Neovim sources when it starts loads no module: whoever uses nothing pays nothing.
fn start_up_reads_nothing(path: &str, text: &str) -> Option<String> {
    let is_sourced = ["plugin/", "ftdetect/"]
        .iter()
        .any(|folder| path.starts_with(&format!("nvim-plugin/{folder}")));
    let at_once = |line: &&str| line.contains("require(") && !line.starts_with([' ', '\t']);
    let is_later = |line: &&str| line.contains("function(");
    let line = code(text).filter(at_once).find(|line| !is_later(line))?;
    is_sourced.then(|| format!("`{line}`"))
}

fn text_stays_text(path: &str, text: &str) -> Option<String> {
    const WORDS: &[&str] = &["loadstring", "luaeval", "nvim_command", "nvim_exec2", "nvim_exec"];
    if is_spec(path) {
        return None;
    }
    let word = WORDS.iter().find(|word| code(text).any(|line| has_word(line, word)));
    let is_built = |line: &&str| {
        line.split_once("vim.cmd(").is_some_and(|(_, after)| {
            after.contains("..") || after.contains(":format(") || after.contains("string.format")
        })
    };
    let built = || code(text).find(is_built).map(|line| format!("`{}`", line.trim()));
    word.map(|word| format!("names `{word}`")).or_else(built)
}

/// A Neovim without LuaJIT has Lua 5.1, which takes escapes that it does not know for the letter itself, and has no `ffi`.
fn plain_lua_reads_it(path: &str, text: &str) -> Option<String> {
    if is_spec(path) {
        return None;
    }
    let words = ["\\x", "\\u{", "\\z", "require(\"ffi\")", "jit."];
    let word = words.iter().find(|word| {
        code(text).any(|line| {
            let at = line.find(**word);
            at.is_some_and(|at| !line[..at].ends_with(|c: char| c == '\\' || c.is_alphanumeric()))
        })
    })?;
    Some(format!("`{word}` is LuaJIT's"))
}

#[test]
fn every_lua_file_keeps_the_rules() {
    let mut broken = Vec::new();
    for (path, at) in files().into_iter().filter(|(path, _)| is_ours(path)) {
        let text = fs::read_to_string(at).unwrap();
        for (name, rule) in RULES {
            broken.extend(rule(&path, &text).map(|problem| format!("{path}: {name}: {problem}")));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_rule_bites() {
    let a = "nvim-plugin/lua/limpid/a.lua";
    let spec = "nvim-plugin/spec/a_spec.lua";
    let start = "nvim-plugin/plugin/limpid.lua";
    let long = "-- Line.\n".repeat(MAX_LINES + 1);
    bites(is_short, &[(a, &long)], &[(a, &long[9..])]);
    bites(
        opens_with_a_comment,
        &[
            (a, "local M = {}"),
            (a, "-- What lives here.\nlocal M = {}\n-- What must not live here: x."),
            (a, "--- What must not live here: x."),
        ],
        &[(a, "-- Words.\n-- What must not live here: numbers.\nlocal M = {}")],
    );
    bites(
        has_a_telling_name,
        &[("nvim-plugin/lua/limpid/utils.lua", ""), ("nvim-plugin/lua/limpid/page2.lua", "")],
        &[(a, ""), ("nvim-plugin/lua/limpid/init.lua", "")],
    );
    bites(nothing_is_left_undone, &[(a, concat!("-- TO", "DO: later"))], &[(a, "-- done")]);
    bites(
        nobody_waits,
        &[
            (a, "  vim.wait(10)"),
            (a, "local out = vim.fn.system(command)"),
            (a, "vim.system(command):wait()"),
            (start, "io.popen('x')"),
        ],
        &[
            (spec, "vim.wait(10)"),
            (a, "-- never vim.wait(10)"),
            (a, "task.await(x)"),
            (a, "flights:wait(x)"),
            ("nvim-plugin/lua/limpid/health.lua", "vim.wait(10)"),
        ],
    );
    bites(
        start_up_reads_nothing,
        &[(start, "local limpid = require(\"limpid\")"), (start, "require(\"limpid\").setup()")],
        &[
            (start, "map(function() require(\"limpid\").inspect() end)"),
            (start, "  require(\"limpid\").inspect()"),
            (a, "local wire = require(\"limpid.wire\")"),
        ],
    );
    bites(
        text_stays_text,
        &[
            (a, "vim.cmd(\"edit \" .. name)"),
            (a, "vim.cmd((\"edit %s\"):format(name))"),
            (a, "loadstring(text)()"),
            (a, "vim.api.nvim_command(text)"),
        ],
        &[
            (a, "vim.cmd.edit({ args = { name } })"),
            (a, "vim.cmd(\"redraw\")"),
            (a, "-- vim.cmd(\"edit \" .. name)"),
            (spec, "vim.cmd(\"edit \" .. name)"),
        ],
    );
    bites(
        plain_lua_reads_it,
        &[
            (a, "local e = \"\\u{301}\""),
            (a, "local ffi = require(\"ffi\")"),
            (a, "if jit.os then"),
        ],
        &[(spec, "\"\\xe2\""), (a, "local c = \"\\\\x\""), (a, "-- \\u{301}"), (a, "\"\\194\"")],
    );
    assert!(is_ours(a) && is_ours(spec) && is_ours(start));
    assert!(!is_ours("nvim-plugin/lua/limpid/generated/protocol.lua"));
    assert!(!is_ours("nvim-plugin/doc/limpid.txt"));
}
