//! A prompt as it stands in a document: what the model is to read, and which bytes of the document that came from.
//! What must not live here: how a format is read (`prompt_formats`), tokens, positions.

use std::ops::Range;

/// Bytes of a text that is put together from a document, and back. Pieces tile the text in order; their sources need not tile
/// the document, but stand in its order too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    pieces: Vec<Piece>,
}

/// A piece of the text and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    text: Range<usize>,
    source: Range<usize>,
    /// Byte for byte the source; else the piece as a whole stands for the whole source (an escape, a filled-in variable).
    is_verbatim: bool,
}

impl SourceMap {
    /// The map of a text that stands in the document as it is, from byte `source` on.
    pub fn verbatim(n_bytes: usize, source: usize) -> Self {
        let mut map = Self::default();
        map.push_verbatim(n_bytes, source);
        map
    }

    /// The text goes on with `n_bytes` of the document as they are, from `source` on.
    pub fn push_verbatim(&mut self, n_bytes: usize, source: usize) {
        let at = self.n_bytes();
        match self.pieces.last_mut() {
            Some(last) if last.is_verbatim && last.source.end == source => {
                last.text.end += n_bytes;
                last.source.end += n_bytes;
            }
            _ if n_bytes == 0 => {}
            _ => self.pieces.push(Piece {
                text: at..at + n_bytes,
                source: source..source + n_bytes,
                is_verbatim: true,
            }),
        }
    }

    /// The text goes on with `n_bytes` that stand for `source` as a whole.
    pub fn push_whole(&mut self, n_bytes: usize, source: Range<usize>) {
        let at = self.n_bytes();
        self.pieces.push(Piece { text: at..at + n_bytes, source, is_verbatim: false });
    }

    /// The text goes on with bytes `part` of another mapped text.
    pub fn push_part(&mut self, other: &Self, part: Range<usize>) {
        let first = other.pieces.partition_point(|piece| piece.text.end <= part.start);
        for piece in other.pieces[first..].iter().take_while(|piece| piece.text.start < part.end) {
            let text = piece.text.start.max(part.start)..piece.text.end.min(part.end);
            match piece.is_verbatim {
                true => self.push_verbatim(
                    text.len(),
                    piece.source.start + (text.start - piece.text.start),
                ),
                false => self.push_whole(text.len(), piece.source.clone()),
            }
        }
    }

    /// Bytes of the text that are mapped.
    pub fn n_bytes(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.text.end)
    }

    /// What a span of the text covers of the document: from the source of its first byte to that of its last. An empty span
    /// stays empty.
    pub fn to_source(&self, span: Range<usize>) -> Range<usize> {
        let end_of_all = self.pieces.last().map_or(0, |piece| piece.source.end);
        let first = self.pieces.partition_point(|piece| piece.text.end <= span.start);
        let Some(piece) = self.pieces.get(first) else { return end_of_all..end_of_all };
        let start = match piece.is_verbatim {
            true => piece.source.start + (span.start - piece.text.start),
            false => piece.source.start,
        };
        if span.is_empty() {
            return start..start;
        }
        let last = self.pieces.partition_point(|piece| piece.text.end < span.end);
        let end = self.pieces.get(last).map_or(end_of_all, |piece| match piece.is_verbatim {
            true => piece.source.start + (span.end - piece.text.start),
            false => piece.source.end,
        });
        start..end.max(start)
    }

    /// The byte of the text that a byte of the document became; none where the document holds nothing of the text.
    /// A byte of an escape or of a variable becomes the first byte of what it stands for.
    pub fn to_text(&self, source: usize) -> Option<usize> {
        let at = self.pieces.partition_point(|piece| piece.source.end <= source);
        let piece = self.pieces.get(at).filter(|piece| piece.source.start <= source)?;
        Some(match piece.is_verbatim {
            true => piece.text.start + (source - piece.source.start),
            false => piece.text.start,
        })
    }
}

/// A text with where its bytes stand in the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappedText {
    /// The text.
    pub text: String,
    /// Where its bytes stand.
    pub map: SourceMap,
}

impl MappedText {
    /// A part of the document as it is.
    pub fn verbatim(document: &str, part: Range<usize>) -> Self {
        let map = SourceMap::verbatim(part.len(), part.start);
        Self { text: document[part].to_owned(), map }
    }

    /// Goes on with bytes `part` of the document.
    pub fn push_verbatim(&mut self, document: &str, part: Range<usize>) {
        self.map.push_verbatim(part.len(), part.start);
        self.text.push_str(&document[part]);
    }

    /// Goes on with a text that stands for `source` as a whole.
    pub fn push_whole(&mut self, text: &str, source: Range<usize>) {
        if !text.is_empty() {
            self.map.push_whole(text.len(), source);
            self.text.push_str(text);
        }
    }

    /// Goes on with bytes `part` of another mapped text.
    pub fn push_part(&mut self, other: &Self, part: Range<usize>) {
        self.map.push_part(&other.map, part.clone());
        self.text.push_str(&other.text[part]);
    }

    /// What bytes `part` cover of the document.
    pub fn to_source(&self, part: Range<usize>) -> Range<usize> {
        self.map.to_source(part)
    }
}

/// A message of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user`, `assistant`, `tool`, or what the document says.
    pub role: String,
    /// Its content, as bytes of [`PromptText::text`].
    pub content: Range<usize>,
    /// All of it in the document, heading included.
    pub source: Range<usize>,
}

/// A prompt's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptText {
    /// What was written: the plain prompt, or the contents of the messages one after another.
    pub text: String,
    /// Where its bytes stand in the document.
    pub map: SourceMap,
    /// The messages, which the model's chat template puts together; none: the model reads the text as it is.
    pub messages: Option<Vec<Message>>,
}

impl PromptText {
    /// A plain prompt that stands in the document from byte `source` on.
    pub fn plain(text: impl Into<String>, source: usize) -> Self {
        let text = text.into();
        Self { map: SourceMap::verbatim(text.len(), source), text, messages: None }
    }
}

#[cfg(test)]
mod tests {
    use super::SourceMap;

    /// `a\nbX` read from `..a\\nb{{x}}` : an escape and a variable of three bytes.
    fn map() -> SourceMap {
        let mut map = SourceMap::verbatim(1, 2);
        map.push_whole(1, 3..5);
        map.push_verbatim(1, 5);
        map.push_whole(3, 6..11);
        map
    }

    #[test]
    fn spans_cover_escapes_and_variables_whole() {
        let map = map();
        assert_eq!(map.n_bytes(), 6);
        assert_eq!(map.to_source(0..1), 2..3);
        assert_eq!(map.to_source(0..2), 2..5);
        assert_eq!(map.to_source(1..3), 3..6);
        assert_eq!(map.to_source(4..5), 6..11);
        assert_eq!(map.to_source(0..6), 2..11);
        assert_eq!(map.to_source(2..2), 5..5);
        assert_eq!(map.to_source(6..6), 11..11);
    }

    #[test]
    fn bytes_of_the_document_find_their_text() {
        let map = map();
        let found: Vec<_> = (0..12).map(|byte| map.to_text(byte)).collect();
        let expected = [
            None,
            None,
            Some(0),
            Some(1),
            Some(1),
            Some(2),
            Some(3),
            Some(3),
            Some(3),
            Some(3),
            Some(3),
            None,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn neighbours_that_stand_as_they_are_become_one() {
        let mut map = SourceMap::verbatim(2, 0);
        map.push_verbatim(3, 2);
        assert_eq!(map, SourceMap::verbatim(5, 0));
    }
}
