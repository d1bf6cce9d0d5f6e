//! What kind of head a pattern looks like. Labels are descriptions of one prompt, not of the head for all prompts.

/// A kind of attention head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadType {
    /// Looks at the token before.
    PreviousToken,
    /// Looks at what followed an earlier copy of the token.
    Induction,
    /// Looks at earlier copies of the token.
    DuplicateToken,
    /// Rests on the first token.
    FirstTokenSink,
}

/// Mean attention from which a label is given.
const THRESHOLD: f32 = 0.4;
/// The first token takes much of most heads; the label means that it takes nearly all.
const SINK_THRESHOLD: f32 = 0.8;

/// Labels of a head.
///
/// *Shapes*: pattern `[pos, key_pos]`, token_ids `[pos]`. *Cost*: `n_tokens^2` comparisons.
pub fn head_types(pattern: &[f32], token_ids: &[u32]) -> Vec<HeadType> {
    let n = token_ids.len();
    let row = |pos: usize| &pattern[pos * n..(pos + 1) * n];
    let mean = |scores: Vec<f32>| {
        if scores.is_empty() { 0.0 } else { scores.iter().sum::<f32>() / scores.len() as f32 }
    };
    let earlier = |pos: usize| (0..pos).filter(move |&key| token_ids[key] == token_ids[pos]);
    let repeated = || (1..n).filter(|&pos| earlier(pos).next().is_some());
    // The first rows see little else than the first token, so they say nothing of a sink or a previous-token head.
    let previous = mean((2..n).map(|pos| row(pos)[pos - 1]).collect());
    let sink = mean((2..n).map(|pos| row(pos)[0]).collect());
    let duplicate =
        mean(repeated().map(|pos| earlier(pos).map(|key| row(pos)[key]).sum()).collect());
    let induction = mean(
        repeated()
            .map(|pos| earlier(pos).filter(|key| key + 1 < pos).map(|key| row(pos)[key + 1]).sum())
            .collect(),
    );
    [
        (HeadType::PreviousToken, previous, THRESHOLD),
        (HeadType::Induction, induction, THRESHOLD),
        (HeadType::DuplicateToken, duplicate, THRESHOLD),
        (HeadType::FirstTokenSink, sink, SINK_THRESHOLD),
    ]
    .into_iter()
    .filter(|(_, score, threshold)| score >= threshold)
    .map(|(label, ..)| label)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(n: usize, looks_at: impl Fn(usize) -> usize) -> Vec<f32> {
        let mut pattern = vec![0.0; n * n];
        for pos in 0..n {
            pattern[pos * n + looks_at(pos)] = 1.0;
        }
        pattern
    }

    #[test]
    fn each_kind_is_told_by_where_it_looks() {
        let ids = [7, 8, 9, 7, 8, 9];
        assert_eq!(
            head_types(&pattern(6, |p| p.saturating_sub(1)), &ids),
            [HeadType::PreviousToken]
        );
        assert_eq!(head_types(&pattern(6, |_| 0), &ids), [HeadType::FirstTokenSink]);
        let copies = |p: usize| if p < 3 { p } else { p - 3 };
        assert_eq!(head_types(&pattern(6, copies), &ids), [HeadType::DuplicateToken]);
        let after = |p: usize| if p < 3 { p } else { p - 2 };
        assert_eq!(head_types(&pattern(6, after), &ids), [HeadType::Induction]);
        assert_eq!(head_types(&pattern(6, |p| p), &ids), []);
    }
}
