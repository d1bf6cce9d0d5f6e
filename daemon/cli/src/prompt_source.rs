//! The prompt that flags name: a text, or a prompt of a file. What must not live here: models, tokens.

use crate::prompt_range::byte_span;
use anyhow::{Context, Result, anyhow, bail};
use limpid_engine::tokenizer::MAX_TEXT_BYTES;
use limpid_server::{
    prompt_document::PromptDocument,
    prompt_formats::{find_prompts, of_selection},
};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Names that read as a prompt's start in a list, characters.
const MAX_SHOWN: usize = 30;

/// Where the prompt is.
pub(crate) struct PromptSource<'a> {
    pub(crate) file: Option<&'a PathBuf>,
    pub(crate) text: Option<&'a String>,
    pub(crate) range: Option<&'a str>,
    /// Which prompt of the file, as it was written.
    pub(crate) number: Option<&'a str>,
}

impl PromptSource<'_> {
    /// Reads the prompt; never an empty one, so that nobody waits for a model in vain. What is wrong in it goes to standard
    /// error.
    ///
    /// # Errors
    /// No prompt; a file that cannot be read or is not UTF-8; a range or number outside of it; an empty prompt.
    pub(crate) fn read(&self) -> Result<PromptDocument> {
        Ok(self.read_with_document()?.0)
    }

    /// The prompt, and the text of the document that it stands in.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_with_document(&self) -> Result<(PromptDocument, String)> {
        let (prompt, place, text) = match (self.text, self.file) {
            (Some(text), _) => (
                of_selection("", "plaintext", text, 0..text.len()),
                "--text".to_owned(),
                text.clone(),
            ),
            (None, Some(file)) => {
                let place = file.display().to_string();
                let text = read_text(file, MAX_TEXT_BYTES)?;
                (self.of_file(&place, &text)?, place, text)
            }
            (None, None) => bail!("there is no prompt; give a FILE, --text or --token-ids"),
        };
        if prompt.text.text.is_empty() {
            bail!("{place}: the prompt is empty; write at least one character");
        }
        for problem in &prompt.problems {
            let line = line_of(&text, problem.source.start);
            // What a file smuggled in cannot steer the terminal.
            let message = problem.message.replace(char::is_control, "\u{fffd}");
            anstream::eprintln!("limpid: {place}: line {line}: {message}");
        }
        Ok((prompt, text))
    }

    fn of_file(&self, place: &str, text: &str) -> Result<PromptDocument> {
        if let Some(range) = self.range {
            let span = byte_span(text, range).with_context(|| place.to_owned())?;
            return Ok(of_selection(place, "", text, span));
        }
        let mut prompts = find_prompts(place, "", text);
        if prompts.is_empty() {
            // A file that marks no prompt is one as a whole.
            prompts = find_prompts("", "plaintext", text);
        }
        let Some(number) = self.number else { return Ok(prompts.swap_remove(0)) };
        match number.parse::<usize>() {
            Ok(n) if 0 < n && n <= prompts.len() => Ok(prompts.swap_remove(n - 1)),
            _ => {
                let listed: Vec<String> = prompts
                    .iter()
                    .take(10)
                    .enumerate()
                    .map(|(at, prompt)| {
                        let start: String = prompt.text.text.chars().take(MAX_SHOWN).collect();
                        let line = line_of(text, prompt.source.start);
                        format!("{} (line {line}) {start:?}", at + 1)
                    })
                    .collect();
                bail!(
                    "{place}: --prompt `{number}` is out of range; the file has prompts 1 to {}: {}",
                    prompts.len(),
                    listed.join(", ")
                )
            }
        }
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    text[..byte].matches('\n').count() + 1
}

/// The text of a file of at most so many bytes.
///
/// # Errors
/// It cannot be read, is longer, or is not UTF-8.
pub(crate) fn read_text(file: &Path, most: usize) -> Result<String> {
    let shown = file.display();
    let mut bytes = Vec::new();
    // What is named may be a device or a pipe without an end.
    File::open(file)
        .and_then(|opened| opened.take(most as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("{shown}: cannot be read"))?;
    if bytes.len() > most {
        bail!("{shown}: is longer than {most} bytes, which no model here reads; split the file");
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        anyhow!("{shown}: byte {at} is not UTF-8; save the file as UTF-8")
    })
}
