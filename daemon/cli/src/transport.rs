//! Where the daemon listens: a socket in a folder that is this user's alone, or a named pipe. No network.
//! What must not live here: what is said over it.

use std::{io, path::PathBuf};
use tokio::io::{AsyncRead, AsyncWrite};

/// One direction of a connection.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// The other.
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// The folder of the daemon's socket, locks and log.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
}

impl Place {
    /// `$LIMPID_RUNTIME_DIR`, else `limpid` in `$XDG_RUNTIME_DIR`, else a folder of this user's in the folder for temporary files.
    /// Must be called inside a runtime.
    ///
    /// # Errors
    /// The system does not say who this user is.
    pub(crate) fn from_env() -> io::Result<Self> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = match (named("LIMPID_RUNTIME_DIR"), named("XDG_RUNTIME_DIR")) {
            (Some(folder), _) => PathBuf::from(folder),
            (None, Some(folder)) => PathBuf::from(folder).join("limpid"),
            (None, None) => std::env::temp_dir().join(format!("limpid-{}", user()?)),
        };
        Ok(Self { folder: std::path::absolute(folder)? })
    }

    /// The log; its older half has `.1` after its name.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("daemon.log")
    }

    /// Locked by the daemon while it lives.
    pub(crate) fn life_lock(&self) -> PathBuf {
        self.folder.join("daemon.lock")
    }

    /// Locked by whoever starts a daemon.
    pub(crate) fn start_lock(&self) -> PathBuf {
        self.folder.join("start.lock")
    }
}

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Listener, detach, user};
#[cfg(windows)]
pub(crate) use windows::{Listener, detach, user};
