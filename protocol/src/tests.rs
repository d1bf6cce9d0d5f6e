//! What the tests of this crate share: generated files are what would be written now; `UPDATE_GENERATED=1` writes them.

use std::{fs, path::PathBuf};

/// A path of this crate.
pub(crate) fn crate_path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Compares a generated file with what is to be in it; writes it when asked to.
pub(crate) fn check_fresh(relative: &str, fresh: &str) {
    let path = crate_path(relative);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, fresh).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == fresh,
        "{relative} is stale; run UPDATE_GENERATED=1 cargo test --release -p limpid-protocol"
    );
}
