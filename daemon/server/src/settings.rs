//! What a folder's `limpid.toml`, the editor and the environment say about prompts; nearest wins, key by key:
//! front matter > `limpid.toml` > editor > `LIMPID_MODEL` > default. Reading order: `keys` (the one table of keys), `reading`
//! (text or JSON to settings), `assist` and `front_matter` (completion, hover, diagnostics), `folder` (files).
//! What must not live here: files (but in `folder`), models, positions.

pub mod assist;
pub mod folder;
pub mod front_matter;
pub mod keys;
mod reading;
mod schema;
#[cfg(test)]
mod tests;
mod value;

pub use reading::{read_editor, read_toml};
pub use schema::schema;

use crate::prompt_document::PromptSettings;
use globset::{GlobBuilder, GlobMatcher};
use std::path::Path;

/// Tokens predicted after a prompt where nothing says how many.
pub const DEFAULT_PREDICTIONS: usize = 3;

/// Settings of one source, or of several merged: what is none was not said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Name of the model.
    pub model: Option<String>,
    /// Whether a plain prompt is put into the model's chat template as one user message.
    pub chat: Option<bool>,
    /// The token that is explained, an id or text. Set by rules and front matter only.
    pub target: Option<String>,
    /// The token it is compared with, an id or text. Set by rules and front matter only.
    pub foil: Option<String>,
    /// Roles whose text others wrote.
    pub untrusted: Option<Vec<String>>,
    /// Likely next tokens shown after a prompt.
    pub inlay_predictions: Option<usize>,
    /// Whether the surprisal of the text is shown in it.
    pub inlay_surprisal: Option<bool>,
    /// Attribution method that heat shows.
    pub heat_method: Option<String>,
    /// How heat is shown without a plugin.
    pub heat_show: Option<HeatShow>,
    /// Share of flow that the routes show, 0..1.
    pub routes_mass: Option<f32>,
    /// Nats below which a measured effect counts as none.
    pub effects_floor: Option<f32>,
    /// Rules for some of the folder's files, in order.
    pub prompts: Vec<PromptRule>,
}

/// How an editor without a plugin shows heat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeatShow {
    /// Not at all.
    Off,
    /// As semantic tokens.
    Tokens,
    /// As document colours.
    Colors,
}

impl HeatShow {
    fn named(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "tokens" => Some(Self::Tokens),
            "colors" => Some(Self::Colors),
            _ => None,
        }
    }
}

/// What holds for files of a folder whose path matches.
#[derive(Clone, Debug)]
pub struct PromptRule {
    /// The glob as written.
    pub files: String,
    matcher: GlobMatcher,
    /// As in [`Settings`].
    pub model: Option<String>,
    /// As in [`Settings`].
    pub target: Option<String>,
    /// As in [`Settings`].
    pub foil: Option<String>,
    /// As in [`Settings`].
    pub chat: Option<bool>,
    /// As in [`Settings`].
    pub untrusted: Option<Vec<String>>,
}

impl PartialEq for PromptRule {
    fn eq(&self, other: &Self) -> bool {
        let parts = |rule: &Self| {
            let Self { files, model, target, foil, chat, untrusted, matcher: _ } = rule.clone();
            (files, model, target, foil, chat, untrusted)
        };
        parts(self) == parts(other)
    }
}

impl PromptRule {
    /// A rule that says nothing yet.
    ///
    /// # Errors
    /// Not a glob; the sentence says why.
    pub fn new(files: &str) -> Result<Self, String> {
        let glob = GlobBuilder::new(files).literal_separator(true).build();
        let matcher = glob.map_err(|e| e.kind().to_string())?.compile_matcher();
        let files = files.to_owned();
        Ok(Self {
            files,
            matcher,
            model: None,
            target: None,
            foil: None,
            chat: None,
            untrusted: None,
        })
    }

    /// Whether it holds for a file, by its path from the folder of the `limpid.toml`, with `/`. A glob without `/` is about names,
    /// in folders below too.
    pub fn holds_for(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.matcher.is_match(if self.files.contains('/') { path } else { name })
    }
}

impl Settings {
    /// These settings, and `further` where they say nothing. Rules of both are kept, these first.
    #[must_use]
    pub fn merge(self, further: Self) -> Self {
        let mut prompts = self.prompts;
        prompts.extend(further.prompts);
        Self {
            model: self.model.or(further.model),
            chat: self.chat.or(further.chat),
            target: self.target.or(further.target),
            foil: self.foil.or(further.foil),
            untrusted: self.untrusted.or(further.untrusted),
            inlay_predictions: self.inlay_predictions.or(further.inlay_predictions),
            inlay_surprisal: self.inlay_surprisal.or(further.inlay_surprisal),
            heat_method: self.heat_method.or(further.heat_method),
            heat_show: self.heat_show.or(further.heat_show),
            routes_mass: self.routes_mass.or(further.routes_mass),
            effects_floor: self.effects_floor.or(further.effects_floor),
            prompts,
        }
    }

    /// What holds for one file, by its path from the folder of the `limpid.toml`, with `/`: rules that match win over the rest,
    /// earlier over later.
    #[must_use]
    pub fn for_file(mut self, path: &str) -> Self {
        let mut found = Self::default();
        for rule in std::mem::take(&mut self.prompts).into_iter().filter(|r| r.holds_for(path)) {
            let PromptRule { model, target, foil, chat, untrusted, .. } = rule;
            found = found.merge(Self { model, target, foil, chat, untrusted, ..Self::default() });
        }
        found.merge(self)
    }

    /// The same with a model that is named by a path from `folder` (`./…`, `../…`) named by its whole path.
    #[must_use]
    pub fn with_model_from(mut self, folder: Option<&Path>) -> Self {
        let is_from_here =
            |model: &&mut String| model.starts_with("./") || model.starts_with("../");
        if let (Some(model), Some(folder)) = (self.model.as_mut().filter(is_from_here), folder) {
            *model = folder.join(&*model).display().to_string();
        }
        self
    }

    /// What a prompt of a file in `folder` says about itself.
    pub fn of_prompt(prompt: &PromptSettings, folder: Option<&Path>) -> Self {
        let text = |placed: &Option<crate::prompt_document::Placed<String>>| {
            placed.as_ref().map(|placed| placed.value.clone())
        };
        Self {
            model: text(&prompt.model),
            target: text(&prompt.target),
            foil: text(&prompt.foil),
            chat: prompt.chat.as_ref().map(|chat| chat.value),
            ..Self::default()
        }
        .with_model_from(folder)
    }

    /// What the environment says; `model` is the value of `LIMPID_MODEL`, and an empty one says nothing.
    pub fn of_environment(model: Option<String>) -> Self {
        Self { model: model.filter(|name| !name.is_empty()), ..Self::default() }
    }

    /// Likely next tokens shown after a prompt.
    pub fn predictions(&self) -> usize {
        self.inlay_predictions.unwrap_or(DEFAULT_PREDICTIONS)
    }
}
