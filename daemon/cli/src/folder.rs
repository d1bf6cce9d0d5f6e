//! What the nearest `limpid.toml` says, where neither flags nor the prompt say anything: flag > front matter > `limpid.toml` >
//! `LIMPID_MODEL` > default.

use crate::args::PromptArgs;
use limpid_server::{
    prompt_document::PromptSettings,
    settings::{Settings, folder::settings_for},
};
use std::path::Path;

/// What the folders above `file` say. What is wrong there is said on standard error; the rest holds.
pub(crate) fn settings(file: Option<&Path>) -> Settings {
    let Some(file) = file else { return Settings::default() };
    let found = settings_for(file, None);
    for (path, why) in &found.unreadable {
        warn(&format!("{}: {why}", path.display()));
    }
    for (path, problem) in &found.problems {
        warn(&format!("{}: {}", path.display(), problem.message));
    }
    found.settings
}

/// What a prompt of `file` says about itself, then the folders above it.
pub(crate) fn settings_of(prompt: &PromptSettings, file: Option<&Path>) -> Settings {
    let folder = file.and_then(Path::parent);
    Settings::of_prompt(prompt, folder).merge(settings(file))
}

/// The flags, with what the folders above `file` say where they say nothing.
pub(crate) fn with_settings(args: &PromptArgs, file: &Path) -> PromptArgs {
    let mut args = args.clone();
    let settings = settings(Some(file));
    args.model.model = args.model.model.or(settings.model);
    args.token = args.token.or(settings.target);
    args.foil = args.foil.or(settings.foil);
    args.chat |= settings.chat.unwrap_or(false);
    args
}

fn warn(what: &str) {
    let shown: String = what
        .chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<char>>(),
            false => vec![c],
        })
        .collect();
    anstream::eprintln!("limpid: warning: {shown}");
}
