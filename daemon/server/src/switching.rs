//! `limpid/switches`, and which switches a continuation is written with: those of the request, and those of a named set in the file
//! beside the prompt. The file is read here; the editor writes it.

use crate::{
    answering::Desk,
    place::Place,
    switch_file::{self, SwitchFile},
};
use limpid_protocol::{
    intervention::InterventionSet,
    request::Answer,
    view_error::{ErrorKind, ViewError},
    views::{
        continuation::ContinueParams,
        switches::{SwitchesParams, SwitchesView},
    },
};
use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};
use tower_lsp::ls_types::Uri;

impl Desk {
    /// Answers `limpid/switches`.
    ///
    /// # Errors
    /// The document is no file on the disk; its file of switches cannot be read; a set that cannot be added.
    pub(crate) async fn switches(
        &self,
        params: SwitchesParams,
    ) -> Result<Answer<SwitchesView>, ViewError> {
        let place = Arc::new(self.place(&params.subject).await?);
        let path = path_of(&place)?;
        let text = read(&path).await?;
        let model = self.model_name(&place);
        let file = parsed(&path, &text)?;
        let saved = match &params.save {
            None => None,
            Some(set) => Some(SwitchFile::with_set(&text, &model, set).map_err(bad)?),
        };
        let uri = Uri::from_file_path(&path).map(|uri| uri.to_string());
        let view = SwitchesView {
            uri: uri.unwrap_or_default(),
            model: file.model,
            sets: file.sets,
            text: saved,
        };
        self.require_version(&place.uri, place.version)?;
        let answer = Answer {
            analysis: place.id.clone(),
            version: place.version,
            model,
            token_table: Vec::new(),
            view,
        };
        self.analyses.keep_place(place);
        Ok(answer)
    }

    /// What a continuation changes; none where it changes nothing.
    pub(crate) async fn switches_of(
        &self,
        place: &Place,
        params: &ContinueParams,
    ) -> Result<Option<InterventionSet>, ViewError> {
        let mut all = params.switches.clone().map_or_else(Vec::new, |set| set.interventions);
        if let Some(name) = &params.switch_set {
            let path = path_of(place)?;
            let file = parsed(&path, &read(&path).await?)?;
            let set = file.set(name, &self.model_name(place));
            let set = set.map_err(|e| bad(format!("{}: {e}", path.display())))?;
            all.extend(set.interventions.iter().cloned());
        }
        Ok((!all.is_empty()).then(|| InterventionSet::together(all)))
    }

    /// The name of the model that a place is about.
    fn model_name(&self, place: &Place) -> String {
        let default = || {
            let rows = self.shared.analyst.models();
            rows.into_iter().find(|row| row.is_default).map(|row| row.name)
        };
        place.ask.model.clone().or_else(default).unwrap_or_default()
    }
}

fn bad(problem: String) -> ViewError {
    ViewError::new(ErrorKind::BadRequest, problem)
}

fn path_of(place: &Place) -> Result<PathBuf, ViewError> {
    let path = place.uri.parse::<Uri>().ok().and_then(|uri| Some(uri.to_file_path()?.into_owned()));
    let path = path.ok_or_else(|| {
        bad(format!(
            "{} is no file on the disk; save it, so that switches can be kept beside it",
            place.uri
        ))
    })?;
    Ok(switch_file::path_beside(&path))
}

/// The file's text; that of no file is empty.
async fn read(path: &Path) -> Result<String, ViewError> {
    let of = path.to_owned();
    let read = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let mut text = String::new();
        let file = std::fs::File::open(&of)?;
        file.take(switch_file::MOST_BYTES as u64 + 1).read_to_string(&mut text)?;
        Ok(text)
    });
    match read.await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Ok(Err(e)) => Err(ViewError::new(ErrorKind::Io, format!("{}: {e}", path.display()))),
        Err(_) => Err(ViewError::new(
            ErrorKind::Internal,
            "reading failed unexpectedly; please report it",
        )),
    }
}

fn parsed(path: &Path, text: &str) -> Result<SwitchFile, ViewError> {
    let wrong =
        |problem| ViewError::new(ErrorKind::MalformedFile, format!("{}:{problem}", path.display()));
    SwitchFile::read(text).map_err(wrong)
}
