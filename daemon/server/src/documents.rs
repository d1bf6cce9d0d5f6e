//! Text and version of every open document. Changes are applied in order and whole, before anything is awaited; a snapshot is cheap.
//! A document that lost step with the client says so until the next full text. What must not live here: prompts, answers.

use crate::{
    positions::{Encoding, line_exists, to_byte},
    prompt_document::PromptDocument,
    prompt_selection,
};
use limpid_protocol::{
    position::Range,
    view_error::{ErrorKind, ViewError},
};
use ropey::Rope;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Largest document that is kept, bytes.
pub(crate) const MAX_BYTES: usize = 10 << 20;

/// A document at one version.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) language: String,
    pub(crate) version: i32,
    pub(crate) text: Rope,
    /// Why the text cannot be used, if it cannot.
    problem: Option<&'static str>,
    /// The prompts of this version, found once.
    prompts: Arc<OnceLock<Prompts>>,
}

/// The prompts of a document, in order.
pub(crate) type Prompts = Arc<[Arc<PromptDocument>]>;

/// One change of a document: a range replaced, or the whole text.
pub(crate) struct Edit {
    pub(crate) range: Option<Range>,
    pub(crate) text: String,
}

/// The open documents.
#[derive(Default)]
pub(crate) struct Documents(Mutex<HashMap<String, Document>>);

const TOO_LARGE: &str = "is larger than 10 MiB; limpid does not read it";
const OUT_OF_STEP: &str =
    "is out of step with the editor after an edit outside of it; close and reopen it";

