//! `limpid report`: what an editor recorded becomes the page that `inspect --format html` writes, and what is no recording is refused.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{command, refusal, text};
use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Output, Stdio},
};

/// A method's example, as an editor records an answer.
fn answer(view: &str, params: Value) -> Value {
    let path =
        format!("{}/../../protocol/fixtures/{view}/example.json", env!("CARGO_MANIFEST_DIR"));
    let example: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    json!({ "method": format!("limpid/{view}"), "params": params, "result": example["result"] })
}

fn recording() -> Value {
    json!({
        "version": 1,
        "run": { "title": "france.prompt", "model": "small", "took_ms": 31.5, "at": 1_700_000_000_000_u64 },
        "text": "</script><script>alert(1)</script> & \u{2028}",
        "answers": [answer("tokens", json!({})), answer("routes", json!({ "prune": "mass=0.98" })), answer("lens", json!({}))],
        "notes": { "by": "me" },
    })
}

fn report(given: &str, args: &[&str]) -> Output {
    let mut child = command()
        .arg("report")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its flags reads nothing.
    let _ = child.stdin.take().unwrap().write_all(given.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn a_report_holds_what_was_recorded_and_nothing_gets_out_of_it() {
    let output = report(&recording().to_string(), &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
    let place = "\n<script type=\"application/json\" id=\"limpid-recorded\">";
    let (_, rest) = page.split_once(place).unwrap();
    let (own, _) = rest.split_once("</script>\n").unwrap();
    assert!(!own.contains(['<', '>', '&', '\u{2028}']), "nothing ends its element");
    let held: Value = serde_json::from_str(own).unwrap();
    let given = recording();
    for field in ["version", "run", "text", "notes"] {
        assert_eq!(held[field], given[field], "{field}");
    }
    let views = |of: &Value, at: usize| of["answers"][at]["result"]["view"].clone();
    for at in 0..3 {
        assert_eq!(views(&held, at), views(&given, at));
        assert_eq!(held["answers"][at]["params"], given["answers"][at]["params"]);
    }
    // The token table is told once.
    let tables =
        [0, 1, 2].map(|at| held["answers"][at]["result"]["token_table"].as_array().unwrap().len());
    assert_eq!(tables, [5, 0, 0]);
}

#[test]
fn a_report_goes_from_a_file_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let [given, page] = ["run.json", "run.html"].map(|name| folder.path().join(name));
    std::fs::write(&given, recording().to_string()).unwrap();
    let [given, page] = [given, page].map(|path| path.display().to_string());
    for flag in ["--out", "--output"] {
        let output = report("", &[&given, flag, &page]);
        assert!(output.status.success() && output.stdout.is_empty(), "{}", text(&output.stderr));
        assert_eq!(std::fs::read(&page).unwrap(), report(&recording().to_string(), &[]).stdout);
        std::fs::remove_file(&page).unwrap();
    }
    let missing = format!("{given}.gone");
    let said = refusal("a missing file", &report("", &[&missing, "--out", &page]));
    assert!(said.contains("run.json.gone: cannot be read"), "{said}");
    let said = refusal("no folder", &report("", &[&given, "--out", &format!("{given}/x/y.html")]));
    assert!(said.contains("there is no folder"), "{said}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half-written");
}

#[test]
fn what_is_no_recording_is_refused_by_its_field() {
    let mut broken: Vec<(Value, &str)> = Vec::new();
    let mut case = |change: &dyn Fn(&mut Value), says| {
        let mut recording = recording();
        change(&mut recording);
        broken.push((recording, says));
    };
    case(&|it| *it = json!([1]), "is a list; a recording is an object");
    case(&|it| it["version"] = json!(2), "version: 2 is not the protocol's 1");
    case(&|it| it["version"] = json!(1.5), "version: 1.5 is not");
    case(&|it| it["version"] = json!("1"), "version is a string; it must be a number");
    for name in ["version", "run", "text", "answers"] {
        case(&|it| drop(it.as_object_mut().unwrap().remove(name)), "is missing; it must be");
    }
    case(&|it| it["run"]["took_ms"] = Value::Null, "run.took_ms is null; it must be a number");
    case(&|it| it["run"]["title"] = json!(3), "run.title is a number; it must be a string");
    case(&|it| it["text"] = json!(3), "text is a number; it must be a string");
    case(&|it| it["answers"] = json!({}), "answers is an object; it must be a list");
    case(&|it| it["answers"] = json!([]), "answers: none is of limpid/tokens");
    case(&|it| it["answers"][1] = json!(3), "answers[1] is a number; it must be an object");
    case(&|it| it["answers"][1]["method"] = json!(3), "answers[1].method is a number");
    // What Neovim makes of an empty table.
    case(&|it| it["answers"][0]["params"] = json!([]), "answers[0].params is a list");
    case(&|it| it["answers"][2]["result"] = json!([]), "answers[2].result is a list");
    case(
        &|it| drop(it["answers"][2]["result"]["view"].as_object_mut().unwrap().remove("lens")),
        "answers[2].result is no answer of limpid/lens: missing field `lens`",
    );
    for (recording, says) in broken {
        let said = refusal(says, &report(&recording.to_string(), &[]));
        assert!(said.starts_with("limpid: standard input: ") && said.contains(says), "{said}");
    }
    for (given, says) in [
        ("", "standard input: is not JSON: EOF while parsing a value at line 1 column 0"),
        ("{\n \"version\": 1,\n", "is not JSON: EOF while parsing a value at line 3"),
        ("\u{1b}[31mno", "is not JSON: expected value at line 1 column 1"),
    ] {
        let said = refusal(given, &report(given, &[]));
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn an_answer_of_a_later_method_is_let_through() {
    let mut recording = recording();
    let later = json!({ "method": "limpid/later", "params": {}, "result": { "view": 1 } });
    recording["answers"].as_array_mut().unwrap().push(later);
    let output = report(&recording.to_string(), &[]);
    assert!(output.status.success() && text(&output.stdout).contains("limpid/later"));
}
