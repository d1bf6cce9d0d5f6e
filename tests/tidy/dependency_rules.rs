//! Rules about dependencies: none unused, none where a boundary forbids it, all with permissive licences.

use crate::repository::{files, has_word, read, root, sources};

/// Crates of ours, with what each may depend on of the crates that boundaries are about.
const MEMBERS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("daemon/engine", &["candle-core"]),
    ("daemon/analysis", &["limpid-protocol", "limpid-engine", "candle-core"]),
    (
        "daemon/server",
        &["limpid-protocol", "limpid-engine", "limpid-analysis", "tokio", "tower-lsp", "serde"],
    ),
    (
        "daemon/cli",
        &[
            "limpid-protocol",
            "limpid-engine",
            "limpid-analysis",
            "limpid-server",
            "tokio",
            "anyhow",
        ],
    ),
];
const BOUNDED: &[&str] = &[
    "limpid-protocol",
    "limpid-engine",
    "limpid-analysis",
    "limpid-server",
    "limpid-cli",
    "candle-core",
    "candle-nn",
    "candle-transformers",
    "tokio",
    "tower-lsp",
    "anyhow",
    "serde",
];

/// Names in a section of a Cargo.toml.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("[{name}]");
    manifest
        .lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['=', '.']).next())
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect()
}

/// Dependencies that no source file names.
fn unused<'a>(manifest: &'a str, sources: &[&str]) -> Vec<&'a str> {
    let all = ["dependencies", "dev-dependencies", "build-dependencies"];
    let names = all.into_iter().flat_map(|of| section(manifest, of));
    let is_named = |name: &str| {
        let word = name.replace('-', "_");
        sources.iter().any(|text| text.lines().any(|line| has_word(line, &word)))
    };
    names.filter(|name| !is_named(name)).collect()
}

#[test]
fn no_crate_depends_on_what_it_does_not_use() {
    let all = sources();
    let manifests = files().into_iter().filter(|(name, _)| name.ends_with("/Cargo.toml"));
    let mut used = Vec::new();
    for (name, _) in manifests {
        let folder = name.trim_end_matches("Cargo.toml");
        let own: Vec<&str> = all
            .iter()
            .filter(|(path, _)| path.starts_with(folder))
            .map(|(_, text)| text.as_str())
            .collect();
        let manifest = read(&name);
        assert_eq!(unused(&manifest, &own), [""; 0], "{name}");
        used.extend(["dependencies", "dev-dependencies"].into_iter().flat_map(|of| {
            section(&manifest, of).into_iter().map(str::to_owned).collect::<Vec<_>>()
        }));
    }
    let workspace = read("Cargo.toml");
    let listed = section(&workspace, "workspace.dependencies");
    let nobodys: Vec<&&str> =
        listed.iter().filter(|name| !used.contains(&(**name).to_owned())).collect();
    assert!(nobodys.is_empty(), "Cargo.toml lists what no crate uses: {nobodys:?}");
}

#[test]
fn boundaries_hold_in_the_manifests_too() {
    for (member, may) in MEMBERS {
        let manifest = read(&format!("{member}/Cargo.toml"));
        let crossed: Vec<&str> = section(&manifest, "dependencies")
            .into_iter()
            .filter(|name| BOUNDED.contains(name) && !may.contains(name))
            .filter(|name| (*member, *name) != ("protocol", "serde"))
            .collect();
        assert_eq!(crossed, [""; 0], "{member}");
    }
    let wire = read("protocol/Cargo.toml");
    let own = section(&wire, "dependencies");
    assert!(own.iter().all(|name| name.starts_with("serde")), "protocol pulls in {own:?}");
}

#[test]
fn the_rules_bite() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nserde-json.workspace = true\ntokio = \"1\"\n\n[dev-dependencies]\nzip.workspace = true\n";
    assert_eq!(section(manifest, "dependencies"), ["serde-json", "tokio"]);
    assert_eq!(unused(manifest, &["use serde_json::Value;", "my_tokio()"]), ["tokio", "zip"]);
    assert_eq!(unused(manifest, &["serde_json::x(); tokio::y(); zip::z()"]), [""; 0]);
    assert!(is_permissive("MIT OR Apache-2.0") && !is_permissive("AGPL-3.0"));
}

#[test]
fn dependencies_have_permissive_licences() {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or_default();
        let has_file = package["license_file"].is_string();
        assert!(has_file || is_permissive(licence), "{}: `{licence}`", package["name"]);
    }
}

fn is_permissive(licence: &str) -> bool {
    const ALLOWED: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "BSD",
        "ISC",
        "Zlib",
        "Unicode",
        "CC0",
        "0BSD",
        "BSL-1.0",
        "Unlicense",
        "MPL-2.0",
        "CDLA",
    ];
    ALLOWED.iter().any(|allowed| licence.contains(allowed))
}
