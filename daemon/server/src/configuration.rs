//! What a client's editor and the folders of its documents say about prompts, kept until one of them changes.
//! What must not live here: what settings mean (`settings`).

use crate::{
    answering::Desk,
    settings::{Settings, folder, read_editor},
    verbs::is_folder_settings,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tower_lsp::ls_types::{
    ConfigurationItem, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern,
    InitializeParams, MessageType, Registration, Uri,
};

/// The settings of one client.
#[derive(Default)]
pub(crate) struct Configuration(Mutex<Said>);

#[derive(Default)]
struct Said {
    editor: Settings,
    /// Folders above which no settings are looked for.
    roots: Vec<PathBuf>,
    /// What holds for a document, by its URI.
    documents: BTreeMap<String, Arc<Settings>>,
}

impl Configuration {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was read of a document's folders.
    pub(crate) fn forget(&self, uri: &str) {
        self.lock().documents.remove(uri);
    }
}

impl Desk {
    /// Takes the settings and folders that come with `initialize`.
    pub(crate) fn configure(&self, params: &InitializeParams) {
        let folders = params.workspace_folders.iter().flatten();
        let roots = folders.filter_map(|folder| Some(folder.uri.to_file_path()?.into_owned()));
        self.configuration.lock().roots = roots.collect();
        if let Some(options) = &params.initialization_options {
            self.take(options);
        }
    }

    /// Asks the editor for its settings, where it answers that; its answer takes effect a moment later.
    pub(crate) fn ask_for_settings(self: &Arc<Self>) {
        if !self.negotiated().has_configuration {
            return;
        }
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            let item = ConfigurationItem { scope_uri: None, section: Some("limpid".into()) };
            if let Ok(answer) = desk.client.configuration(vec![item]).await
                && let Some(settings) = answer.first().filter(|settings| !settings.is_null())
            {
                desk.retake(settings).await;
            }
        });
    }

    /// Has the editor tell of every `limpid.toml` that changes on the disk, where it can.
    pub(crate) fn watch_folders(&self) {
        if !self.negotiated().watches_files {
            return;
        }
        let glob_pattern = GlobPattern::String(format!("**/{}", folder::FILE_NAME));
        let watchers = vec![FileSystemWatcher { glob_pattern, kind: None }];
        let options = DidChangeWatchedFilesRegistrationOptions { watchers };
        let registration = Registration {
            id: folder::FILE_NAME.into(),
            method: "workspace/didChangeWatchedFiles".into(),
            register_options: serde_json::to_value(options).ok(),
        };
        let client = self.client.clone();
        tokio::spawn(async move {
            if let Err(problem) = client.register_capability(vec![registration]).await {
                tracing::warn!(%problem, "the editor does not watch files");
            }
        });
    }

    /// `workspace/didChangeConfiguration`.
    pub(crate) async fn reconfigured(self: &Arc<Self>, settings: &Value) {
        match self.negotiated().has_configuration {
            true => self.ask_for_settings(),
            false => self.retake(settings).await,
        }
    }

    /// A document was saved: a `limpid.toml` holds for others.
    pub(crate) async fn saved(&self, uri: &Uri) {
        if is_folder_settings(uri) {
            self.folders_changed().await;
        }
    }

    /// Reads the folders' settings anew where they are needed next.
    pub(crate) async fn folders_changed(&self) {
        self.configuration.lock().documents.clear();
        self.negotiated().refresh(&self.client).await;
    }

    /// What holds for a document beside what its prompts say: its folders, then the editor, then what this client came with.
    pub(crate) fn settings_of(&self, uri: &str) -> Arc<Settings> {
        if let Some(known) = self.configuration.lock().documents.get(uri) {
            return Arc::clone(known);
        }
        let (editor, roots) = {
            let said = self.configuration.lock();
            (said.editor.clone(), said.roots.clone())
        };
        let path = uri.parse::<Uri>().ok().and_then(|uri| Some(uri.to_file_path()?.into_owned()));
        let folders = path.map(|path| {
            let top = roots.iter().find(|root| path.starts_with(root));
            folder::settings_for(&path, top.map(PathBuf::as_path)).settings
        });
        let own = Settings::of_environment(self.settings.default_model.clone());
        let settings = Arc::new(folders.unwrap_or_default().merge(editor).merge(own));
        self.configuration.lock().documents.insert(uri.to_owned(), Arc::clone(&settings));
        settings
    }

    fn take(&self, settings: &Value) -> Vec<String> {
        let (editor, problems) = read_editor(settings);
        let mut said = self.configuration.lock();
        said.editor = editor;
        said.documents.clear();
        problems
    }

    async fn retake(&self, settings: &Value) {
        for problem in self.take(settings) {
            self.client.show_message(MessageType::WARNING, format!("settings: {problem}")).await;
        }
        self.negotiated().refresh(&self.client).await;
    }
}
