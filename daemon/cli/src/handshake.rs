//! The first line each side says on the daemon's socket: one JSON object, bounded.

use crate::{args::ModelArgs, prompt::model_name};
use anyhow::{Context, Result, bail};
use limpid_engine::memory::MemoryBudget;
use limpid_protocol::{
    PROTOCOL_VERSION,
    handshake::{Hello, Purpose, Reception, Welcome},
};
use serde_json::Value;
use std::{path::Path, sync::OnceLock, time::UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// Longest line that is read, bytes.
const MAX_LINE: u64 = 16 << 20;
const STRANGER: &str = "the other side of the daemon's socket is no limpid";

/// Tells builds of one version apart: when this program was written, and its size.
pub(crate) fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let found = std::env::current_exe().and_then(std::fs::metadata);
        let Ok(found) = found else { return String::new() };
        let written = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        format!("{:x}-{:x}", written.unwrap_or_default().as_secs(), found.len())
    })
}

/// What this program says first.
///
/// # Errors
/// The memory budget is not a size.
pub(crate) fn hello(purpose: Purpose, args: &ModelArgs) -> Result<Hello> {
    let from_env = || std::env::var("LIMPID_MEMORY_BUDGET").ok();
    let budget = args.memory_budget.clone().or_else(from_env);
    let model = model_name(args);
    // The daemon runs elsewhere: a path must not depend on where this is.
    let model = if Path::new(&model).exists() {
        std::path::absolute(&model)?.display().to_string()
    } else {
        model
    };
    Ok(Hello {
        protocol: PROTOCOL_VERSION,
        version: env!("CARGO_PKG_VERSION").into(),
        build: build().into(),
        purpose,
        model: Some(model),
        device: args.device.clone(),
        dtype: args.dtype.clone(),
        memory_budget: budget.map(|text| MemoryBudget::parse(&text)).transpose()?.map(|of| of.0),
    })
}

/// Says hello and reads the answer.
///
/// # Errors
/// The other side ended, or said something else.
pub(crate) async fn greet<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    reader: &mut BufReader<R>,
    writer: &mut W,
    hello: &Hello,
) -> Result<Welcome> {
    write_line(writer, &serde_json::to_value(hello)?).await?;
    serde_json::from_value(read_line(reader).await?).context(STRANGER)
}

/// Reads what a client says first.
///
/// # Errors
/// The client ended, or said something else.
pub(crate) async fn greeting<R: AsyncRead + Unpin>(reader: &mut BufReader<R>) -> Result<Hello> {
    serde_json::from_value(read_line(reader).await?).context(STRANGER)
}

/// Answers what a client says first.
///
/// # Errors
/// Of the stream.
pub(crate) async fn answer<W: AsyncWrite + Unpin>(
    writer: &mut W,
    reception: Reception,
    note: Option<String>,
) -> Result<()> {
    let (protocol, version) = (PROTOCOL_VERSION, env!("CARGO_PKG_VERSION").into());
    let welcome = Welcome { protocol, version, pid: std::process::id(), reception, note };
    write_line(writer, &serde_json::to_value(&welcome)?).await
}

/// Reads one line of JSON.
///
/// # Errors
/// The other side ended, or said something else.
pub(crate) async fn read_line<R: AsyncRead + Unpin>(reader: &mut BufReader<R>) -> Result<Value> {
    let mut line = Vec::new();
    (&mut *reader).take(MAX_LINE).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        bail!("the other side of the daemon's socket ended in the middle of a line");
    }
    serde_json::from_slice(&line).context(STRANGER)
}

/// Writes one line of JSON.
///
/// # Errors
/// Of the stream.
pub(crate) async fn write_line<W: AsyncWrite + Unpin>(writer: &mut W, what: &Value) -> Result<()> {
    writer.write_all(format!("{what}\n").as_bytes()).await?;
    Ok(writer.flush().await?)
}
