//! The first line each side writes on the daemon's socket, JSON; after a welcome the stream speaks LSP (or ends, for the other purposes).
//! An older or newer daemon must understand it: fields are added, never changed.

wire! {
    /// What a connection is for.
    pub enum Purpose {
        /// A language client.
        Lsp = "lsp",
        /// One line of `StatusResult`, then the end.
        Status = "status",
        /// The daemon is to finish what runs and leave.
        Stop = "stop",
    }

    /// What a client says first.
    pub struct Hello {
        /// Version of the protocol it speaks.
        pub protocol: u32,
        /// Its version.
        pub version: String,
        /// Tells builds of one version apart.
        pub build: String,
        /// What the connection is for.
        pub purpose: Purpose,
        /// The model of requests that name none.
        #[serde(default)]
        pub model: Option<String>,
        /// The device it wants; none: any.
        #[serde(default)]
        pub device: Option<String>,
        /// The dtype it wants; none: any.
        #[serde(default)]
        pub dtype: Option<String>,
        /// The memory budget it wants, bytes; none: any.
        #[serde(default)]
        pub memory_budget: Option<u64>,
    }

    /// What the daemon makes of it.
    pub enum Reception {
        /// It serves the client.
        Welcome = "welcome",
        /// It does not fit and nobody needs it: it leaves; start another.
        Leaving = "leaving",
        /// It does not fit, and others need it.
        Refused = "refused",
    }

    /// What the daemon answers.
    pub struct Welcome {
        /// Version of the protocol it speaks.
        pub protocol: u32,
        /// Its version.
        pub version: String,
        /// Its process.
        pub pid: u32,
        /// What it makes of the client.
        pub reception: Reception,
        /// What a person should know: why it refuses, or that it is older than the client.
        #[serde(default)]
        pub note: Option<String>,
    }
}
