//! `--answer`, `--answer-range`, `--foil-answer`: tokens that are explained together, and another answer to measure them against.

use crate::{args::InspectArgs, prompt::Prepared};
use anyhow::{Result, anyhow, bail};
use limpid_engine::tokenizer::Token;
use std::ops::Range;

/// What is explained together, if anything.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Tokens of the prompt, the answer among them.
    pub range: Option<Range<usize>>,
    /// The prompt up to the answer, and the other answer behind it.
    pub foil: Option<Vec<u32>>,
}

impl Answer {
    /// Reads the flags; `--answer` is put behind the prompt.
    ///
    /// # Errors
    /// A range that is none; an answer without a character; the tokenizer refuses it.
    pub(crate) fn of(prepared: &mut Prepared, args: &InspectArgs) -> Result<Self> {
        let range = match (&args.answer, &args.answer_range) {
            (None, None) if args.foil_answer.is_some() => {
                bail!("--foil-answer needs an answer; give --answer or --answer-range")
            }
            (None, None) => return Ok(Self::default()),
            (Some(text), _) => {
                let n_prompt = prepared.tokens.len();
                let tokens = tokens_behind(prepared, &prepared.token_ids(), "--answer", text)?;
                prepared.tokens.extend(tokens.into_iter().map(|id| Token { id, span: None }));
                n_prompt..prepared.tokens.len()
            }
            (None, Some(range)) => parse_range(range)?,
        };
        let foil = match &args.foil_answer {
            Some(text) if range.start <= prepared.tokens.len() => {
                let mut ids = prepared.token_ids();
                ids.truncate(range.start);
                let tokens = tokens_behind(prepared, &ids, "--foil-answer", text)?;
                ids.extend(tokens);
                Some(ids)
            }
            _ => None,
        };
        Ok(Self { range: Some(range), foil })
    }
}

pub(crate) fn parse_range(text: &str) -> Result<Range<usize>> {
    let ends = text.split_once(':').map(|(start, end)| (start.trim().parse(), end.trim().parse()));
    match ends {
        Some((Ok(start), Ok(end))) => Ok(start..end),
        _ => Err(anyhow!(
            "--answer-range: `{text}` is no range of tokens; write the index of the first and one past the last, like 5:7"
        )),
    }
}

/// Tokens of an answer behind others.
fn tokens_behind(prepared: &Prepared, before: &[u32], flag: &str, text: &str) -> Result<Vec<u32>> {
    if text.is_empty() {
        bail!("{flag}: the answer is empty; write at least one character");
    }
    Ok(prepared.loaded.tokenizer()?.encode_behind(before, text)?)
}
