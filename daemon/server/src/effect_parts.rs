//! A prompt's parts as they are measured: what lies inside what, from messages down to tokens. Measuring asks for the coarse ones
//! first and looks into those that matter.

use crate::parts::{Outline, TokenScores, roll_up, segments};
use limpid_protocol::{
    display,
    effect::EffectPart,
    inspection::TokenRow,
    part_row::{PartBy, PartKind, TokenSpan},
};

/// From coarse to fine; tokens come last.
const LEVELS: [PartBy; 5] =
    [PartBy::Message, PartBy::Example, PartBy::Paragraph, PartBy::Line, PartBy::Sentence];

/// A part, and the place in the list of the one around it.
#[derive(Clone, Debug, PartialEq)]
pub struct PartNode {
    /// The part.
    pub part: EffectPart,
    /// The part around it, earlier in the list.
    pub parent: Option<usize>,
}

/// A prompt's text with what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct PartedText<'a> {
    /// The text.
    pub text: &'a str,
    /// Its messages and examples.
    pub outline: &'a Outline,
    /// Its tokens.
    pub tokens: &'a [TokenRow],
    /// Position whose prediction is explained: what it and later tokens are is no part of it.
    pub target: usize,
}

impl PartedText<'_> {
    /// The parts of one cut that can be hidden from the target: as far as they lie before it.
    pub fn parts(&self, by: PartBy) -> Vec<EffectPart> {
        let none = TokenScores { flows: &[], attributions: &[] };
        let cut = segments(self.text, self.outline, by);
        let rows = roll_up(self.text, &cut, self.tokens, none).into_iter();
        rows.filter(|row| row.kind != PartKind::Template)
            .filter_map(|row| {
                let end = row.tokens.end.min(self.target);
                (row.tokens.start < end).then_some(EffectPart {
                    kind: Some(row.kind),
                    name: row.name,
                    text: row.text,
                    tokens: TokenSpan { start: row.tokens.start, end },
                    depth: 0,
                })
            })
            .collect()
    }

    /// A token as a part.
    pub fn token(&self, index: usize) -> Option<EffectPart> {
        let token = self.tokens.get(index)?;
        Some(EffectPart {
            kind: None,
            name: None,
            text: display::token(&token.text),
            tokens: TokenSpan { start: index, end: index + 1 },
            depth: 0,
        })
    }

    /// All parts of all cuts, each behind the one around it; parts that hide everything, or the same as one around them, are left
    /// out, and tokens that stand nowhere in the text.
    pub fn tree(&self) -> Vec<PartNode> {
        let mut nodes: Vec<PartNode> = Vec::new();
        let written: Vec<usize> = (0..self.target.min(self.tokens.len()))
            .filter(|&at| self.tokens[at].start.is_some())
            .collect();
        let tokens = written.iter().filter_map(|&at| self.token(at));
        let levels = LEVELS.into_iter().flat_map(|by| self.parts(by)).chain(tokens);
        for part in levels {
            let inside = |node: &PartNode| {
                let around = &node.part.tokens;
                around.start <= part.tokens.start && part.tokens.end <= around.end
            };
            let parent = nodes.iter().rposition(inside);
            let is_same = parent.is_some_and(|at| nodes[at].part.tokens == part.tokens);
            let hides_all = written.first().is_some_and(|&first| part.tokens.start <= first)
                && written.last().is_some_and(|&last| part.tokens.end > last)
                && written.len() > 1;
            if is_same || hides_all {
                continue;
            }
            let depth = parent.map_or(0, |at| nodes[at].part.depth + 1);
            nodes.push(PartNode { part: EffectPart { depth, ..part }, parent });
        }
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<TokenRow> {
        let mut at = 0;
        let row = |(index, word): (usize, &str)| {
            let start = at;
            at += word.len();
            TokenRow {
                index,
                id: 0,
                text: word.to_owned(),
                start: Some(start),
                end: Some(at),
                logprob: None,
                rank: None,
            }
        };
        text.split_inclusive([' ', '\n']).enumerate().map(row).collect()
    }

    #[test]
    fn parts_nest_and_end_before_the_target() {
        let text = "One two.\nThree four. Five six.\nSeven eight";
        let (tokens, outline) = (words(text), Outline::default());
        let parted = PartedText { text, outline: &outline, tokens: &tokens, target: 7 };
        let tree = parted.tree();
        let shown: Vec<String> = tree
            .iter()
            .map(|node| {
                let EffectPart { tokens, depth, .. } = &node.part;
                format!("{}{}:{}", "·".repeat(*depth), tokens.start, tokens.end)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "0:2", "2:6", "6:7", "·2:4", "·4:6", "·0:1", "·1:2", "··2:3", "··3:4", "··4:5",
                "··5:6"
            ]
        );
        let six = tree.iter().position(|node| node.part.tokens.start == 5).unwrap();
        assert_eq!(tree[tree[six].parent.unwrap()].part.tokens, TokenSpan { start: 4, end: 6 });
    }

    #[test]
    fn a_line_alone_is_its_tokens() {
        let text = "one two three";
        let (tokens, outline) = (words(text), Outline::default());
        let parted = PartedText { text, outline: &outline, tokens: &tokens, target: 2 };
        let tree = parted.tree();
        assert!(tree.iter().all(|node| node.parent.is_none() && node.part.kind.is_none()));
        assert_eq!(tree.len(), 2);
    }
}
