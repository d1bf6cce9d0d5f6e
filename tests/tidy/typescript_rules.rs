//! Rules about the extension's and the panel's own TypeScript: short files that say what lives in them, no hole in the types, and no
//! text that becomes markup or code.

use crate::{
    Rule, bites,
    repository::{files, has_word},
};
use std::fs;

const MAX_LINES: usize = 400;

const RULES: &[(&str, Rule)] = &[
    ("is short", is_short),
    ("opens with a comment", opens_with_a_comment),
    ("types have no hole", types_have_no_hole),
    ("text stays text", text_stays_text),
];

/// What a person wrote: not what the protocol crate did.
fn is_ours(path: &str) -> bool {
    let at = path.strip_prefix("vscode-extension/");
    let is_source = at.is_some_and(|at| at.starts_with("src/") || at.starts_with("webview/"));
    is_source
        && !path.contains("/generated/")
        && [".ts", ".tsx"].iter().any(|ending| path.ends_with(ending))
}

/// Lines without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| {
        let line = line.trim_start();
        !["//", "/*", "* ", "*/"].iter().any(|mark| line.starts_with(mark)) && line != "*"
    });
    lines.map(|line| line.split(" // ").next().unwrap_or(line))
}

fn is_short(_: &str, text: &str) -> Option<String> {
    let n = text.lines().count();
    (n > MAX_LINES).then(|| format!("has {n} lines; at most {MAX_LINES}"))
}

fn opens_with_a_comment(_: &str, text: &str) -> Option<String> {
    (!text.starts_with("// ")).then(|| "does not say what lives in it".to_owned())
}

fn types_have_no_hole(_: &str, text: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_hole = |line: &&str| {
        line.match_indices("any").any(|(at, word)| {
            let (before, after) = (&line[..at], &line[at + word.len()..]);
            let is_word = !before.ends_with(is_part) && !after.starts_with(is_part);
            let before = before.trim_end();
            let is_type = before.ends_with([':', '<', '|', '&']) || before.ends_with(" as");
            is_word && (is_type || after.starts_with("[]"))
        })
    };
    code(text).find(is_hole).map(|line| format!("`{}`", line.trim()))
}

fn text_stays_text(_: &str, text: &str) -> Option<String> {
    const WORDS: [&str; 8] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "dangerouslySetInnerHTML",
        "srcdoc",
        "eval",
        "new Function",
        "document.write",
    ];
    let found = WORDS.iter().find(|word| code(text).any(|line| has_word(line, word)))?;
    Some(format!("names `{found}`"))
}

#[test]
fn every_typescript_file_keeps_the_rules() {
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
    let a = "vscode-extension/src/a.ts";
    let long = "// What lives here.\n".repeat(MAX_LINES + 1);
    bites(is_short, &[(a, &long)], &[(a, &long[20..])]);
    bites(opens_with_a_comment, &[(a, "import x"), (a, "/** x */")], &[(a, "// The panel.")]);
    bites(
        types_have_no_hole,
        &[
            (a, "let x: any;"),
            (a, "const f = (x: any[]) => 1;"),
            (a, "x as any"),
            (a, "Map<any, string>"),
            (a, "type A = string | any;"),
        ],
        &[(a, "// any: any"), (a, "list.some((x) => many);"), (a, "const say = \"any\";")],
    );
    bites(
        text_stays_text,
        &[
            (a, "node.innerHTML = text;"),
            (a, "eval(text)"),
            (a, "new Function(text)"),
            (a, "<div dangerouslySetInnerHTML={x} />"),
        ],
        &[(a, "// never innerHTML"), (a, "evaluate(text)"), (a, "node.textContent = text;")],
    );
    assert!(is_ours(a) && is_ours("vscode-extension/webview/lens/grid.tsx"));
    assert!(!is_ours("vscode-extension/src/generated/protocol.ts"));
    assert!(!is_ours("vscode-extension/test/a.ts") && !is_ours("vscode-extension/src/a.css"));
}
