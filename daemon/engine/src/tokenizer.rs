//! Text to tokens with their exact bytes, and back. Built from a folder's tokenizer.json or from GGUF metadata; what is
//! added in front (BOS) is read from the model's files, never guessed.

mod from_folder;
mod from_gguf;
mod parts;
mod piece_bytes;

pub use parts::TextPart;

use crate::{error::EngineError, tensor_file::gguf::GgufFile};
use piece_bytes::PieceBytes;
use std::{
    collections::HashSet,
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tokenizers::Tokenizer as Inner;

/// Text beyond this is refused: no model here reads as much.
pub const MAX_TEXT_BYTES: usize = 16 << 20;
/// Of a longer text the start is counted first: where that is too long for a model, the rest need not be.
const COUNTED_BYTES: usize = 1 << 20;

/// One token of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The bytes of the source it stands for; none for a token that was added.
    pub span: Option<Range<usize>>,
}

/// Whether special tokens that are spelled out in a text are taken as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Specials {
    /// `<|im_end|>` in the text is the token of that name, and the model's BOS is put in front where its files say so.
    Parse,
    /// Every character is text: what somebody else wrote.
    Plain,
}

/// A model's tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    parsing: Inner,
    plain: Inner,
    /// As `plain`, where text that does not stand first is cut otherwise.
    inside: OnceLock<Option<Inner>>,
    pieces: PieceBytes,
    special_ids: HashSet<u32>,
    prefix: Vec<u32>,
    eos: Vec<u32>,
    path: PathBuf,
    /// The model's chat template, if its files have one.
    pub chat_template: Option<String>,
    /// Text of the BOS token, for chat templates.
    pub bos_text: String,
    /// Text of the EOS token, for chat templates.
    pub eos_text: String,
}

impl Tokenizer {
    /// From a folder's tokenizer.json, and tokenizer_config.json where there is one.
    ///
    /// # Errors
    /// A file is malformed.
    pub fn from_folder(folder: &Path) -> Result<Self, EngineError> {
        from_folder::build(folder)
    }

    /// From a GGUF file's metadata.
    ///
    /// # Errors
    /// The metadata lacks a key, contradicts itself, or asks for a tokenizer kind that is not supported.
    pub fn from_gguf(file: &GgufFile) -> Result<Self, EngineError> {
        from_gguf::build(file)
    }

