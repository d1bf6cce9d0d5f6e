//! Rules about what a crate may name (house style, section 2), said as absences.

use crate::{
    Rule, bites,
    repository::{code, has_word},
};

pub(crate) const RULES: &[(&str, Rule)] = &[
    ("imports point left", imports_point_left),
    ("candle stays below numbers", candle_stays_below_numbers),
    ("only the server speaks LSP", only_the_server_speaks_lsp),
    ("only server and cli wait", only_server_and_cli_wait),
    ("only the wire is serialised", only_the_wire_is_serialised),
    ("families stay in arch", families_stay_in_arch),
    ("few places are unsafe", few_places_are_unsafe),
    ("analysis does no I/O", analysis_does_no_io),
];

/// The files of `analysis` in which tensors become numbers; the rest sees plain f32.
const TENSORS_IN_ANALYSIS: &[&str] = &["attribution.rs", "contributions.rs", "vocabulary.rs"];

/// Whether a path lies in one of these places.
fn is_in(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

fn names(text: &str, words: &[&str]) -> Option<String> {
    let word = words.iter().find(|word| code(text).any(|line| has_word(line, word)))?;
    Some(format!("names `{word}`"))
}

fn imports_point_left(path: &str, text: &str) -> Option<String> {
    // From left to right: a crate names those before it, and only where the second list does not say otherwise.
    const CRATES: &[(&str, &str)] = &[
        ("protocol/src", "limpid_protocol"),
        ("daemon/engine/src", "limpid_engine"),
        ("daemon/analysis/src", "limpid_analysis"),
        ("daemon/server/src", "limpid_server"),
        ("daemon/cli/src", "limpid_cli"),
    ];
    let own = CRATES.iter().position(|(place, _)| path.starts_with(place))?;
    let right: Vec<&str> = CRATES[own + 1..].iter().map(|(_, name)| *name).collect();
    let is_view = path.starts_with("daemon/analysis/src/views");
    let knows_the_wire = is_view || is_in(path, &["protocol", "daemon/server", "daemon/cli"]);
    let wire = if knows_the_wire { None } else { names(text, &["limpid_protocol"]) };
    names(text, &right).or(wire)
}

fn candle_stays_below_numbers(path: &str, text: &str) -> Option<String> {
    let in_analysis = path.strip_prefix("daemon/analysis/src/");
    if is_in(path, &["daemon/engine", "tests"])
        || in_analysis.is_some_and(|file| TENSORS_IN_ANALYSIS.contains(&file))
    {
        return None;
    }
    names(text, &["candle_core", "candle_nn", "candle_transformers"])
}

fn only_the_server_speaks_lsp(path: &str, text: &str) -> Option<String> {
    if is_in(path, &["daemon/server", "tests/tidy"]) { None } else { names(text, &["tower_lsp"]) }
}

fn only_server_and_cli_wait(path: &str, text: &str) -> Option<String> {
    let may = ["daemon/server", "daemon/cli", "tests/tidy"];
    if is_in(path, &may) { None } else { names(text, &["tokio"]) }
}

/// Serde derives stand in the protocol, in settings, and in readers of files that others wrote. Calling serde is free.
fn only_the_wire_is_serialised(path: &str, text: &str) -> Option<String> {
    let is_reader =
        path.ends_with("settings.rs") || path.starts_with("daemon/engine/src/tensor_file");
    if is_in(path, &["protocol", "tests/tidy"]) || is_reader {
        return None;
    }
    let derives = code(text).any(|line| {
        line.contains("derive(") && ["Serialize", "Deserialize"].iter().any(|w| has_word(line, w))
    });
    derives.then(|| "derives serde".to_owned())
}

fn families_stay_in_arch(path: &str, text: &str) -> Option<String> {
    let elsewhere =
        path.starts_with("daemon/") && path.contains("/src/") && !path.contains("/arch");
    // `gpt2` is also the name of a tokenizer kind in GGUF files, `llama` of another.
    if !elsewhere || path.contains("tokenizer") {
        return None;
    }
    let families = limpid_engine::arch::FAMILIES;
    let family = families.iter().find(|family| {
        let quoted = format!("\"{}\"", family.name);
        code(text).any(|line| line.contains(&quoted) && !line.contains("tokenizer"))
    })?;
    Some(format!("names the family {} outside arch", family.name))
}

fn few_places_are_unsafe(path: &str, text: &str) -> Option<String> {
    let may = [
        "daemon/engine/src/tensor_file/mapped.rs",
        "daemon/engine/src/kernels/prefetch.rs",
        // CUDA's events, which one stream needs none of.
        "daemon/engine/src/device.rs",
        "tests/tidy",
    ];
    if is_in(path, &may) {
        return None;
    }
    code(text).any(|line| has_word(line, "unsafe")).then(|| "is unsafe".to_owned())
}

fn analysis_does_no_io(path: &str, text: &str) -> Option<String> {
    let kept = path.starts_with("daemon/analysis/src") || path.starts_with("protocol/src");
    if !kept || path.ends_with("/tests.rs") {
        return None;
    }
    let reaches = ["std::fs", "std::net", "std::env", "std::process", "println!"];
    let reach = reaches.iter().find(|reach| code(text).any(|line| line.contains(**reach)))?;
    Some(format!("reaches out with {reach}"))
}

#[test]
fn every_rule_bites() {
    let [engine, analysis, view, server, cli] = [
        "daemon/engine/src/a.rs",
        "daemon/analysis/src/a.rs",
        "daemon/analysis/src/views/a.rs",
        "daemon/server/src/a.rs",
        "daemon/cli/src/a.rs",
    ];
    bites(
        imports_point_left,
        &[
            (engine, "use limpid_protocol::display;"),
            (engine, "limpid_analysis::x()"),
            (analysis, "use limpid_protocol::display;"),
            (server, "use limpid_cli::x;"),
            ("protocol/src/a.rs", "use limpid_engine::x;"),
        ],
        &[
            (view, "use limpid_protocol::display;"),
            (cli, "use limpid_server::x;"),
            (engine, "// limpid_cli"),
        ],
    );
    bites(
        candle_stays_below_numbers,
        &[
            (view, "use candle_core::Tensor;"),
            (analysis, "candle_core::x"),
            ("daemon/analysis/src/kernels/a.rs", "candle_core::x"),
            (cli, "candle_nn::x"),
        ],
        &[
            (engine, "use candle_core::Tensor;"),
            ("daemon/analysis/src/vocabulary.rs", "use candle_core::Tensor;"),
        ],
    );
    bites(
        only_the_server_speaks_lsp,
        &[(cli, "use tower_lsp::x;")],
        &[(server, "use tower_lsp::x;")],
    );
    bites(
        only_server_and_cli_wait,
        &[(engine, "tokio::spawn(x)"), (analysis, "use tokio::x;")],
        &[(cli, "tokio::x"), (server, "tokio::x")],
    );
    bites(
        only_the_wire_is_serialised,
        &[(cli, "#[derive(Debug, Serialize)]"), (engine, "#[derive(serde::Deserialize)]")],
        &[("protocol/src/a.rs", "#[derive(Serialize)]"), (cli, "serde_json::to_string(x)")],
    );
    bites(
        families_stay_in_arch,
        &[(engine, "let family = \"gpt2\";"), (cli, "\"llama\"")],
        &[("daemon/engine/src/arch/gpt2.rs", "\"gpt2\""), (engine, "\"tokenizer\" == \"gpt2\"")],
    );
    bites(
        few_places_are_unsafe,
        &[(engine, "unsafe { x }"), ("daemon/engine/tests/a.rs", "unsafe impl X for Y {}")],
        &[
            ("daemon/engine/src/tensor_file/mapped.rs", "unsafe { x }"),
            (engine, "#[expect(unsafe_code)]"),
        ],
    );
    bites(
        analysis_does_no_io,
        &[(analysis, "std::fs::read(x)"), ("protocol/src/a.rs", "use std::env;")],
        &[(engine, "std::fs::read(x)")],
    );
}
