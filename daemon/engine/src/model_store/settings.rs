//! What the environment says about fetching models, read once.

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use std::{path::PathBuf, time::Duration};

/// How long a hub may send nothing before a fetch is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The variables that name a proxy, in either case.
pub(super) const PROXIES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

/// Where models are kept and whether the network may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Folder of everything that is ours: `LIMPID_HOME`, else the user's data folder.
    pub home: PathBuf,
    /// The hub's cache: `HF_HOME`, else the hub's own default.
    pub hub_home: Option<PathBuf>,
    /// `HF_TOKEN`
    pub hub_token: Option<String>,
    /// `HF_ENDPOINT`
    pub hub_endpoint: Option<String>,
    /// `HF_HUB_OFFLINE` or `LIMPID_OFFLINE`: never touch the network.
    pub is_offline: bool,
    /// `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`, in either case: a proxy connects for us.
    pub has_proxy: bool,
    /// How long a hub may send nothing before a fetch is given up.
    pub patience: Duration,
}

impl StoreSettings {
    /// What the environment says.
    pub fn from_env() -> Self {
        Self::from_lookup(&|key| std::env::var(key).ok().filter(|value| !value.is_empty()))
    }

    /// What a look-up of variables says.
    pub fn from_lookup(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_set = |key| {
            variable(key)
                .is_some_and(|v| !matches!(v.to_lowercase().as_str(), "0" | "false" | "no"))
        };
        Self {
            home: variable("LIMPID_HOME").map_or_else(data_folder, PathBuf::from),
            hub_home: variable("HF_HOME").map(PathBuf::from),
            hub_token: variable("HF_TOKEN"),
            hub_endpoint: variable("HF_ENDPOINT"),
            has_proxy: PROXIES
                .iter()
                .any(|key| variable(key).or_else(|| variable(&key.to_lowercase())).is_some()),
            is_offline: is_set("HF_HUB_OFFLINE") || is_set("LIMPID_OFFLINE"),
            patience: PATIENCE,
        }
    }
}

fn data_folder() -> PathBuf {
    let args = AppStrategyArgs {
        top_level_domain: "org".to_owned(),
        author: "limpid".to_owned(),
        app_name: "limpid".to_owned(),
    };
    choose_app_strategy(args)
        .map_or_else(|_| PathBuf::from(".limpid"), |folders| folders.data_dir())
}
