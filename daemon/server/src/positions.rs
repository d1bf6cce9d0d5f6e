//! The only conversion between LSP positions and bytes, in the negotiated encoding.
//! Positions past a line's end mean its end; half a surrogate pair, or the middle of a UTF-8 character, means the character's start.

use limpid_protocol::position::{Position, Range};
use ropey::Rope;

/// Unit of [`Position::character`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, the default of LSP.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

/// The byte at a position; positions past the end mean the end.
pub(crate) fn to_byte(text: &Rope, at: Position, encoding: Encoding) -> usize {
    let line_idx = at.line as usize;
    if line_idx >= text.len_lines() {
        return text.len_bytes();
    }
    let line = text.line(line_idx);
    let n_chars = line.len_chars() - line_break_chars(&line);
    let wanted = at.character as usize;
    let char_idx = match encoding {
        Encoding::Utf32 => wanted,
        Encoding::Utf16 if wanted >= line.len_utf16_cu() => n_chars,
        // Half a surrogate pair is rounded down by ropey.
        Encoding::Utf16 => line.utf16_cu_to_char(wanted),
        Encoding::Utf8 if wanted >= line.len_bytes() => n_chars,
        Encoding::Utf8 => line.byte_to_char(wanted),
    };
    text.line_to_byte(line_idx) + line.char_to_byte(char_idx.min(n_chars))
}

/// Whether a position names a line that exists; edits elsewhere mean that we lost step.
pub(crate) fn line_exists(text: &Rope, at: Position) -> bool {
    (at.line as usize) < text.len_lines()
}

/// The position of a byte; a byte inside a character means the character's start.
pub(crate) fn to_position(text: &Rope, byte: usize, encoding: Encoding) -> Position {
    let char_idx = text.byte_to_char(byte.min(text.len_bytes()));
    let line_idx = text.char_to_line(char_idx);
    let line_start = text.line_to_char(line_idx);
    let character = match encoding {
        Encoding::Utf32 => char_idx - line_start,
        Encoding::Utf16 => text.char_to_utf16_cu(char_idx) - text.char_to_utf16_cu(line_start),
        Encoding::Utf8 => text.char_to_byte(char_idx) - text.char_to_byte(line_start),
    };
    Position { line: line_idx as u32, character: character as u32 }
}

/// The range of a byte span, snapped outwards to whole characters.
pub(crate) fn to_range(text: &Rope, span: std::ops::Range<usize>, encoding: Encoding) -> Range {
    let end = span.end.min(text.len_bytes());
    let end_char = text.byte_to_char(end);
    let end = if text.char_to_byte(end_char) < end { text.char_to_byte(end_char + 1) } else { end };
    Range { start: to_position(text, span.start, encoding), end: to_position(text, end, encoding) }
}

fn line_break_chars(line: &ropey::RopeSlice<'_>) -> usize {
    let n = line.len_chars();
    match n.checked_sub(1).map(|last| line.char(last)) {
        Some('\n') if n >= 2 && line.char(n - 2) == '\r' => 2,
        Some('\n' | '\r') => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, to_byte, to_position, to_range};
    use limpid_protocol::position::Position;
    use proptest::prelude::{any, prop, prop_oneof, proptest};
    use proptest::strategy::{Just, Strategy};
    use ropey::Rope;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            prop_oneof![
                Just("\n"),
                Just("\r\n"),
                Just("\r"),
                Just("😀"),
                Just("é"),
                Just("\u{2028}"),
                Just("a")
            ]
            .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn round_trips_on_any_unicode(text in any_text()) {
            let rope = Rope::from_str(&text);
            for (byte, c) in text.char_indices() {
                // Between the two halves of a line break there is no place that LSP can name.
                let inside_break = c == '\n' && text[..byte].ends_with('\r');
                for encoding in ALL {
                    if !inside_break {
                        assert_eq!(to_byte(&rope, to_position(&rope, byte, encoding), encoding), byte);
                    }
                }
            }
            for encoding in ALL {
                assert_eq!(to_byte(&rope, to_position(&rope, text.len(), encoding), encoding), text.len());
            }
        }

        #[test]
        fn any_position_is_a_character_boundary(text in any_text(), line in 0u32..50, character in 0u32..60) {
            let rope = Rope::from_str(&text);
            for encoding in ALL {
                assert!(text.is_char_boundary(to_byte(&rope, at(line, character), encoding)));
            }
            to_byte(&rope, at(u32::MAX, u32::MAX), Encoding::Utf16);
        }
    }

    #[test]
    fn half_a_surrogate_pair_snaps_to_the_character() {
        let rope = Rope::from_str("a😀b");
        assert_eq!(to_byte(&rope, at(0, 2), Encoding::Utf16), 1);
        assert_eq!(to_byte(&rope, at(0, 3), Encoding::Utf16), 5);
        assert_eq!(to_byte(&rope, at(0, 3), Encoding::Utf8), 1);
        assert_eq!(to_byte(&rope, at(0, 2), Encoding::Utf32), 5);
    }

    #[test]
    fn spans_snap_outwards() {
        let rope = Rope::from_str("a😀b");
        let range = to_range(&rope, 2..3, Encoding::Utf16);
        assert_eq!((range.start, range.end), (at(0, 1), at(0, 3)));
    }

    #[test]
    fn only_lsp_line_breaks_end_a_line() {
        let rope = Rope::from_str("a\u{2028}b\u{b}c\rd\r\ne");
        assert_eq!(rope.len_lines(), 3);
        assert_eq!(to_byte(&rope, at(1, 9), Encoding::Utf16), 9);
    }
}
