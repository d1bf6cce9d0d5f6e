//! A named pipe that takes no remote clients. Written after the documentation: nobody has run it yet.

use crate::transport::{Place, Reader, Writer};
use anyhow::{Context, Result};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, PipeMode, ServerOptions};

/// The error of a pipe whose every instance is busy.
const PIPE_BUSY: i32 = 231;

/// The folder for temporary files is this user's alone already.
pub(crate) fn user() -> io::Result<String> {
    Ok(std::env::var("USERNAME").unwrap_or_default())
}

impl Place {
    fn pipe(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.folder, user().ok()).hash(&mut hasher);
        format!(r"\\.\pipe\limpid-{:016x}", hasher.finish())
    }

    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn prepare(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).with_context(|| {
            format!("{}: cannot be made; set LIMPID_RUNTIME_DIR", self.folder.display())
        })
    }

    /// Connects to the daemon; none when none listens.
    ///
    /// # Errors
    /// Of the pipe.
    pub(crate) async fn connect(&self) -> Result<Option<(Reader, Writer)>> {
        self.prepare()?;
        loop {
            match ClientOptions::new().open(self.pipe()) {
                Ok(client) => {
                    let (reader, writer) = tokio::io::split(client);
                    return Ok(Some((Box::new(reader), Box::new(writer))));
                }
                Err(e) if e.raw_os_error() == Some(PIPE_BUSY) => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(e).context("the daemon's pipe: no connection"),
            }
        }
    }

    /// Listens. Only under the life lock.
    ///
    /// # Errors
    /// The pipe cannot be made.
    pub(crate) fn listen(&self) -> Result<Listener> {
        let name = self.pipe();
        let server = first(&name).context("the daemon's pipe cannot be made")?;
        Ok(Listener { name, server })
    }
}

fn first(name: &str) -> io::Result<NamedPipeServer> {
    let mut options = ServerOptions::new();
    options.first_pipe_instance(true).reject_remote_clients(true).pipe_mode(PipeMode::Byte);
    options.create(name)
}

/// The daemon's end.
pub(crate) struct Listener {
    name: String,
    server: NamedPipeServer,
}

impl Listener {
    /// The next client.
    ///
    /// # Errors
    /// Of the system, which may pass.
    pub(crate) async fn accept(&mut self) -> io::Result<(Reader, Writer)> {
        self.server.connect().await?;
        let next = ServerOptions::new().reject_remote_clients(true).create(&self.name)?;
        let (reader, writer) = tokio::io::split(std::mem::replace(&mut self.server, next));
        Ok((Box::new(reader), Box::new(writer)))
    }
}

/// No window, no console of the editor's.
pub(crate) fn detach(command: &mut std::process::Command) {
    use std::os::windows::process::CommandExt;
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}
