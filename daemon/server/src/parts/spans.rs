//! Scores of single spans of a prompt's text, which may lie in each other: a line, the message around it.

use crate::parts::{SINK, TokenScores, place_of};
use limpid_protocol::inspection::TokenRow;
use std::ops::Range;

/// What the tokens of a span sum up to, without the prompt's first token, which nearly every head reads whatever it says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpanScore {
    /// Their share of the flow without the sink, 0..1.
    pub share: f32,
    /// Sum of their attributions, signed.
    pub attribution: f32,
}

/// The scores of spans of `text`, as [`roll_up`](crate::parts::roll_up) counts them.
///
/// *Cost*: one pass over the tokens for each span.
pub fn span_scores(
    text: &str,
    spans: &[Range<usize>],
    tokens: &[TokenRow],
    scores: TokenScores<'_>,
) -> Vec<SpanScore> {
    let mut sums = vec![(0.0, 0.0); spans.len()];
    let mut whole = 0.0;
    for (index, token) in tokens.iter().enumerate().filter(|(index, _)| *index != SINK) {
        let of = |scores: &[f32]| scores.get(index).copied().map_or(0.0, f64::from);
        let (flow, attribution) = (of(scores.flows), of(scores.attributions));
        whole += flow;
        let Some(byte) = place_of(token, text) else { continue };
        for (span, sum) in spans.iter().zip(&mut sums) {
            if span.contains(&byte) {
                *sum = (sum.0 + flow, sum.1 + attribution);
            }
        }
    }
    let score = |(flow, attribution): (f64, f64)| SpanScore {
        share: if whole > 0.0 { (flow / whole) as f32 } else { 0.0 },
        attribution: attribution as f32,
    };
    sums.into_iter().map(score).collect()
}
