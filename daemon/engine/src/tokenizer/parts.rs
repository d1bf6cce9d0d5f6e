//! Tokens of a text that was put together from a template's text and somebody else's: a chat. Special tokens are recognised in
//! the template's text only; ordinary text is tokenised across the seams, as the model was trained.

use crate::{
    error::EngineError,
    tokenizer::{Token, Tokenizer, refuse_if_long},
};
use std::ops::Range;
use tokenizers::{
    PreTokenizerWrapper, Tokenizer as Inner,
    pre_tokenizers::{
        metaspace::{Metaspace, PrependScheme},
        sequence::Sequence,
    },
};

/// A part of a rendered text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPart<'a> {
    /// Its text.
    pub text: &'a str,
    /// Where it starts in the source, in bytes; none for what the template wrote.
    pub source: Option<usize>,
}

/// A part with its place in the whole.
struct Placed {
    span: Range<usize>,
    source: Option<usize>,
}

impl Tokenizer {
    /// Tokens of the parts, in order, as one text. A token's span is what it covers of the source: none for the template's own,
    /// the covered part for a token across a seam, the longest piece where it covers several.
    ///
    /// Where no part of the source spells a special token, the ids are those of the whole text. Nothing is put in front: a chat
    /// template writes the BOS itself.
    ///
    /// # Errors
    /// The text is longer than 16 MiB; the tokenizer refuses it.
    pub fn encode_parts(&self, parts: &[TextPart<'_>]) -> Result<Vec<Token>, EngineError> {
        let text: String = parts.iter().map(|part| part.text).collect();
        refuse_if_long(&text)?;
        let mut at = 0;
        let placed: Vec<Placed> = parts
            .iter()
            .filter(|part| !part.text.is_empty())
            .map(|part| {
                let start = at;
                at += part.text.len();
                Placed { span: start..at, source: part.source }
            })
            .collect();
        let mut tokens = self.raw(&self.parsing, &text)?;
        let touches_source = |span: &Range<usize>| {
            placed.iter().any(|part| {
                part.source.is_some() && part.span.start < span.end && span.start < part.span.end
            })
        };
        if tokens.iter().any(|(id, span)| self.is_special(*id) && touches_source(span)) {
            tokens = self.apart(&text, &placed)?;
        }
        let sourced = |(id, span)| Token { id, span: covered(&placed, &span) };
        Ok(tokens.into_iter().map(sourced).collect())
    }

    /// The same with a source that spells special tokens: the template's are cut out first, what lies between is plain.
    fn apart(
        &self,
        text: &str,
        placed: &[Placed],
    ) -> Result<Vec<(u32, Range<usize>)>, EngineError> {
        let mut specials = Vec::new();
        for run in placed.chunk_by(|a, b| a.source.is_none() && b.source.is_none()) {
            let [Placed { span: Range { start, .. }, source: None }, ..] = run else { continue };
            let end = run.last().map_or(*start, |part| part.span.end);
            let own = self.raw(&self.parsing, &text[*start..end])?;
            let own = own.into_iter().filter(|(id, _)| self.is_special(*id));
            specials.extend(own.map(|(id, span)| (id, span.start + start..span.end + start)));
        }
        let mut tokens = Vec::new();
        let mut at = 0;
        let end = (None, text.len()..text.len());
        let cuts = specials.into_iter().map(|(id, span)| (Some(id), span)).chain([end]);
        for (id, span) in cuts {
            if at < span.start {
                let inner = if at == 0 { &self.plain } else { self.inside() };
                let between = self.raw(inner, &text[at..span.start])?;
                tokens.extend(between.into_iter().map(|(id, s)| (id, s.start + at..s.end + at)));
            }
            at = span.end;
            tokens.extend(id.map(|id| (id, span)));
        }
        Ok(tokens)
    }

    /// As `plain`, for text that does not stand first: some tokenizers put a space before the first word only.
    fn inside(&self) -> &Inner {
        let inside = self.inside.get_or_init(|| {
            let pre_tokenizer = self.plain.get_pre_tokenizer()?;
            let changed = without_first_space(pre_tokenizer)?;
            let mut inside = self.plain.clone();
            inside.with_pre_tokenizer(Some(changed));
            Some(inside)
        });
        inside.as_ref().unwrap_or(&self.plain)
    }
}

/// The pre-tokenizer without its space before the first word; none where it puts none there.
fn without_first_space(pre_tokenizer: &PreTokenizerWrapper) -> Option<PreTokenizerWrapper> {
    match pre_tokenizer {
        PreTokenizerWrapper::Metaspace(own) if own.get_prepend_scheme() == PrependScheme::First => {
            let (character, split) = (own.get_replacement(), own.get_split());
            Some(Metaspace::new(character, PrependScheme::Never, split).into())
        }
        PreTokenizerWrapper::Sequence(sequence) => {
            let steps: &[PreTokenizerWrapper] = sequence.as_ref();
            let changed: Vec<_> = steps.iter().map(without_first_space).collect();
            changed.iter().any(Option::is_some).then(|| {
                let steps = changed.into_iter().zip(steps);
                let steps = steps.map(|(new, old)| new.unwrap_or_else(|| old.clone()));
                Sequence::new(steps.collect()).into()
            })
        }
        _ => None,
    }
}

/// What a span of the whole covers of the source: its longest piece in one part.
fn covered(placed: &[Placed], span: &Range<usize>) -> Option<Range<usize>> {
    let first = placed.partition_point(|part| part.span.end < span.start);
    let mut best: Option<Range<usize>> = None;
    for part in placed[first..].iter().take_while(|part| part.span.start <= span.end) {
        let Some(source) = part.source else { continue };
        let (start, end) = (span.start.max(part.span.start), span.end.min(part.span.end));
        // A token without bytes, such as the first byte of a character that several share, belongs where it lies.
        let touches = start < end || (span.is_empty() && part.span.contains(&start));
        if touches && best.as_ref().is_none_or(|best| best.len() < end - start) {
            best = Some(start - part.span.start + source..end - part.span.start + source);
        }
    }
    best
}