impl Documents {
    /// Opens a document; answers why it cannot be used, if it cannot.
    pub(crate) fn open(
        &self,
        uri: &str,
        language: String,
        version: i32,
        text: &str,
    ) -> Option<&'static str> {
        let problem = (text.len() > MAX_BYTES).then_some(TOO_LARGE);
        let text = if problem.is_some() { Rope::new() } else { Rope::from_str(text) };
        let prompts = Arc::default();
        self.lock().insert(uri.into(), Document { language, version, text, problem, prompts });
        problem
    }

    /// Applies edits in order; answers why the document cannot be used after them, if it cannot.
    pub(crate) fn change(
        &self,
        uri: &str,
        version: i32,
        edits: Vec<Edit>,
        encoding: Encoding,
    ) -> Option<&'static str> {
        let mut documents = self.lock();
        let Some(document) = documents.get_mut(uri) else {
            return Some("is not open; open it first");
        };
        document.prompts = Arc::default();
        let grows = version > document.version;
        if grows {
            document.version = version;
        } else {
            document.problem = Some(OUT_OF_STEP);
        }
        for edit in edits {
            match edit.range {
                None if edit.text.len() > MAX_BYTES => document.give_up(TOO_LARGE),
                // A full text heals an edit we could not apply, but not a version that went backwards.
                None => {
                    document.text = Rope::from_str(&edit.text);
                    document.problem = (!grows).then_some(OUT_OF_STEP);
                }
                Some(_) if document.problem.is_some() => {}
                Some(range) => document.replace(range, &edit.text, encoding),
            }
        }
        document.problem
    }

    /// Forgets a document.
    pub(crate) fn close(&self, uri: &str) {
        self.lock().remove(uri);
    }

    /// The document as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::DocumentNotOpen`].
    pub(crate) fn snapshot(&self, uri: &str) -> Result<Document, ViewError> {
        match self.lock().get(uri) {
            None => Err(not_open(uri, "is not open; open it first")),
            Some(Document { problem: Some(problem), .. }) => Err(not_open(uri, problem)),
            Some(document) => Ok(document.clone()),
        }
    }

    /// Version open now.
    pub(crate) fn version(&self, uri: &str) -> Option<i32> {
        self.lock().get(uri).map(|document| document.version)
    }

    /// All of them, by URI.
    pub(crate) fn all(&self) -> Vec<(String, Document)> {
        let mut all: Vec<_> =
            self.lock().iter().map(|(uri, document)| (uri.clone(), document.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Document>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Document {
    /// Whether its text is the editor's.
    pub(crate) fn is_usable(&self) -> bool {
        self.problem.is_none()
    }

    /// The prompts that appear by themselves in this version.
    pub(crate) fn prompts(&self, uri: &str) -> Prompts {
        let found = || prompt_selection::prompts(uri, self).into_iter().map(Arc::new).collect();
        Arc::clone(self.prompts.get_or_init(found))
    }

    fn give_up(&mut self, problem: &'static str) {
        self.problem = Some(problem);
        self.text = Rope::new();
    }

    fn replace(&mut self, range: Range, with: &str, encoding: Encoding) {
        // The place just after the last line break of a document is a line of its own, so this refuses only what no editor shows.
        let exists = line_exists(&self.text, range.start)
            && (line_exists(&self.text, range.end)
                || range.end.line as usize == self.text.len_lines());
        let (start, end) =
            (to_byte(&self.text, range.start, encoding), to_byte(&self.text, range.end, encoding));
        if !exists || start > end {
            return self.give_up(OUT_OF_STEP);
        }
        if self.text.len_bytes() - (end - start) + with.len() > MAX_BYTES {
            return self.give_up(TOO_LARGE);
        }
        let (start, end) = (self.text.byte_to_char(start), self.text.byte_to_char(end));
        self.text.remove(start..end);
        self.text.insert(start, with);
    }
}

fn not_open(uri: &str, problem: &str) -> ViewError {
    ViewError::new(ErrorKind::DocumentNotOpen, format!("{uri} {problem}"))
}

#[cfg(test)]
mod tests {
    use super::{Documents, Edit, MAX_BYTES};
    use crate::positions::{Encoding, to_position};
    use limpid_protocol::position::{Position, Range};
    use proptest::prelude::{prop, proptest};
    use ropey::Rope;

    const URI: &str = "file:///a.prompt";

    fn range(a: (u32, u32), b: (u32, u32)) -> Range {
        Range {
            start: Position { line: a.0, character: a.1 },
            end: Position { line: b.0, character: b.1 },
        }
    }

    fn opened(text: &str) -> Documents {
        let documents = Documents::default();
        assert_eq!(documents.open(URI, "plaintext".into(), 1, text), None);
        documents
    }

    fn edit(
        documents: &Documents,
        version: i32,
        range: Option<Range>,
        text: &str,
    ) -> Option<&'static str> {
        documents.change(URI, version, vec![Edit { range, text: text.into() }], Encoding::Utf16)
    }

    proptest! {
        #[test]
        fn incremental_edits_equal_full_text(
            text in "[a-z😀é\n]{0,30}",
            edits in prop::collection::vec((0usize..40, 0usize..40, "[A-Z😀\n]{0,4}"), 0..12),
        ) {
            let documents = opened(&text);
            let mut plain: Vec<char> = text.chars().collect();
            for (at, (a, b, with)) in edits.into_iter().enumerate() {
                let (a, b) = (a.min(plain.len()), b.min(plain.len()));
                let (a, b) = (a.min(b), a.max(b));
                let rope = Rope::from_str(&plain.iter().collect::<String>());
                let place = |char_idx: usize| to_position(&rope, rope.char_to_byte(char_idx), Encoding::Utf16);
                let range = Range { start: place(a), end: place(b) };
                assert_eq!(edit(&documents, at as i32 + 2, Some(range), &with), None);
                plain.splice(a..b, with.chars());
            }
            assert_eq!(documents.snapshot(URI).unwrap().text.to_string(), plain.into_iter().collect::<String>());
        }
    }

    #[test]
    fn a_bad_range_puts_the_document_out_of_step_until_the_next_full_text() {
        let documents = opened("one\ntwo");
        assert!(edit(&documents, 2, Some(range((9, 0), (9, 1))), "x").is_some());
        assert!(documents.snapshot(URI).is_err());
        assert!(edit(&documents, 3, Some(range((0, 0), (0, 1))), "x").is_some());
        assert_eq!(edit(&documents, 4, None, "three"), None);
        assert_eq!(documents.snapshot(URI).unwrap().text.to_string(), "three");
        assert!(edit(&documents, 5, Some(range((0, 3), (0, 1))), "x").is_some());
    }

    #[test]
    fn versions_must_grow() {
        let documents = opened("one");
        assert!(edit(&documents, 1, Some(range((0, 0), (0, 0))), "x").is_some());
        assert!(documents.snapshot(URI).is_err());
    }

    #[test]
    fn large_documents_are_refused_whole_or_grown() {
        let documents = opened("");
        assert!(edit(&documents, 2, None, &"x".repeat(MAX_BYTES + 1)).is_some());
        assert_eq!(edit(&documents, 3, None, &"x".repeat(MAX_BYTES)), None);
        assert!(edit(&documents, 4, Some(range((0, 0), (0, 0))), "y").is_some());
    }

    #[test]
    fn closing_frees() {
        let documents = opened("one");
        documents.close(URI);
        assert_eq!(documents.count(), 0);
    }
}
