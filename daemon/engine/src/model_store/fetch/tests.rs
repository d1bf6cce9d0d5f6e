//! What is fetched is taken only with the pinned sha256, and two fetches of one model end with one file.

use crate::model_store::{fetch, known::Known};
use std::{fs, io::Read};

/// sha256 of `weights`.
const SHA256: &str = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c";

const fn known(sha256: &'static str) -> Known {
    Known {
        name: "tiny",
        aliases: &[],
        about: "",
        file: "tiny.gguf",
        bytes: 7,
        sha256,
        hub: None,
        wheels: &[],
    }
}

static RIGHT: Known = known(SHA256);
static WRONG: Known = known("00");

fn parts() -> impl Iterator<Item = Result<Box<dyn Read>, crate::error::EngineError>> {
    [&b"wei"[..], b"ghts"].into_iter().map(|part| Ok(Box::new(part) as Box<dyn Read>))
}

#[test]
fn parts_are_joined_and_taken_only_with_the_pinned_sha256() {
    let folder = tempfile::tempdir().unwrap();
    let error = fetch::verified(folder.path(), &WRONG, parts(), &|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("has sha256 {SHA256}, not 00")), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written");
    let whole = fetch::verified(folder.path(), &RIGHT, parts(), &|_| ()).unwrap();
    let path = fetch::place(whole, &folder.path().join("tiny.gguf")).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"weights");
}

#[test]
fn what_killed_fetches_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
    put(".tiny.gguf.ab12.part");
    put(".other.gguf.ab12.part");
    put("tiny.gguf.lock");
    fs::create_dir(folder.path().join(".wheels-tiny.gguf-ab12")).unwrap();
    fetch::remove_leftovers(folder.path(), &RIGHT).unwrap();
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".other.gguf.ab12.part", "tiny.gguf.lock"]);
}
