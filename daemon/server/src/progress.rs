//! Work under way as LSP progress. A reporting task of its own, so that a client that never answers `create` delays nothing.

use crate::analyst::ProgressCallback;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tower_lsp::{
    Client,
    ls_types::{
        NumberOrString, ProgressParams, ProgressParamsValue, WorkDoneProgress,
        WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport, notification::Progress,
    },
};

/// How long a client may take to answer that it made room for progress.
const CREATE_TIMEOUT: Duration = Duration::from_secs(5);

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A token nobody used before, nor an earlier process towards a client that outlived it.
pub(crate) fn fresh_token() -> String {
    format!("limpid/{}/{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed))
}

/// A callback that reports to the client for as long as it lives; begins with the first call after `quiet`.
/// Without a client that shows progress it does nothing.
pub(crate) fn reporter(
    client: Option<Client>,
    token: String,
    title: String,
    quiet: Duration,
) -> ProgressCallback {
    let Some(client) = client else { return Arc::new(|_, _| {}) };
    let (events, mailbox) = mpsc::unbounded_channel();
    tokio::spawn(report(client, token, title, mailbox));
    let (started, last) = (Instant::now(), AtomicU32::new(u32::MAX));
    Arc::new(move |share, doing| {
        let percentage = (share.clamp(0.0, 1.0) * 100.0) as u32;
        // A call a layer is cheap: only whole percents travel.
        if started.elapsed() >= quiet && last.swap(percentage, Ordering::Relaxed) != percentage {
            let _ = events.send((percentage, doing.to_owned()));
        }
    })
}

async fn report(
    client: Client,
    token: String,
    title: String,
    mut mailbox: mpsc::UnboundedReceiver<(u32, String)>,
) {
    let Some((percentage, message)) = mailbox.recv().await else { return };
    let token = NumberOrString::String(token);
    let created =
        tokio::time::timeout(CREATE_TIMEOUT, client.create_work_done_progress(token.clone())).await;
    if !matches!(created, Ok(Ok(()))) {
        return;
    }
    let send = |value| {
        client.send_notification::<Progress>(ProgressParams {
            token: token.clone(),
            value: ProgressParamsValue::WorkDone(value),
        })
    };
    send(WorkDoneProgress::Begin(WorkDoneProgressBegin {
        title,
        cancellable: Some(true),
        message: Some(message),
        percentage: Some(percentage),
    }))
    .await;
    while let Some((percentage, message)) = mailbox.recv().await {
        send(WorkDoneProgress::Report(WorkDoneProgressReport {
            cancellable: Some(true),
            message: Some(message),
            percentage: Some(percentage),
        }))
        .await;
    }
    send(WorkDoneProgress::End(WorkDoneProgressEnd { message: None })).await;
}
