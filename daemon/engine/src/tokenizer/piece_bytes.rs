//! The bytes that each piece of a vocabulary stands for: the byte-level alphabet, `▁` and `<0xNN>` undone.

use crate::error::EngineError;
use std::{collections::HashMap, path::Path};
use tokenizers::{DecoderWrapper, Tokenizer};

/// Ids beyond this are refused.
const MAX_VOCAB: usize = 1 << 22;

/// Bytes of every piece, one after the other.
#[derive(Debug)]
pub(super) struct PieceBytes {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    spelling: Spelling,
}

/// How pieces spell bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// Every byte has a printable character of its own (GPT-2).
    ByteLevel,
    /// `▁` is a space, `<0xNN>` a byte (SentencePiece).
    Underscore,
    /// As written.
    Verbatim,
}

impl PieceBytes {
    /// Reads a tokenizer's vocabulary.
    pub(super) fn of(tokenizer: &Tokenizer, path: &Path) -> Result<Self, EngineError> {
        let spelling = match tokenizer.get_decoder() {
            Some(DecoderWrapper::ByteLevel(_)) => Spelling::ByteLevel,
            Some(DecoderWrapper::Sequence(sequence)) => {
                let is_byte_level = |d: &DecoderWrapper| matches!(d, DecoderWrapper::ByteLevel(_));
                if sequence.get_decoders().iter().any(is_byte_level) {
                    Spelling::ByteLevel
                } else {
                    Spelling::Underscore
                }
            }
            Some(DecoderWrapper::Metaspace(_)) => Spelling::Underscore,
            _ => Spelling::Verbatim,
        };
        let vocab = tokenizer.get_vocab(true);
        let n = vocab.values().max().map_or(0, |&id| id as usize + 1);
        if n > MAX_VOCAB {
            return Err(EngineError::malformed(
                path,
                "vocab",
                format!("has id {}; at most {MAX_VOCAB} make sense", n - 1),
            ));
        }
        let mut pieces = vec![String::new(); n];
        #[expect(clippy::iter_over_hash_type, reason = "every id is written once, in any order")]
        for (piece, id) in vocab {
            pieces[id as usize] = piece;
        }
        let added = tokenizer.get_added_tokens_decoder();
        let alphabet = byte_level_alphabet();
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(n));
        for (id, piece) in pieces.iter().enumerate() {
            let is_added = added.contains_key(&(id as u32));
            match spelling {
                _ if is_added => bytes.extend_from_slice(piece.as_bytes()),
                Spelling::Verbatim => bytes.extend_from_slice(piece.as_bytes()),
                Spelling::ByteLevel => {
                    for c in piece.chars() {
                        match alphabet.get(&c) {
                            Some(&byte) => bytes.push(byte),
                            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                        }
                    }
                }
                Spelling::Underscore => match byte_piece(piece) {
                    Some(byte) => bytes.push(byte),
                    None => bytes.extend_from_slice(piece.replace('▁', " ").as_bytes()),
                },
            }
            ends.push(bytes.len());
        }
        Ok(Self { bytes, ends, spelling })
    }

    /// The bytes of a piece.
    pub(super) fn get(&self, id: u32) -> Option<&[u8]> {
        let id = id as usize;
        let end = *self.ends.get(id)?;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        Some(&self.bytes[start..end])
    }

    /// How many bytes at the start of `text` a piece with these bytes spells, if it does. Where `▁` is a space, a `▁` that
    /// was in the text is read as one too.
    pub(super) fn spelled_bytes(&self, piece: &[u8], text: &[u8]) -> Option<usize> {
        if text.starts_with(piece) {
            return Some(piece.len());
        }
        if self.spelling != Spelling::Underscore {
            return None;
        }
        let mut at = 0;
        for &byte in piece {
            let rest = text.get(at..)?;
            at += match rest.first() {
                Some(first) if *first == byte => 1,
                _ if byte == b' ' && rest.starts_with("▁".as_bytes()) => "▁".len(),
                _ => return None,
            };
        }
        Some(at)
    }

    /// Ids from 0 on.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// The byte of a piece `<0xNN>`.
fn byte_piece(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    if hex.len() == 2 { u8::from_str_radix(hex, 16).ok() } else { None }
}

/// GPT-2's table: printable bytes stand for themselves, the others for characters from U+0100 on.
fn byte_level_alphabet() -> HashMap<char, u8> {
    let is_printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100u32;
    (0..=255u8)
        .filter_map(|byte| {
            let code = if is_printable(byte) {
                u32::from(byte)
            } else {
                next += 1;
                next - 1
            };
            char::from_u32(code).map(|c| (c, byte))
        })
        .collect()
}
