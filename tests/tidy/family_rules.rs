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
    compared: &str,
    modules: &str,
) -> Option<String> {
    if let Some(file) = GOLDEN.iter().find(|file| !has_file(file)) {
        return Some(format!("{family}: tests/golden/tiny/{family}/{file} is missing"));
    }
    if !compared.contains(&format!("\"{family}\"")) {
        return Some(format!(
            "{family}: FAMILIES of tests/src/tiny.rs lacks it, so nothing compares it"
        ));
    }
    let module = format!("mod {family};");
    (!modules.contains(&module)).then(|| format!("{family}: arch/{family}.rs is not its file"))
}

#[test]
fn every_family_has_a_golden_model_and_is_compared_with_it() {
    let (compared, modules) = (read("tests/src/tiny.rs"), read("daemon/engine/src/arch.rs"));
    for family in FAMILIES {
        let folder = root().join("tests/golden/tiny").join(family.name);
        let has_file = |file: &str| folder.join(file).is_file();
        assert_eq!(lacks(family.name, has_file, &compared, &modules), None);
    }
}

#[test]
fn the_rule_bites() {
    let (compared, modules) = ("[\"llama\"]", "mod llama;");
    assert_eq!(lacks("llama", |_| true, compared, modules), None);
    assert!(lacks("llama", |file| file != "config.v4.json", compared, modules).is_some());
    assert!(lacks("mamba", |_| true, compared, modules).unwrap().contains("tiny.rs"));
    assert!(lacks("llama", |_| true, compared, "").unwrap().contains("arch/llama.rs"));
}
