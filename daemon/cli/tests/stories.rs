//! The stories in the README are what the commands print: every block under "Three stories" is run, and compared line by line; numbers
//! may differ in the last digit, times are left out.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{command, real, text};
use std::path::PathBuf;

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
/// Last digits that differ between machines.
const DIGIT: f64 = 0.025;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Command and output of each block.
fn stories() -> Vec<(String, Vec<String>)> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("## Three stories").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap());
    let block = |block: &str| {
        let mut lines = block.lines().map(str::to_owned);
        (lines.next().unwrap(), lines.collect())
    };
    blocks.map(block).collect()
}

/// Words of a command line, quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn is_bar(word: &str) -> bool {
    word.chars().all(|c| ('▏'..='█').contains(&c) || ('█'..='▏').contains(&c))
}

/// Whether a line is as the README has it.
fn is_same(got: &str, want: &str) -> bool {
    let number = |word: &str| word.trim_start_matches('~').parse::<f64>().ok();
    let parts = |line: &str| -> Vec<String> {
        let line = line.split(" runs in ").next().unwrap();
        line.split_whitespace().filter(|word| !is_bar(word)).map(str::to_owned).collect()
    };
    let (got, want) = (parts(got), parts(want));
    got.len() == want.len()
        && got.iter().zip(&want).all(|(got, want)| match (number(got), number(want)) {
            (Some(got), Some(want)) => (got - want).abs() <= DIGIT.max(0.02 * want.abs()),
            _ => got == want,
        })
}

#[test]
fn the_readme_tells_what_the_commands_print() {
    let stories = stories();
    assert!(stories.len() >= 6, "{} blocks", stories.len());
    for (line, want) in stories {
        let mut args = words(line.strip_prefix("$ limpid ").unwrap());
        args.extend(["--model".to_owned(), real(SMOLLM2).display().to_string()]);
        let output = command().args(&args).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        // The tests name the model's file, not the model.
        let page = text(&output.stdout).replace("-Instruct.Q4_1", "-Instruct");
        let mut printed = page.lines();
        let mut skips = false;
        for want in &want {
            if want == "..." {
                skips = true;
                continue;
            }
            let found = match skips {
                true => printed.find(|got| is_same(got, want)),
                false => printed.next().filter(|got| is_same(got, want)),
            };
            assert!(found.is_some(), "{line}\nhas no line\n{want}\nbut\n{page}");
            skips = false;
        }
    }
}

#[test]
fn a_score_misleads_and_the_effect_corrects_it() {
    let found = json(&["effect", "--text", "The capital of France is", "--knockout", "3"]);
    let row = &found["effects"][0];
    assert!(row["score"].as_f64().unwrap() < 0.0 && row["effect"].as_f64().unwrap() > 5.0, "{row}");
    assert_eq!(row["disagreement"], "sign");
}

#[test]
fn a_wrong_example_is_found_and_without_it_the_answer_is_right() {
    let file = root().join("tests/stories/reviews.txt").display().to_string();
    let found = json(&["effect", &file, "--by", "line", "--token", " good", "--foil", " bad"]);
    let rows = found["effects"].as_array().unwrap();
    let effect = |row: &serde_json::Value| row["effect"].as_f64().unwrap();
    let worst = rows.iter().max_by(|a, b| effect(a).total_cmp(&effect(b))).unwrap();
    assert_eq!(worst["part"]["text"], "I was bored: good");
    let span = &worst["part"]["tokens"];
    let switch = format!("span {}:{}", span["start"], span["end"]);
    let written = json(&["continue", &file, "--max-tokens", "1", "--switch", &switch]);
    assert_eq!(written["unchanged"]["tokens"][0]["text"], " good");
    assert_eq!(written["tokens"][0]["text"], " bad");
}

#[test]
fn an_induction_head_is_found_and_without_it_the_answer_is_gone() {
    let file = root().join("tests/stories/repeated.txt").display().to_string();
    let found = json(&["effect", &file, "--edge", "18.all 18<-7"]);
    let rows = found["effects"].as_array().unwrap();
    let effect = |row: &serde_json::Value| row["effect"].as_f64().unwrap();
    let strongest = rows.iter().max_by(|a, b| effect(a).total_cmp(&effect(b))).unwrap();
    assert_eq!(strongest["intervention"]["head"], 6);
    // It looks from the second 9 at what stood behind the first, in this prompt and in another.
    let written = json(&["continue", &file, "--max-tokens", "1", "--switch", "head 18.6"]);
    assert_eq!(written["unchanged"]["tokens"][0]["text"], " Z");
    assert_ne!(written["tokens"][0]["text"], " Z");
}

fn json(args: &[&str]) -> serde_json::Value {
    let model = real(SMOLLM2).display().to_string();
    let output =
        command().args(args).args(["--format", "json", "--model", &model]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
