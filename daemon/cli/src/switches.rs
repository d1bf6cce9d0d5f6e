//! `--switch`: what a continuation is written with, named on the command line or in the file of switches beside the prompt.

use crate::{args::ContinueArgs, prompt::Prepared};
use anyhow::{Context, Result, anyhow, bail};
use limpid_protocol::{
    intervention::{Intervention, InterventionSet},
    views::switches::SwitchSet,
};
use limpid_server::switch_file::{MOST_BYTES, SwitchFile, path_beside};
use std::path::{Path, PathBuf};

/// The switches that the flags name; none without any.
///
/// # Errors
/// A switch that is neither an intervention nor a set; a file that cannot be read, or is another model's.
pub(crate) fn named(args: &ContinueArgs, prepared: &Prepared) -> Result<Option<InterventionSet>> {
    let last = prepared.tokens.len().saturating_sub(1);
    let (mut all, mut file) = (Vec::new(), None);
    for switch in &args.switch {
        let text = match switch.strip_suffix("@last") {
            Some(before) => format!("{before}@{last}"),
            None => switch.clone(),
        };
        match text.parse::<Intervention>() {
            Ok(intervention) => all.push(intervention),
            Err(problem) => {
                let (path, sets) = match &mut file {
                    Some(known) => known,
                    None => file.insert(read(args, &problem)?),
                };
                let set = sets.set(switch, &prepared.loaded.name);
                let set =
                    set.map_err(|e| anyhow!("--switch: {problem}; {}: {e}", path.display()))?;
                all.extend(set.interventions.iter().cloned());
            }
        }
    }
    Ok((!all.is_empty()).then(|| InterventionSet::together(all)))
}

fn path_of(args: &ContinueArgs) -> Option<PathBuf> {
    args.switches.clone().or_else(|| args.prompt.file.as_deref().map(path_beside))
}

fn text_of(path: &Path) -> Result<String> {
    let length = std::fs::metadata(path)
        .with_context(|| format!("{}: cannot be read", path.display()))?
        .len();
    if length > MOST_BYTES as u64 {
        bail!("{}: is longer than {MOST_BYTES} bytes", path.display());
    }
    std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))
}

fn read(args: &ContinueArgs, problem: &str) -> Result<(PathBuf, SwitchFile)> {
    let Some(path) = path_of(args) else {
        bail!("--switch: {problem}; a named set stands in a file, which --switches names");
    };
    if !path.exists() {
        bail!("--switch: {problem}; nor is it a set: there is no file {}", path.display());
    }
    let file = SwitchFile::read(&text_of(&path)?);
    Ok((path.clone(), file.map_err(|e| anyhow!("{}:{e}", path.display()))?))
}

/// Adds the switches to the file under a name.
///
/// # Errors
/// There is no file to add to; it cannot be written, is another model's, or has a set of that name.
pub(crate) fn save(
    args: &ContinueArgs,
    prepared: &Prepared,
    name: &str,
    switches: &InterventionSet,
) -> Result<PathBuf> {
    let Some(path) = path_of(args) else {
        bail!("--save-switches: the prompt is no file; name one with --switches");
    };
    let text = if path.exists() { text_of(&path)? } else { String::new() };
    let set = SwitchSet { name: name.to_owned(), switches: switches.clone() };
    let text = SwitchFile::with_set(&text, &prepared.loaded.name, &set);
    let text = text.map_err(|e| anyhow!("{}: {e}", path.display()))?;
    // Whole or not at all: what was there must not be lost to a full disk.
    let new = path.with_extension("toml.part");
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, &path))
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    Ok(path)
}
