//! Every family of `arch` has a tiny golden model and is compared with it (house style, "where new things go").

use crate::repository::{read, root};
use limpid_engine::arch::FAMILIES;

/// Files of a tiny golden model.
const GOLDEN: &[&str] = &[
    "config.json",
    "config.v4.json",
    "model.safetensors",
    "golden.safetensors",
    "golden_grad.safetensors",
    "manifest.json",
];

/// What a family lacks, if anything.
fn lacks(
    family: &str,
    has_file: impl Fn(&str) -> bool,
    parity: &str,
    modules: &str,
) -> Option<String> {
    if let Some(file) = GOLDEN.iter().find(|file| !has_file(file)) {
        return Some(format!("{family}: tests/golden/tiny/{family}/{file} is missing"));
    }
    if !parity.contains(&format!("\"{family}\"")) {
        return Some(format!("{family}: tests/parity/tiny_models.rs does not compare it"));
    }
    let module = format!("mod {family};");
    (!modules.contains(&module)).then(|| format!("{family}: arch/{family}.rs is not its file"))
}

#[test]
fn every_family_has_a_golden_model_and_is_compared_with_it() {
    let (parity, modules) =
        (read("tests/parity/tiny_models.rs"), read("daemon/engine/src/arch.rs"));
    for family in FAMILIES {
        let folder = root().join("tests/golden/tiny").join(family.name);
        let has_file = |file: &str| folder.join(file).is_file();
        assert_eq!(lacks(family.name, has_file, &parity, &modules), None);
    }
}

#[test]
fn the_rule_bites() {
    let (parity, modules) = ("[\"llama\"]", "mod llama;");
    assert_eq!(lacks("llama", |_| true, parity, modules), None);
    assert!(lacks("llama", |file| file != "config.v4.json", parity, modules).is_some());
    assert!(lacks("mamba", |_| true, parity, modules).unwrap().contains("tiny_models.rs"));
    assert!(lacks("llama", |_| true, parity, "").unwrap().contains("arch/llama.rs"));
}
