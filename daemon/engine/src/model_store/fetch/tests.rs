//! What is fetched is taken only with the pinned sha256, and two fetches of one model end with one file.

use crate::{
    error::EngineError,
    model_store::{
        fetch::{Making, place, remove_leftovers, room},
        known::Known,
    },
};
use std::{fs, io::ErrorKind, path::Path};

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

fn make(folder: &Path, known: &Known) -> Result<tempfile::NamedTempFile, EngineError> {
    let mut making = Making::new(folder, known, &|_| ())?;
    making.add(&mut &b"wei"[..])?;
    making.add(&mut &b"ghts"[..])?;
    making.finish()
}

#[test]
fn parts_are_joined_and_taken_only_with_the_pinned_sha256() {
    let folder = tempfile::tempdir().unwrap();
    let error = make(folder.path(), &WRONG).unwrap_err().to_string();
    assert!(error.contains(&format!("has sha256 {SHA256}, not 00")), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing half-written");
    let whole = make(folder.path(), &RIGHT).unwrap();
    let path = place(&RIGHT, whole, &folder.path().join("tiny.gguf")).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"weights");
    let mut making = Making::new(folder.path(), &RIGHT, &|_| ()).unwrap();
    let error = making.add(&mut &b"weights and more"[..]).unwrap_err().to_string();
    assert!(error.contains("more than the 7 bytes expected"), "{error}");
}

#[test]
fn a_lack_of_room_is_said_before_and_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(room::require(folder.path(), 1), Ok(()));
    let problem = room::require(folder.path(), u64::MAX).unwrap_err();
    assert!(problem.contains(&format!("{} bytes are needed", u64::MAX)), "{problem}");
    let full = room::written(folder.path(), &ErrorKind::StorageFull.into(), 7);
    assert!(full.contains("the disk is full") && full.contains("7 bytes are needed"), "{full}");
}

#[test]
fn what_killed_fetches_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
    put(".tiny.gguf.ab12.part");
    put(".other.gguf.ab12.part");
    put("tiny.gguf.lock");
    fs::create_dir(folder.path().join(".wheels-tiny.gguf-ab12")).unwrap();
    remove_leftovers(folder.path(), &RIGHT);
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".other.gguf.ab12.part", "tiny.gguf.lock"]);
}
