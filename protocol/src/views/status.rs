//! `limpid/status`: what the daemon is, holds and does. Answered at once, whatever is being computed.

use crate::{
    model_status::{CacheStatus, MethodRow, ModelRow},
    request::Request,
    view_error::ErrorKind,
};

/// What the daemon is, holds and does. Answered at once, whatever is being computed.
#[derive(Clone, Copy, Debug)]
pub struct Status;

impl Request for Status {
    const METHOD: &'static str = "limpid/status";
    const PURPOSE: &'static str =
        " What the daemon is, holds and does. Answered at once, whatever is being computed.";
    const ERRORS: &'static [ErrorKind] = &[];
    type Params = StatusParams;
    type Result = StatusResult;
}

wire! {
    /// Params of `limpid/status`: none.
    pub struct StatusParams {}

    /// What the daemon is, holds and does.
    pub struct StatusResult {
        /// Version of the daemon.
        pub version: String,
        /// Version of this protocol.
        pub protocol: u32,
        /// Process id.
        pub pid: u32,
        /// Seconds since it started.
        pub uptime_s: u64,
        /// Clients connected, the one that asks among them.
        pub clients: usize,
        /// Documents open, of all clients.
        pub documents: usize,
        /// Jobs waiting or running.
        pub queue: usize,
        /// Models.
        pub models: Vec<ModelRow>,
        /// The trace cache.
        pub cache: CacheStatus,
        /// Methods answered so far.
        pub methods: Vec<MethodRow>,
    }
}
