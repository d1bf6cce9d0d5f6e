//! One fetch of a model at a time, across processes: a file lock that the system frees with its process, however that ends.

use crate::model_store::{OnProgress, StoreProgress};
use fs4::FileExt;
use std::{fs::File, path::Path};

/// Held until dropped. The file stays: removing it while others wait for it would give two of them the lock.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "open is what keeps the lock")] File);

impl Lock {
    /// Takes the lock, waiting for who has it, and says so.
    ///
    /// # Errors
    /// The file cannot be created or locked; the sentence names it.
    pub(super) fn take(path: &Path, progress: OnProgress<'_>) -> Result<Self, String> {
        let named = |e: std::io::Error| format!("{}: {e}", path.display());
        let file = File::create(path).map_err(named)?;
        if FileExt::try_lock(&file).is_err() {
            progress(StoreProgress {
                stage: "waiting for another process that is fetching",
                done_bytes: 0,
                total_bytes: None,
            });
            FileExt::lock(&file).map_err(named)?;
        }
        Ok(Self(file))
    }
}