    fn new(
        inner: Inner,
        path: PathBuf,
        prefix: Vec<u32>,
        eos: Vec<u32>,
    ) -> Result<Self, EngineError> {
        let pieces = PieceBytes::of(&inner, &path)?;
        let special_ids = inner
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(_, token)| token.special)
            .map(|(id, _)| id)
            .collect();
        let mut plain = inner.clone();
        plain.set_encode_special_tokens(true);
        Ok(Self {
            parsing: inner,
            plain,
            inside: OnceLock::new(),
            pieces,
            special_ids,
            prefix,
            eos,
            path,
            chat_template: None,
            bos_text: String::new(),
            eos_text: String::new(),
        })
    }

    /// Tokens of a text; their spans tile it. With [`Specials::Parse`] the model's BOS stands in front, without a span,
    /// unless the text spells it itself.
    ///
    /// # Errors
    /// The text is longer than 16 MiB; the tokenizer refuses it.
    pub fn encode(&self, text: &str, specials: Specials) -> Result<Vec<Token>, EngineError> {
        refuse_if_long(text)?;
        let inner = if specials == Specials::Parse { &self.parsing } else { &self.plain };
        let raw = self.raw(inner, text)?;
        let spells_prefix = raw.iter().map(|(id, _)| id).take(self.prefix.len()).eq(&self.prefix);
        let mut tokens = Vec::with_capacity(raw.len() + self.prefix.len());
        if specials == Specials::Parse && !spells_prefix {
            tokens.extend(self.prefix.iter().map(|&id| Token { id, span: None }));
        }
        tokens.extend(raw.into_iter().map(|(id, span)| Token { id, span: Some(span) }));
        Ok(tokens)
    }

    /// Tokens of a text that stands behind others: as it is tokenised together with them where that leaves them as they are, else
    /// as it is by itself. Special tokens are not recognised in it.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_behind(&self, before: &[u32], text: &str) -> Result<Vec<u32>, EngineError> {
        let ids = |parts: &[TextPart<'_>]| -> Result<Vec<u32>, EngineError> {
            Ok(self.encode_parts(parts)?.iter().map(|token| token.id).collect())
        };
        let own = TextPart { text, source: Some(0) };
        let prompt = self.decode(before);
        let mut joint = ids(&[TextPart { text: &prompt, source: None }, own])?;
        if joint.len() > before.len() && joint.starts_with(before) {
            return Ok(joint.split_off(before.len()));
        }
        ids(&[own])
    }

    /// Tokens of a text that a model with a window of `n_ctx` is to read: a text that is far too long is not tokenised whole.
    ///
    /// # Errors
    /// As [`Self::encode`]; more than `n_ctx` tokens.
    pub fn encode_within(
        &self,
        text: &str,
        specials: Specials,
        n_ctx: usize,
    ) -> Result<Vec<Token>, EngineError> {
        self.refuse_far_too_long(text, n_ctx)?;
        let tokens = self.encode(text, specials)?;
        refuse_if_many(tokens.len(), n_ctx, true)?;
        Ok(tokens)
    }

    /// Refuses a text whose start alone is too long for a window of `n_ctx`; a shorter one is not looked at.
    ///
    /// # Errors
    /// [`EngineError::ContextWindow`], or the text is longer than 16 MiB.
    pub fn refuse_far_too_long(&self, text: &str, n_ctx: usize) -> Result<(), EngineError> {
        refuse_if_long(text)?;
        if text.len() <= COUNTED_BYTES {
            return Ok(());
        }
        let start = &text[..text.floor_char_boundary(COUNTED_BYTES)];
        refuse_if_many(self.encode(start, Specials::Plain)?.len(), n_ctx, false)
    }

    /// Ids with spans that tile the text.
    fn raw(&self, inner: &Inner, text: &str) -> Result<Vec<(u32, Range<usize>)>, EngineError> {
        let encoding = inner
            .encode(text, false)
            .map_err(|e| EngineError::BadRequest(format!("the tokenizer refused the text: {e}")))?;
        let ids = encoding.get_ids();
        let spans = self
            .exact_spans(text, ids)
            .unwrap_or_else(|| Self::tiled(text, encoding.get_offsets()));
        Ok(ids.iter().copied().zip(spans).collect())
    }

    /// Spans by the tokens' own bytes, where these spell the text: exact inside characters too. A space that the tokenizer
    /// put in front of the text, or of what follows a special token, is nobody's.
    fn exact_spans(&self, text: &str, ids: &[u32]) -> Option<Vec<Range<usize>>> {
        let dropping = |first: bool, after_special: bool| {
            let mut at = 0;
            let mut spans = Vec::with_capacity(ids.len());
            let mut drops_space = first;
            for &id in ids {
                let bytes = self.pieces.get(id)?;
                let own = bytes.strip_prefix(b" ").filter(|_| drops_space).unwrap_or(bytes);
                let end = at + self.pieces.spelled_bytes(own, &text.as_bytes()[at..])?;
                spans.push(at..end);
                at = end;
                drops_space = after_special && self.special_ids.contains(&id);
            }
            (at == text.len()).then_some(spans)
        };
        dropping(false, false).or_else(|| dropping(true, true)).or_else(|| dropping(true, false))
    }

    /// The tokenizer's own offsets, made to tile the text: of tokens that share a character the last one has it.
    fn tiled(text: &str, offsets: &[(usize, usize)]) -> Vec<Range<usize>> {
        let mut at = 0;
        let next = offsets.iter().skip(1).map(|&(start, _)| start).chain([text.len()]);
        let ends = next.map(|end| {
            let start = at;
            at = end.clamp(start, text.len());
            start..at
        });
        ends.collect()
    }

    /// The tokens' text; parts of characters become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.token_bytes(id).to_vec()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The exact bytes that a token stands for; a special token's are its name. Empty for an id that does not exist.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.pieces.get(id).unwrap_or_default()
    }

    /// Ids from 0 on.
    pub fn n_vocab(&self) -> usize {
        self.pieces.len()
    }

    /// Whether a token is a special one (BOS, end of turn and the like).
    pub fn is_special(&self, id: u32) -> bool {
        self.special_ids.contains(&id)
    }

    /// Names of the special tokens, in the order of their ids.
    pub fn special_names(&self) -> Vec<String> {
        let mut ids: Vec<u32> = self.special_ids.iter().copied().collect();
        ids.sort_unstable();
        ids.into_iter().map(|id| self.decode(&[id])).collect()
    }

    /// Tokens that end an answer.
    pub fn eos(&self) -> &[u32] {
        &self.eos
    }

    /// The file it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The one token that a text is.
    ///
    /// # Errors
    /// It is several tokens, or none: the message lists them, and says so where ` text` with a space is one.
    pub fn single(&self, text: &str) -> Result<u32, EngineError> {
        let ids = |text: &str| -> Result<Vec<u32>, EngineError> {
            let tokens = self.encode(text, Specials::Parse)?;
            Ok(tokens
                .into_iter()
                .filter(|token| token.span.is_some())
                .map(|token| token.id)
                .collect())
        };
        let own = ids(text)?;
        if let [id] = own[..] {
            return Ok(id);
        }
        let listed: Vec<String> =
            own.iter().map(|&id| format!("{:?}", self.decode(&[id]))).collect();
        let spaced = format!(" {text}");
        let hint = if ids(&spaced)?.len() == 1 {
            format!("; {spaced:?} with a space in front is one token")
        } else {
            String::new()
        };
        Err(EngineError::BadRequest(if own.is_empty() {
            format!("{text:?} is no token{hint}")
        } else {
            format!("{text:?} is {} tokens: {}{hint}", own.len(), listed.join(" "))
        }))
    }
}

fn refuse_if_long(text: &str) -> Result<(), EngineError> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    let n = text.len();
    Err(EngineError::BadRequest(format!(
        "the text is {n} bytes; at most {MAX_TEXT_BYTES} are read; choose a part of it"
    )))
}

fn refuse_if_many(n_tokens: usize, n_ctx: usize, is_whole: bool) -> Result<(), EngineError> {
    if n_tokens <= n_ctx {
        return Ok(());
    }
    Err(EngineError::ContextWindow { n_tokens, n_ctx, is_whole })
}
