//! A tokenizer from GGUF metadata: byte-level BPE (`gpt2`) and SentencePiece-style BPE (`llama`).

use crate::{error::EngineError, tensor_file::gguf::GgufFile, tokenizer::Tokenizer};
use rayon::prelude::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::collections::HashMap;
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior,
    Tokenizer as Inner,
    decoders::{byte_fallback::ByteFallback, fuse::Fuse, sequence::Sequence as Decoders},
    models::bpe::{BPE, Merges},
    normalizers::{Prepend, Replace, Sequence as Normalizers},
    pre_tokenizers::{
        byte_level::ByteLevel,
        digits::Digits,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
};

/// Token types of `tokenizer.ggml.token_type`.
const UNKNOWN: f64 = 2.0;
const CONTROL: f64 = 3.0;
const USER_DEFINED: f64 = 4.0;

/// A longer piece is refused: the splits of a piece cost its length squared.
const MAX_PIECE_BYTES: usize = 1024;

/// Patterns by `tokenizer.ggml.pre`. *Source*: llama.cpp's table of pre-tokenizers.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

pub(super) fn build(file: &GgufFile) -> Result<Tokenizer, EngineError> {
    let path = file.file_path();
    let malformed = |field: &str, problem: String| EngineError::malformed(path, field, problem);
    let tokens = file.texts("tokenizer.ggml.tokens").ok_or_else(|| {
        malformed("tokenizer.ggml.tokens", "is missing; a list of pieces was expected".to_owned())
    })?;
    if let Some(id) = tokens.iter().position(|piece| piece.len() > MAX_PIECE_BYTES) {
        let n = tokens[id].len();
        let problem = format!("token {id} is {n} bytes long; at most {MAX_PIECE_BYTES} make sense");
        return Err(malformed("tokenizer.ggml.tokens", problem));
    }
    let types = file.numbers("tokenizer.ggml.token_type").unwrap_or_default();
    if !types.is_empty() && types.len() != tokens.len() {
        let problem = format!("has {} entries for {} tokens", types.len(), tokens.len());
        return Err(malformed("tokenizer.ggml.token_type", problem));
    }
    let kind = file.text("tokenizer.ggml.model").unwrap_or_default();
    let (mut inner, adds_bos_by_default) = match kind {
        "gpt2" => (byte_level(file, tokens)?, false),
        "llama" => (sentence_piece(file, tokens, types)?, true),
        other => {
            let problem = format!("`{other}` is not supported; supported: gpt2, llama");
            return Err(malformed("tokenizer.ggml.model", problem));
        }
    };
    let added = |kind: f64| {
        tokens.iter().zip(types).filter(move |(_, t)| **t == kind).map(|(piece, _)| piece)
    };
    let special = |piece: &String| AddedToken::from(piece.clone(), true).normalized(false);
    let specials: Vec<AddedToken> = added(CONTROL).chain(added(UNKNOWN)).map(special).collect();
    inner.add_special_tokens(&specials);
    // Runs of spaces are spelled `▁▁` and are reached by merges; the others stand for themselves.
    let own: Vec<AddedToken> = added(USER_DEFINED)
        .filter(|piece| !piece.contains('▁'))
        .map(|piece| AddedToken::from(piece.clone(), false).normalized(false))
        .collect();
    inner.add_tokens(&own);

    let id_of = |key: &str| -> Result<Option<u32>, EngineError> {
        match file.number(key) {
            None => Ok(None),
            Some(id) if id >= 0.0 && id < tokens.len() as f64 => Ok(Some(id as u32)),
            Some(id) => Err(malformed(key, format!("{id} is not one of {} tokens", tokens.len()))),
        }
    };
    let bos = id_of("tokenizer.ggml.bos_token_id")?;
    let eos = id_of("tokenizer.ggml.eos_token_id")?;
    let adds_bos = file.flag("tokenizer.ggml.add_bos_token").unwrap_or(adds_bos_by_default);
    let prefix = bos.filter(|_| adds_bos).into_iter().collect();
    let mut eos_ids: Vec<u32> = eos.into_iter().collect();
    eos_ids.extend(id_of("tokenizer.ggml.eot_token_id")?);
    let mut tokenizer = Tokenizer::new(inner, path.to_owned(), prefix, eos_ids)?;
    let text = |id: Option<u32>| id.map_or_else(String::new, |id| tokens[id as usize].clone());
    tokenizer.bos_text = text(bos);
    tokenizer.eos_text = text(eos);
    tokenizer.chat_template = file.text("tokenizer.chat_template").map(str::to_owned);
    Ok(tokenizer)
}

fn vocabulary(tokens: &[String]) -> impl Iterator<Item = (String, u32)> {
    tokens.iter().enumerate().map(|(id, piece)| (piece.clone(), id as u32))
}

