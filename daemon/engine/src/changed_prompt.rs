//! The tokens of a changed prompt, and where the unchanged prompt's positions went.

use crate::{
    error::EngineError,
    intervention::{Intervention, wrong},
};
use std::ops::Range;

/// Tokens after deletions and replacements.
#[derive(Clone, Debug)]
pub(crate) struct ChangedPrompt {
    /// The new tokens.
    pub(crate) token_ids: Vec<u32>,
    /// The first position whose token differs; the end where none does.
    pub(crate) first: usize,
    /// New position of each old token; none for one that is gone.
    moved: Vec<Option<usize>>,
    /// New tokens before each old position, insertions there included, and all of them at the end.
    before: Vec<usize>,
}

impl ChangedPrompt {
    /// Applies what changes tokens.
    ///
    /// # Errors
    /// Two changes touch the same token; every token is deleted.
    pub(crate) fn new(ids: &[u32], changes: &[Intervention]) -> Result<Self, EngineError> {
        let mut edits: Vec<(&Range<usize>, &[u32])> = changes
            .iter()
            .filter_map(|change| match change {
                Intervention::Delete { tokens } => Some((tokens, &[][..])),
                Intervention::Replace { tokens, with } => Some((tokens, with.as_slice())),
                _ => None,
            })
            .collect();
        edits.sort_by_key(|(tokens, _)| (tokens.start, tokens.end));
        for pair in edits.windows(2) {
            if let [(a, _), (b, _)] = pair
                && b.start < a.end
            {
                return wrong(format!(
                    "tokens {}:{} and {}:{} are both deleted or replaced and overlap; join them",
                    a.start, a.end, b.start, b.end
                ));
            }
        }
        let mut token_ids = Vec::with_capacity(ids.len());
        let mut moved = Vec::with_capacity(ids.len());
        let mut before = Vec::with_capacity(ids.len() + 1);
        let mut edits = edits.into_iter().peekable();
        let mut at = 0;
        while at <= ids.len() {
            // Insertions first: they stand before the token here.
            while let Some((_, with)) =
                edits.next_if(|(tokens, _)| tokens.start == at && tokens.is_empty())
            {
                token_ids.extend_from_slice(with);
            }
            if let Some((tokens, with)) = edits.next_if(|(tokens, _)| tokens.start == at) {
                let is_one_to_one = with.len() == tokens.len();
                for index in 0..tokens.len() {
                    before.push(token_ids.len() + index.min(with.len()));
                    moved.push(is_one_to_one.then_some(token_ids.len() + index));
                }
                token_ids.extend_from_slice(with);
                at = tokens.end;
                continue;
            }
            before.push(token_ids.len());
            if let Some(&id) = ids.get(at) {
                moved.push(Some(token_ids.len()));
                token_ids.push(id);
            }
            at += 1;
        }
        if token_ids.is_empty() {
            return wrong("every token is deleted; leave at least one".to_owned());
        }
        let first = token_ids.iter().zip(ids).take_while(|(new, old)| new == old).count();
        Ok(Self { token_ids, first, moved, before })
    }

    /// Whether positions are what they were.
    pub(crate) fn keeps_positions(&self) -> bool {
        self.moved.iter().enumerate().all(|(old, new)| *new == Some(old))
            && self.moved.len() == self.token_ids.len()
    }

    /// Where a token went.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn position(&self, old: usize) -> Result<usize, EngineError> {
        match self.moved.get(old).copied().flatten() {
            Some(new) => Ok(new),
            None => wrong(format!(
                "position {old} is deleted or replaced by the same set of interventions; name one that stays"
            )),
        }
    }

    /// Where tokens went.
    ///
    /// # Errors
    /// They are gone.
    pub(crate) fn span(&self, old: &Range<usize>) -> Result<Range<usize>, EngineError> {
        let mut kept = old.clone().filter_map(|at| self.moved.get(at).copied().flatten());
        let Some(start) = kept.next() else { return self.position(old.start).map(|at| at..at + 1) };
        Ok(start..kept.next_back().unwrap_or(start) + 1)
    }

    /// The position that predicts what `old` predicted: its token's, or that of the one before where the token is gone.
    ///
    /// # Errors
    /// There is none before it.
    pub(crate) fn target(&self, old: usize) -> Result<usize, EngineError> {
        match self.before.get(old + 1) {
            Some(&before @ 1..) => Ok(before - 1),
            _ => wrong(format!(
                "no token is left at or before the target position {old}; leave at least one"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[Intervention]) -> Result<ChangedPrompt, EngineError> {
        ChangedPrompt::new(&[10, 11, 12, 13], changes)
    }

    fn replace(tokens: Range<usize>, with: &[u32]) -> Intervention {
        Intervention::Replace { tokens, with: with.to_vec() }
    }

    #[test]
    fn positions_close_up_and_targets_move_with_their_tokens() {
        let gone = changed(&[Intervention::Delete { tokens: 1..2 }]).unwrap();
        assert_eq!((gone.token_ids.as_slice(), gone.first), (&[10, 12, 13][..], 1));
        assert_eq!((gone.position(3).unwrap(), gone.target(3).unwrap()), (2, 2));
        assert!(gone.position(1).is_err());
        assert_eq!(gone.span(&(0..3)).unwrap(), 0..2);
        // The target's own token: the one before it takes over.
        assert_eq!(gone.target(1).unwrap(), 0);
        let last = changed(&[Intervention::Delete { tokens: 3..4 }]).unwrap();
        assert_eq!((last.target(3).unwrap(), last.first), (2, 3));
        let first = changed(&[Intervention::Delete { tokens: 0..1 }]).unwrap();
        assert!(first.target(0).is_err());
    }

    #[test]
    fn replaced_tokens_keep_their_places_where_they_are_as_many() {
        let same = changed(&[replace(1..3, &[20, 21])]).unwrap();
        assert_eq!(same.token_ids, [10, 20, 21, 13]);
        assert!(same.keeps_positions());
        assert_eq!(same.position(2).unwrap(), 2);
        let more = changed(&[replace(1..2, &[20, 21, 22]), replace(4..4, &[30])]).unwrap();
        assert_eq!(more.token_ids, [10, 20, 21, 22, 12, 13, 30]);
        assert!(!more.keeps_positions() && more.position(1).is_err());
        assert_eq!((more.position(2).unwrap(), more.target(1).unwrap()), (4, 3));
        // What is put behind the last token comes before what is predicted.
        assert_eq!(more.target(3).unwrap(), 6);
        assert_eq!(changed(&[replace(1..2, &[11])]).unwrap().first, 4);
    }

    #[test]
    fn contradictions_are_refused() {
        let all = changed(&[Intervention::Delete { tokens: 0..4 }]).unwrap_err();
        assert!(all.to_string().contains("every token is deleted"), "{all}");
        let twice = [Intervention::Delete { tokens: 0..2 }, replace(1..3, &[5])];
        let twice = changed(&twice).unwrap_err().to_string();
        assert!(twice.contains("tokens 0:2 and 1:3"), "{twice}");
    }
}
