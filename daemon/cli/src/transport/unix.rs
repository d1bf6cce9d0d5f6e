//! A Unix socket, mode 0600, in a folder of mode 0700; whoever else owns or may enter either of them is refused.

use crate::transport::{Place, Reader, Writer};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::PathBuf,
};
use tokio::net::{UnixListener, UnixStream};

/// The user this process acts as: one end of a pair of sockets knows it.
pub(crate) fn user() -> io::Result<u32> {
    Ok(UnixStream::pair()?.0.peer_cred()?.uid())
}

impl Place {
    /// The socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("daemon.sock")
    }

    /// Makes the folder, and refuses one that others may enter.
    ///
    /// # Errors
    /// It cannot be made; it belongs to somebody else, or is open to others.
    pub(crate) fn prepare(&self) -> Result<()> {
        let shown = self.folder.display();
        if !self.folder.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
            made.with_context(|| {
                format!("{shown}: the folder for the daemon's socket cannot be made; set LIMPID_RUNTIME_DIR")
            })?;
        }
        let found = fs::symlink_metadata(&self.folder)
            .with_context(|| format!("{shown}: cannot be looked at"))?;
        if !found.is_dir() {
            bail!("{shown} is not a folder; remove it, or set LIMPID_RUNTIME_DIR");
        }
        if found.uid() != user()? {
            bail!("{shown} belongs to another user; set LIMPID_RUNTIME_DIR to a folder of yours");
        }
        if found.mode() & 0o077 != 0 {
            bail!(
                "{shown} is open to other users; run `chmod 700` on it, or set LIMPID_RUNTIME_DIR"
            );
        }
        Ok(())
    }

    /// Connects to the daemon; none when none listens.
    ///
    /// # Errors
    /// The folder or the socket is not this user's alone; the path is too long for a socket.
    pub(crate) async fn connect(&self) -> Result<Option<(Reader, Writer)>> {
        self.prepare()?;
        let socket = self.socket();
        let shown = socket.display();
        let found = match fs::symlink_metadata(&socket) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("{shown}: cannot be looked at")),
        };
        let user = user()?;
        if found.uid() != user || !found.file_type().is_socket() {
            bail!("{shown} is not a socket of yours; remove it, or set LIMPID_RUNTIME_DIR");
        }
        if found.mode() & 0o077 != 0 {
            bail!("{shown} is open to other users; remove it, and it is made anew");
        }
        let stream = match UnixStream::connect(&socket).await {
            Ok(stream) => stream,
            Err(e) if is_nobody(&e) => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("{shown}: no connection")),
        };
        if stream.peer_cred()?.uid() != user {
            bail!("{shown} is served by another user; remove it, or set LIMPID_RUNTIME_DIR");
        }
        let (reader, writer) = stream.into_split();
        Ok(Some((Box::new(reader), Box::new(writer))))
    }

    /// Listens, in place of a socket that a dead daemon left. Only under the life lock.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(crate) fn listen(&self) -> Result<Listener> {
        let path = self.socket();
        let shown = path.display();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("{shown}: cannot be replaced"));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).with_context(|| {
            format!("{shown}: no socket can be made there; set LIMPID_RUNTIME_DIR to another, shorter path")
        })?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .with_context(|| format!("{shown}: its mode cannot be set"))?;
        Ok(Listener { listener, path, user: user()? })
    }
}

/// Whether nobody listens, or somebody ended as we knocked.
fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, NotFound,
        WouldBlock,
    };
    [
        NotFound,
        ConnectionRefused,
        ConnectionReset,
        ConnectionAborted,
        BrokenPipe,
        Interrupted,
        WouldBlock,
    ]
    .contains(&error.kind())
}

/// The daemon's end. The socket goes when it is dropped.
pub(crate) struct Listener {
    listener: UnixListener,
    path: PathBuf,
    user: u32,
}

impl Listener {
    /// The next client of this user.
    ///
    /// # Errors
    /// Of the system, which may pass.
    pub(crate) async fn accept(&mut self) -> io::Result<(Reader, Writer)> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            if stream.peer_cred()?.uid() == self.user {
                let (reader, writer) = stream.into_split();
                return Ok((Box::new(reader), Box::new(writer)));
            }
            tracing::warn!("another user was turned away");
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Keeps what a terminal does to its programs away from the daemon.
pub(crate) fn detach(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}
