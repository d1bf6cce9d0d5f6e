//! `limpid/models`: list, load and unload models.

use crate::{model_status::ModelRow, request::Request, view_error::ErrorKind};

/// Lists the models the daemon knows; loads (fetching it if needed, with progress) or unloads one first when asked to.
#[derive(Clone, Copy, Debug)]
pub struct Models;

impl Request for Models {
    const METHOD: &'static str = "limpid/models";
    const PURPOSE: &'static str = " Lists the models the daemon knows; loads (fetching it if needed, with progress) or unloads one first when asked to.";
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::FetchFailed, ErrorKind::Io];
    type Params = ModelsParams;
    type Result = ModelsResult;
}

wire! {
    /// What to do before the list is answered.
    pub enum ModelsAction {
        /// Nothing.
        List = "list",
        /// Load the model `name`, and answer when it is loaded.
        Load = "load",
        /// Free the memory of the model `name`.
        Unload = "unload",
    }

    /// Params of `limpid/models`.
    pub struct ModelsParams {
        /// What to do.
        pub action: ModelsAction,
        /// The model; needed by `unload`; left out for `load`: the default model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
    }

    /// The models after the action.
    pub struct ModelsResult {
        /// The models.
        pub models: Vec<ModelRow>,
    }
}
