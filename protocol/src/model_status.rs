//! Models as the daemon keeps them, and what the daemon is doing.

wire! {
    /// What a model is doing.
    pub enum ModelState {
        /// On disk, not in memory.
        Available = "available",
        /// Being downloaded.
        Fetching = "fetching",
        /// Being read into memory.
        Loading = "loading",
        /// In memory, answers at once.
        Loaded = "loaded",
        /// The last attempt to load it failed; `problem` says why.
        Failed = "failed",
    }

    /// One model the daemon knows.
    pub struct ModelRow {
        /// Name to ask for it by.
        pub name: String,
        /// What it is doing.
        pub state: ModelState,
        /// Share done, 0..1, while fetching or loading; else null.
        pub progress: Option<f32>,
        /// Device it is loaded on; else null.
        pub device: Option<String>,
        /// Bytes it takes: in memory when loaded, else on disk; null when unknown.
        pub bytes: Option<u64>,
        /// Why it failed; else null.
        pub problem: Option<String>,
        /// Whether it is the one used when a request names none.
        pub is_default: bool,
    }

    /// How often and how fast one method was answered.
    pub struct MethodRow {
        /// The method.
        pub method: String,
        /// Requests answered.
        pub count: u64,
        /// Median, milliseconds.
        pub p50_ms: f32,
        /// 99th percentile, milliseconds.
        pub p99_ms: f32,
    }

    /// The trace cache.
    pub struct CacheStatus {
        /// Bytes held.
        pub bytes: u64,
        /// Requests answered from it.
        pub hits: u64,
        /// Requests that had to compute.
        pub misses: u64,
    }
}