fn byte_level(file: &GgufFile, tokens: &[String]) -> Result<Inner, EngineError> {
    let path = file.file_path();
    let broken = |field: &str, e: String| EngineError::malformed(path, field, e);
    let merges = file
        .texts("tokenizer.ggml.merges")
        .ok_or_else(|| {
            broken("tokenizer.ggml.merges", "is missing; a list of pairs was expected".to_owned())
        })?
        .iter()
        .map(|merge| {
            // A piece may start with a space's stand-in, never with a space, so the first space inside is the divider.
            merge.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or_else(|| {
                broken("tokenizer.ggml.merges", format!("`{merge}` is not two pieces"))
            })
        })
        .collect::<Result<Merges, _>>()?;
    let pre = file.text("tokenizer.ggml.pre").unwrap_or("default");
    let (pattern, single_digits) = match pre {
        "smollm" => (GPT2, true),
        "default" | "gpt-2" => (GPT2, false),
        "llama-bpe" | "llama3" | "smaug-bpe" => (LLAMA3, false),
        "qwen2" | "deepseek-r1-qwen" => (QWEN2, false),
        other => {
            let problem = format!(
                "pre-tokenizer `{other}` is not supported; supported: smollm, gpt-2, default, llama-bpe, qwen2"
            );
            return Err(broken("tokenizer.ggml.pre", problem));
        }
    };
    let model = BPE::builder()
        .vocab_and_merges(vocabulary(tokens).collect::<ahash::AHashMap<_, _>>(), merges)
        .ignore_merges(pattern == LLAMA3)
        .build()
        .map_err(|e| broken("tokenizer.ggml.merges", e.to_string()))?;
    let mut inner = Inner::new(model);
    let split = Split::new(
        SplitPattern::Regex(pattern.to_owned()),
        SplitDelimiterBehavior::Isolated,
        false,
    )
    .map_err(|e| broken("tokenizer.ggml.pre", e.to_string()))?;
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    if single_digits {
        steps.push(Digits::new(true).into());
    }
    steps.push(split.into());
    steps.push(ByteLevel::new(false, false, false).into());
    inner.with_pre_tokenizer(Some(Sequence::new(steps)));
    inner.with_decoder(Some(ByteLevel::new(false, false, false)));
    Ok(inner)
}

fn sentence_piece(file: &GgufFile, tokens: &[String], types: &[f64]) -> Result<Inner, EngineError> {
    let path = file.file_path();
    let broken = |field: &str, e: String| EngineError::malformed(path, field, e);
    let scores = file
        .numbers("tokenizer.ggml.scores")
        .filter(|scores| scores.len() == tokens.len())
        .ok_or_else(|| {
            broken(
                "tokenizer.ggml.scores",
                format!("needs one score for each of {} tokens", tokens.len()),
            )
        })?;
    let unknown =
        file.number("tokenizer.ggml.unknown_token_id").and_then(|id| tokens.get(id as usize));
    let mut builder = BPE::builder()
        .vocab_and_merges(
            vocabulary(tokens).collect::<ahash::AHashMap<_, _>>(),
            merges_by_score(tokens, scores, types),
        )
        .fuse_unk(true)
        .byte_fallback(true);
    if let Some(unknown) = unknown {
        builder = builder.unk_token(unknown.clone());
    }
    let model = builder.build().map_err(|e| broken("tokenizer.ggml.scores", e.to_string()))?;
    let mut inner = Inner::new(model);
    let spaces =
        Replace::new(" ", "▁").map_err(|e| broken("tokenizer.ggml.model", e.to_string()))?;
    let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
    if file.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true) {
        normalizers.push(Prepend::new("▁".to_owned()).into());
    }
    normalizers.push(spaces.into());
    inner.with_normalizer(Some(Normalizers::new(normalizers)));
    // Merges never cross from text into the next run of spaces, so cutting there changes nothing and keeps long texts fast.
    let runs = Split::new(
        SplitPattern::Regex("(?<=[^▁])(?=▁)".to_owned()),
        SplitDelimiterBehavior::Isolated,
        false,
    );
    if let (Ok(runs), true) = (runs, spaces_only_lead(tokens)) {
        inner.with_pre_tokenizer(Some(runs));
    }
    let spaces =
        Replace::new("▁", " ").map_err(|e| broken("tokenizer.ggml.model", e.to_string()))?;
    let decoders: Vec<DecoderWrapper> =
        vec![spaces.into(), ByteFallback::new().into(), Fuse::new().into()];
    inner.with_decoder(Some(Decoders::new(decoders)));
    Ok(inner)
}

/// Whether no piece has a space's stand-in after another character.
fn spaces_only_lead(tokens: &[String]) -> bool {
    tokens.iter().all(|piece| !piece.trim_start_matches('▁').contains('▁'))
}

/// Merges that a vocabulary with scores implies: every split of a piece into two pieces, best scores first. No merge makes a
/// control token: text is never one.
///
/// *Source*: the conversion of SentencePiece models to BPE in transformers.
fn merges_by_score(tokens: &[String], scores: &[f64], types: &[f64]) -> Merges {
    let ids: HashMap<&str, usize> =
        tokens.iter().enumerate().map(|(id, piece)| (piece.as_str(), id)).collect();
    let mut merges: Vec<(f64, usize, usize, &str, &str)> = tokens
        .par_iter()
        .enumerate()
        .filter(|(id, _)| !types.get(*id).is_some_and(|kind| [UNKNOWN, CONTROL].contains(kind)))
        .flat_map_iter(|(id, piece)| {
            let mut local: Vec<(usize, usize, &str, &str)> = piece
                .char_indices()
                .skip(1)
                .filter_map(|(at, _)| {
                    let (left, right) = piece.split_at(at);
                    Some((*ids.get(left)?, *ids.get(right)?, left, right))
                })
                .collect();
            local.sort_unstable();
            let score = scores[id];
            local.into_iter().map(move |(_, _, left, right)| {
                (score, left.chars().count(), right.chars().count(), left, right)
            })
        })
        .collect();
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2)));
    merges.into_iter().map(|(_, _, _, left, right)| (left.to_owned(), right.to_owned())).collect()
}
