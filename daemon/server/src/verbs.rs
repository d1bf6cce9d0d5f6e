//! What the standard verbs of LSP mean for prompts, one file a verb or a pair of them: so that an editor without any plugin
//! shows influence as navigation. What must not live here: model facts; how requests travel (`answering`).

mod actions;
mod call_hierarchy;
mod code_lenses;
mod commands;
mod completions;
pub(crate) mod diagnostics;
mod heat;
mod hovers;
mod idle_lines;
mod influence;
mod inlay_hints;
mod measure;
mod outline;
mod selection_ranges;
mod template_notes;

pub(crate) use heat::legend as heat_legend;

use crate::{
    analyst::{Ask, Job},
    answering::Desk,
    job_desk::JobDesk,
    place::{Place, holds},
    positions::{Encoding, to_byte, to_position, to_range},
    settings::folder::FILE_NAME,
    token_table::token_at,
};
use limpid_protocol::{
    inspection::{Inspection, TokenRow},
    position::{Position, Range},
    view_error::ViewError,
};
use ropey::Rope;
use std::sync::Arc;
use tower_lsp::ls_types::{self as lsp, Uri};

/// Prompts of one document that a model looks at unasked: a file of lines may hold thousands.
const MOST_LOOKED_AT: usize = 64;

/// Names of the commands that the server carries out.
pub(crate) fn command_names() -> Vec<String> {
    commands::Command::ALL.into_iter().map(|command| command.name().to_owned()).collect()
}

/// Whether a document is a folder's settings.
pub(crate) fn is_folder_settings(uri: &Uri) -> bool {
    uri.as_str().rsplit('/').next() == Some(FILE_NAME)
}

/// A prompt and a byte of its document.
pub(crate) struct Spot {
    pub(crate) place: Arc<Place>,
    pub(crate) byte: usize,
}

impl Spot {
    /// Whether it is the last character of the prompt, or the place behind it.
    fn is_at_end(&self) -> bool {
        let text = &self.place.prompt.text;
        let last = text.text.chars().next_back().map_or(0, char::len_utf8);
        let n = text.text.len();
        self.byte >= text.map.to_source(n - last..n).start
    }
}

impl Desk {
    fn encoding(&self) -> Encoding {
        self.negotiated().encoding
    }

    /// The prompts of a document that appear by themselves and are not empty.
    fn prompts(&self, uri: &Uri) -> Vec<Arc<Place>> {
        let Ok(document) = self.documents.snapshot(uri.as_str()) else { return Vec::new() };
        let place = |prompt: &Arc<_>| self.found(uri.as_str(), &document, Arc::clone(prompt)).ok();
        document.prompts(uri.as_str()).iter().filter_map(place).map(Arc::new).collect()
    }

    /// The prompt at a position, if there is one.
    fn spot(&self, at: &lsp::TextDocumentPositionParams) -> Option<Spot> {
        let uri = at.text_document.uri.as_str();
        let document = self.documents.snapshot(uri).ok()?;
        let byte = to_byte(&document.text, from_lsp(at.position), self.encoding());
        let prompts = document.prompts(uri);
        let prompt = prompts.iter().find(|prompt| holds(prompt, byte))?;
        let place = self.found(uri, &document, Arc::clone(prompt)).ok()?;
        Some(Spot { place: Arc::new(place), byte })
    }
}

/// What is explained at a byte of a prompt: on a token, that token as it was predicted; from the last character on, what comes
/// next (an editor's block cursor cannot stand behind it). None on a first token (nothing precedes it) and outside of all tokens.
fn explained(
    desk: &JobDesk,
    spot: &Spot,
    job: &Job,
) -> Result<Option<(Arc<Inspection>, Ask)>, ViewError> {
    let place = &spot.place;
    let inspection = desk.inspection(&place.ask, job)?;
    let Some(token) = token_at(&inspection.tokens, place, spot.byte) else { return Ok(None) };
    if spot.is_at_end() {
        return Ok(Some((inspection, place.ask.clone())));
    }
    let Some(before) = token.index.checked_sub(1) else { return Ok(None) };
    let ask = of_token(place, before, token);
    Ok(Some((desk.inspection(&ask, job)?, ask)))
}

/// The question why a token of the prompt was predicted after the one at `before`.
fn of_token(place: &Place, before: usize, token: &TokenRow) -> Ask {
    let mut ask = Place::clone(place).toward(before, token.id).ask;
    ask.foil = None;
    ask
}

pub(crate) fn from_lsp(at: lsp::Position) -> Position {
    Position { line: at.line, character: at.character }
}

pub(crate) fn position_to_lsp(at: Position) -> lsp::Position {
    lsp::Position { line: at.line, character: at.character }
}

pub(crate) fn to_lsp(range: Range) -> lsp::Range {
    lsp::Range { start: position_to_lsp(range.start), end: position_to_lsp(range.end) }
}

/// A span of bytes of a document as an LSP range.
fn lsp_range(text: &Rope, span: std::ops::Range<usize>, encoding: Encoding) -> lsp::Range {
    to_lsp(to_range(text, span, encoding))
}

/// A byte of a document as an LSP position.
fn lsp_position(text: &Rope, byte: usize, encoding: Encoding) -> lsp::Position {
    position_to_lsp(to_position(text, byte, encoding))
}
