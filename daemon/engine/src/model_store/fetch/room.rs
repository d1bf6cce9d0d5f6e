//! Room on the disk: asked for before a fetch starts, and said plainly when it ends on the way.

use std::{
    io::{Error, ErrorKind},
    path::Path,
};

/// Says early that `needed` bytes do not fit beside `folder`.
///
/// # Errors
/// The disk has less free; the sentence says how much and what to do.
pub(super) fn require(folder: &Path, needed: u64) -> Result<(), String> {
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(format!(
            "{}: {needed} bytes are needed there and {free} are free; free some, or set LIMPID_HOME or HF_HOME to another disk",
            folder.display()
        )),
        // Where the system does not say, the write will.
        _ => Ok(()),
    }
}

/// A failed write, in words.
pub(super) fn written(path: &Path, error: &Error, needed: u64) -> String {
    let path = path.display();
    if is_full(error) {
        format!(
            "{path}: the disk is full or a limit is reached ({error}); {needed} bytes are needed there; free some and try again, nothing half-written is left"
        )
    } else {
        format!("{path}: {error}; {needed} bytes are to be written there")
    }
}

/// Whether a write failed for want of room.
pub(super) fn is_full(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
