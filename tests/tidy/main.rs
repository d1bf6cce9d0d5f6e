//! Rules of the house that a machine can check, by kind. Rules about one file are functions over (path, text), so that a test can
//! show that each bites; the others read the repository.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be read fails the test")]

mod boundary_rules;
mod dependency_rules;
mod doc_rules;
mod family_rules;
mod layout_rules;
mod lua_rules;
mod repository;
mod text_rules;
mod typescript_rules;

/// What is wrong with a file of this path and text, if anything.
type Rule = fn(&str, &str) -> Option<String>;

#[test]
fn every_source_file_keeps_the_rules() {
    let rules = [text_rules::RULES, boundary_rules::RULES, doc_rules::RULES].concat();
    let mut broken = Vec::new();
    for (path, text) in repository::sources() {
        for (name, rule) in &rules {
            if let Some(problem) = rule(&path, &text) {
                broken.push(format!("{path}: {name}: {problem}"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Shows that a rule bites on each of these files, and lets each of those pass.
fn bites(rule: Rule, bad: &[(&str, &str)], good: &[(&str, &str)]) {
    for (path, text) in bad {
        assert!(rule(path, text).is_some(), "should bite: {path} {text:.60}");
    }
    for (path, text) in good {
        assert_eq!(rule(path, text), None, "{path} {text:.60}");
    }
}
