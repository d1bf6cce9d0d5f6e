//! Rules about doc comments of public numeric functions (house style, section 4): a result says when it is an error, and every
//! one that may fail names its shapes or its cost.

use crate::{Rule, bites, repository::before_tests};

pub(crate) const RULES: &[(&str, Rule)] = &[
    ("numeric results say when they are errors", results_say_when_they_are_errors),
    ("numeric functions name shapes or cost", functions_name_shapes_or_cost),
];

const NUMERIC: &[&str] = &[
    "daemon/engine/src/kernels",
    "daemon/engine/src/attention.rs",
    "daemon/engine/src/backward.rs",
    "daemon/engine/src/block.rs",
    "daemon/engine/src/forward.rs",
    "daemon/engine/src/linear.rs",
    "daemon/engine/src/mlp.rs",
    "daemon/engine/src/norm.rs",
    "daemon/engine/src/rotary.rs",
    "daemon/analysis/src/attribution.rs",
    "daemon/analysis/src/contributions.rs",
    "daemon/analysis/src/kernels",
    "daemon/analysis/src/route_build.rs",
    "daemon/analysis/src/route_shares.rs",
];

/// Name and doc comment of every public function that returns a result.
fn fallible(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = before_tests(text).lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line.trim_start().strip_prefix("pub fn ") else { continue };
        let end = lines[at..].iter().position(|line| line.ends_with(['{', ';'])).unwrap_or(0);
        if !lines[at..=at + end].join(" ").contains("-> Result") {
            continue;
        }
        let is_doc = |line: &&&str| {
            let line = line.trim_start();
            line.starts_with("///") || line.starts_with("#[")
        };
        let doc: Vec<&str> = lines[..at].iter().rev().take_while(is_doc).copied().collect();
        let name = name.split(['(', '<']).next().unwrap_or(name);
        found.push((name.to_owned(), doc.join("\n")));
    }
    found
}

fn lacks(path: &str, text: &str, has: impl Fn(&str) -> bool, what: &str) -> Option<String> {
    if !NUMERIC.iter().any(|place| path.starts_with(place)) {
        return None;
    }
    let (name, _) = fallible(text).into_iter().find(|(_, doc)| !has(doc))?;
    Some(format!("`{name}` {what}"))
}

fn results_say_when_they_are_errors(path: &str, text: &str) -> Option<String> {
    lacks(path, text, |doc| doc.contains("# Errors"), "has no `# Errors`")
}

fn functions_name_shapes_or_cost(path: &str, text: &str) -> Option<String> {
    let has = |doc: &str| ["*Shapes*", "*Shape*", "*Cost*", "`["].iter().any(|h| doc.contains(h));
    lacks(path, text, has, "names neither shapes nor cost")
}

#[test]
fn every_rule_bites() {
    let (numeric, other) = ("daemon/engine/src/norm.rs", "daemon/engine/src/model_store.rs");
    let bare = "/// Does it.\npub fn f(\n    x: usize,\n) -> Result<(), E> {\n}\n";
    let errors = "/// Does it.\n///\n/// # Errors\n/// Always.\npub fn f() -> Result<(), E> {\n}\n";
    let shapes = "/// Does it, `[pos, d_model]`.\npub fn f() -> Result<(), E> {\n}\n";
    let plain = "/// Does it.\npub fn f() -> usize {\n}\n";
    bites(
        results_say_when_they_are_errors,
        &[(numeric, bare), (numeric, shapes)],
        &[(numeric, errors), (numeric, plain), (other, bare)],
    );
    bites(
        functions_name_shapes_or_cost,
        &[(numeric, bare), (numeric, errors)],
        &[(numeric, shapes), (numeric, plain), (other, bare)],
    );
}
