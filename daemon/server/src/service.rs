//! Puts the server together over any pair of byte streams; used by the command line and by the tests.

use crate::{
    analyses::Analyses,
    answering::{ClientSettings, Desk},
    backend::Backend,
    configuration::Configuration,
    documents::Documents,
    flights::Flights,
    frame_guard,
    shared::{ClientId, Shared},
};
use limpid_protocol::{
    request::Request,
    views::{
        compare::Compare, continuation::Continue, effect::Effect, models::Models, render::Render,
        status::Status, switches::Switches,
    },
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp::{LspService, Server};

/// Requests that wait at a time. All handlers share one task; at the framework's default of 4, four waiting requests keep
/// `$/cancelRequest` unread.
const CONCURRENCY: usize = 64;
/// Bytes between the frame guard and the framework.
const PIPE_BYTES: usize = 64 << 10;
/// How long requests under way may go on after the client's stream ended.
const GRACE: Duration = Duration::from_secs(1);

/// Serves one client until it says `exit` or closes its stream.
pub async fn serve<I, O>(shared: Arc<Shared>, settings: ClientSettings, input: I, output: O)
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Send + 'static,
{
    service(shared, settings, Box::new(input), Box::pin(output)).await;
}

/// The service of one client, behind pointers: so the whole server is compiled here, and not again in every crate that awaits it.
fn service(
    shared: Arc<Shared>,
    settings: ClientSettings,
    input: Box<dyn AsyncRead + Unpin + Send>,
    output: Pin<Box<dyn AsyncWrite + Send>>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve_streams(shared, settings, input, output))
}

async fn serve_streams(
    shared: Arc<Shared>,
    settings: ClientSettings,
    input: Box<dyn AsyncRead + Unpin + Send>,
    output: Pin<Box<dyn AsyncWrite + Send>>,
) {
    let flights = Flights::default();
    let (under_way, ended) = (flights.clone(), flights.clone());
    let documents = Arc::new(Documents::default());
    let guest = Guest { id: shared.enter(documents.clone()), shared: shared.clone() };
    let id = guest.id;
    let build = LspService::build(move |client| {
        Backend(Arc::new(Desk {
            analyses: Arc::new(Analyses::new(shared.numbers.clone())),
            shared,
            id,
            client,
            documents,
            flights,
            settings,
            configuration: Configuration::default(),
            told_problems: Mutex::default(),
            negotiated: OnceLock::new(),
        }))
    });
    let mut build = build
        .custom_method(Render::METHOD, Backend::render)
        .custom_method(Continue::METHOD, Backend::continuation)
        .custom_method(Effect::METHOD, Backend::effect)
        .custom_method(Switches::METHOD, Backend::switches)
        .custom_method(Compare::METHOD, Backend::comparison)
        .custom_method(Models::METHOD, Backend::models)
        .custom_method(Status::METHOD, Backend::status)
        .custom_method("window/workDoneProgress/cancel", Backend::work_done_progress_cancel);
    macro_rules! register {
        ($view:ty) => {
            build = build.custom_method(<$view as Request>::METHOD, Backend::view::<$view>);
        };
    }
    limpid_protocol::for_each_view!(register);
    let (service, socket) = build.finish();
    let (guarded, framework) = tokio::io::simplex(PIPE_BYTES);
    let guard = tokio::spawn(async move {
        frame_guard::guard(input, framework).await;
        // A script that pipes its requests still gets quick answers; an editor that died leaves no work behind.
        tokio::time::sleep(GRACE).await;
        under_way.close();
    });
    Server::new(guarded, output, socket).concurrency_level(CONCURRENCY).serve(service).await;
    guard.abort();
    ended.close();
    drop(guest);
}

/// A client in the count of those connected, also when serving it is given up half-way.
struct Guest {
    shared: Arc<Shared>,
    id: ClientId,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}
