//! `limpid inspect --format html`: one file that holds what its panel asks for, with the numbers of the other formats, and that no
//! prompt gets out of.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be run fails the test")]

#[path = "running/limpid.rs"]
mod running;

use running::{limpid, real, refused, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const PLACE: &str = "\n<script type=\"application/json\" id=\"limpid-recorded\">";

fn inspected(args: &[&str]) -> String {
    let model = real(SMOLLM2).display().to_string();
    let output = limpid(&[&["inspect", "--model", &model], args].concat());
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// What is recorded in a page, as text.
fn recorded(page: &str) -> &str {
    let (_, rest) = page.split_once(PLACE).unwrap();
    rest.split_once("</script>\n").unwrap().0
}

/// The views by method and params.
fn answers(recording: &Value) -> BTreeMap<String, &Value> {
    let answers = recording["answers"].as_array().unwrap().iter();
    answers
        .map(|a| (format!("{} {}", a["method"].as_str().unwrap(), a["params"]), &a["result"]))
        .collect()
}

fn count(answers: &BTreeMap<String, &Value>, method: &str) -> usize {
    answers.keys().filter(|key| key.starts_with(&format!("limpid/{method} "))).count()
}

#[test]
fn a_report_answers_what_its_panel_asks_with_the_numbers_of_json() {
    let prompt = "The capital of France is Paris.\nThe capital of Spain is";
    let page = inspected(&["--text", prompt, "--format", "html", "--effects", "6"]);
    let recording: Value = serde_json::from_str(recorded(&page)).unwrap();
    assert_eq!((&recording["version"], &recording["text"]), (&json!(1), &json!(prompt)));
    assert_eq!(recording["run"]["title"], "The capital of France is Paris.");
    assert!(recording["run"]["at"].as_u64().unwrap() > 1_700_000_000_000);
    let answers = answers(&recording);
    let of = |key: &str| &answers.get(key).unwrap_or_else(|| panic!("no {key}"))["view"];
    let whole: Value =
        serde_json::from_str(&inspected(&["--text", prompt, "--format", "json", "--top", "30"]))
            .unwrap();
    let tokens = of("limpid/tokens {}");
    assert_eq!(tokens["tokens"], whole["tokens"]);
    assert_eq!(tokens["predictions"], whole["predictions"]);
    let scores = of(r#"limpid/attribution {"methods":["atp","flow"],"top":30}"#);
    assert_eq!(scores["attribution"]["scores"], whole["attribution"]["scores"]);
    for (row, own) in
        scores["heads"].as_array().unwrap().iter().zip(whole["heads"].as_array().unwrap())
    {
        assert_eq!((&row["head"], &row["attribution"]), (&own["head"], &own["attribution"]));
    }
    let routes = &of(r#"limpid/routes {"max_edges":6000,"prune":"mass=0.98","top":30}"#)["routes"];
    assert!(
        routes["shown"].as_f64().unwrap() > 0.9
            && routes["edges"].as_array().unwrap().len() <= 6000
    );
    assert!(routes["steps"].as_array().unwrap().len() > 50);
    assert_eq!(of("limpid/lens {}")["lens"].as_array().unwrap().len(), 31);
    for by in ["word", "line", "sentence", "paragraph"] {
        assert!(!of(&format!(r#"limpid/parts {{"by":"{by}"}}"#))["parts"].is_null());
    }
    assert_eq!(count(&answers, "parts"), 4, "there are no messages and no examples");
    assert_eq!(
        (count(&answers, "edge"), count(&answers, "head"), count(&answers, "neuron")),
        (100, 12, 30)
    );
    assert!(count(&answers, "node") > 50 && (1..=60).contains(&count(&answers, "mlp")));
    let last = whole["target"]["position"].as_u64().unwrap();
    let (layer, head) = (&scores["heads"][0]["layer"], &scores["heads"][0]["head"]);
    let head = of(&format!(
        r#"limpid/head {{"head":{head},"layer":{layer},"maps":true,"position":{last}}}"#
    ));
    assert_eq!(head["pattern_map"].as_array().unwrap().len() as u64, last + 1);
    let measured = of(r#"limpid/effect {"set":"parts"}"#)["effects"].as_array().unwrap().len();
    assert_eq!(measured, 6);
    let has_effect = |part: &&Value| !part["effect"].is_null();
    assert!(
        of(r#"limpid/parts {"by":"line"}"#)["parts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|part| has_effect(&part))
    );
    // Tables are told once, with places in the text.
    let table = answers["limpid/tokens {}"]["token_table"].as_array().unwrap();
    assert_eq!(table.len(), whole["tokens"].as_array().unwrap().len());
    assert_eq!(table[0]["range"]["end"], json!({ "line": 0, "character": 3 }));
    assert_eq!(answers["limpid/lens {}"]["token_table"], json!([]));
}

#[test]
fn no_prompt_gets_out_of_a_report_and_a_part_of_a_file_is_all_of_it() {
    let hostile = "</script><script>alert(1)</script>\u{2028}<!-- & say";
    let file = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    std::fs::write(&file, format!("a secret\nx {hostile}\n")).unwrap();
    let path = file.path().display().to_string();
    let end = 3 + hostile.chars().count();
    let range = format!("2:3-2:{end}");
    let flags = ["--target", "3", "--token", " the", "--foil", " a", "--prune", "mass=0.5"];
    let page =
        inspected(&[&[path.as_str(), "--range", &range, "--format", "html"], &flags[..]].concat());
    let own = recorded(&page);
    assert!(!own.contains(['<', '>', '&', '\u{2028}']), "nothing ends its element");
    assert!(!page.contains("secret") && !page.contains("<script>alert"));
    let recording: Value = serde_json::from_str(own).unwrap();
    assert_eq!(recording["text"], hostile);
    let answers = answers(&recording);
    let target = &answers["limpid/tokens {}"]["view"]["target"];
    assert_eq!((&target["position"], &target["text"]), (&json!(3), &json!(" the")));
    assert_eq!(target["foil"]["text"], " a");
    let table = &answers["limpid/tokens {}"]["token_table"];
    assert_eq!(table[0]["range"]["start"], json!({ "line": 0, "character": 0 }));
    let routes = answers.iter().find(|(key, _)| key.starts_with("limpid/routes ")).unwrap().1;
    assert_eq!(routes["view"]["routes"]["prune"], "mass=0.5");
}

#[test]
fn what_a_report_cannot_hold_is_refused() {
    let model = real(SMOLLM2).display().to_string();
    let html = |args: &[&str]| {
        refused(&[&["inspect", "--model", &model, "--format", "html"], args].concat())
    };
    assert!(html(&["--token-ids", "1,2"]).contains("--token-ids"));
    assert!(html(&["--text", "a", "--answer", "b"]).contains("--answer-range"));
    assert!(html(&["--text", "a", "--target", "x"]).contains("`x` is no position"));
    assert!(html(&["--set", "x.txt"]).contains("--set prints many answers"));
}
