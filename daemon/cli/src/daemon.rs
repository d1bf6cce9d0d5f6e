//! `limpid daemon status|stop|logs`: what a person asks of the daemon. That none runs is an answer, not a failure.

use crate::{
    args::{DaemonCommand, ListFormat, ModelArgs},
    bounded_log,
    daemon_client::visit,
    handshake::{hello, read_line},
    page::print,
    shared_daemon,
    transport::Place,
};
use anyhow::{Context, Result, bail};
use limpid_protocol::{display, handshake::Purpose, views::status::StatusResult};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    fs::{File, TryLockError},
    time::{Duration, Instant},
};
use tokio::io::AsyncReadExt;

/// How long a daemon may take to leave.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
const NONE: &str = "no daemon is running\n";

/// Runs one of the commands.
///
/// # Errors
/// The daemon's folder is not this user's alone; the daemon does not answer or leave.
pub(crate) fn run(command: &DaemonCommand) -> Result<()> {
    if let DaemonCommand::Run(args) = command {
        return shared_daemon::run(args);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no thread to ask the daemon")?;
    let text = runtime.block_on(async {
        let place = Place::from_env()?;
        match command {
            DaemonCommand::Status { format } => status(&place, *format).await,
            DaemonCommand::Stop { format } => stop(&place, *format).await,
            DaemonCommand::Logs => Ok(bounded_log::read(&place.log())),
            DaemonCommand::Run(_) => Ok(String::new()),
        }
    })?;
    print(&text)
}

async fn status(place: &Place, format: ListFormat) -> Result<String> {
    let nothing = ModelArgs { model: None, device: None, dtype: None, memory_budget: None };
    let found = match visit(place, &hello(Purpose::Status, &nothing)?).await? {
        Some(mut daemon) => Some(read_line(&mut daemon.reader).await?),
        None => None,
    };
    match (format, found) {
        (ListFormat::Json, found) => Ok(format!("{:#}\n", found.unwrap_or(Value::Null))),
        (ListFormat::Text, None) => Ok(NONE.into()),
        (ListFormat::Text, Some(found)) => serde_json::from_value(found)
            .map(|found| text(&found))
            .context("the daemon is of another version; run `limpid daemon status --format json`"),
    }
}

fn text(status: &StatusResult) -> String {
    let mut out = format!(
        "daemon {} of limpid {}, up {} s: {} clients, {} documents, {} jobs\n",
        status.pid, status.version, status.uptime_s, status.clients, status.documents, status.queue
    );
    for model in &status.models {
        let place = model.device.as_deref().unwrap_or("");
        let bytes = model.bytes.map(display::bytes).unwrap_or_default();
        let _ = writeln!(out, "model   {} {} {place} {bytes}", model.name, model.state.as_str());
    }
    let cache = &status.cache;
    let bytes = display::bytes(cache.bytes);
    let _ = writeln!(out, "traces  {bytes}, {} hits, {} misses", cache.hits, cache.misses);
    for row in &status.methods {
        let _ = writeln!(
            out,
            "method  {} {} times, p50 {:.1} ms, p99 {:.1} ms",
            row.method, row.count, row.p50_ms, row.p99_ms
        );
    }
    out
}

async fn stop(place: &Place, format: ListFormat) -> Result<String> {
    let nothing = ModelArgs { model: None, device: None, dtype: None, memory_budget: None };
    let found = visit(place, &hello(Purpose::Stop, &nothing)?).await?;
    let stopped = found.is_some();
    if let Some(mut daemon) = found {
        // The daemon's end of this ends with it; the lock is free a moment later.
        let _ = daemon.reader.read_to_end(&mut Vec::new()).await;
        gone(place).await?;
    }
    Ok(match (format, stopped) {
        (ListFormat::Json, _) => format!("{}\n", json!({ "stopped": stopped })),
        (ListFormat::Text, true) => "the daemon is gone\n".into(),
        (ListFormat::Text, false) => NONE.into(),
    })
}

/// Waits until no daemon lives.
async fn gone(place: &Place) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let Ok(file) = File::options().write(true).open(place.life_lock()) else { return Ok(()) };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            _ => return Ok(()),
        }
    }
    bail!("the daemon does not leave; end its process, and see `limpid daemon logs`")
}
