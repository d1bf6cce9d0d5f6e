//! Scores of tokens rolled up to parts of the prompt. A token counts in the one part that holds its first byte that is no
//! whitespace, so parts tile the tokens as they tile the text. What must not live here: where parts begin (`parts/segments`).

mod segments;
mod spans;
#[cfg(test)]
mod tests;

pub(crate) use segments::text_span;
pub use segments::{Outline, Segment, Titled, segments};
pub use spans::{SpanScore, span_scores};

use limpid_protocol::{
    display,
    inspection::TokenRow,
    part_row::{PartKind, PartRow, PartScore, TokenSpan},
    route_graph::{NodeKind, Routes},
};

/// Widest display of a part, in terminal columns.
const TEXT_COLUMNS: usize = 80;
/// The token that nearly every head reads, whatever it says.
const SINK: usize = 0;

/// Scores of all tokens of a prompt, one a token; those that are missing count as 0.
#[derive(Clone, Copy, Debug)]
pub struct TokenScores<'a> {
    /// Flow from each to the prediction, 0..1.
    pub flows: &'a [f32],
    /// Signed attributions.
    pub attributions: &'a [f32],
}

/// Sums over the tokens of one part.
#[derive(Clone, Debug, Default)]
struct Sum {
    tokens: Option<TokenSpan>,
    n_tokens: usize,
    flow: f64,
    attribution: f64,
    sink: Option<(f64, f64)>,
}

impl Sum {
    fn add(&mut self, index: usize, flow: f64, attribution: f64) {
        let tokens = self.tokens.get_or_insert(TokenSpan { start: index, end: index });
        tokens.end = index + 1;
        self.n_tokens += 1;
        self.flow += flow;
        self.attribution += attribution;
        if index == SINK {
            self.sink = Some((flow, attribution));
        }
    }

    fn flow_without_sink(&self) -> f64 {
        // Summed the other way round a part of nothing but the sink would not come out as nothing.
        if self.n_tokens == 1 && self.sink.is_some() {
            return 0.0;
        }
        (self.flow - self.sink.map_or(0.0, |(flow, _)| flow)).max(0.0)
    }
}

/// Rows of the parts that tokens fall into, in the order of the text; tokens that stand nowhere in it come first.
/// `segments` tile `text`, as [`segments()`] makes them. Shares are of the flow without the sink; where there is no other, of all.
///
/// *Cost*: one pass over tokens, text and segments.
pub fn roll_up(
    text: &str,
    segments: &[Segment],
    tokens: &[TokenRow],
    scores: TokenScores<'_>,
) -> Vec<PartRow> {
    let mut template = Sum::default();
    let mut sums = vec![Sum::default(); segments.len()];
    for (index, token) in tokens.iter().enumerate() {
        let of = |scores: &[f32]| scores.get(index).copied().map_or(0.0, f64::from);
        let place = place_of(token, text).and_then(|byte| {
            let at = segments.partition_point(|segment| segment.span.end <= byte);
            (!segments.is_empty()).then(|| at.min(segments.len() - 1))
        });
        let sum = place.and_then(|at| sums.get_mut(at)).unwrap_or(&mut template);
        sum.add(index, of(scores.flows), of(scores.attributions));
    }
    let without: f64 = sums.iter().chain([&template]).map(Sum::flow_without_sink).sum();
    let whole: f64 = sums.iter().chain([&template]).map(|sum| sum.flow).sum();
    let share = |sum: &Sum| {
        let (part, all) = match without > 0.0 {
            true => (sum.flow_without_sink(), without),
            false => (sum.flow, whole),
        };
        if all > 0.0 { part / all } else { 0.0 }
    };
    let mut rows = Vec::new();
    if let Some(span) = template.tokens.clone() {
        let added = tokens.iter().filter(|token| token.start.is_none() || segments.is_empty());
        let own: String = added.map(|token| token.text.as_str()).collect();
        rows.push(row(PartKind::Template, None, &own, None, span, &template, share(&template)));
    }
    for (segment, sum) in segments.iter().zip(&sums) {
        let Some(span) = sum.tokens.clone() else { continue };
        let own = text.get(segment.span.clone()).unwrap_or_default();
        let place = Some((segment.span.start, segment.span.end));
        rows.push(row(segment.kind, segment.name.clone(), own, place, span, sum, share(sum)));
    }
    rows
}

fn row(
    kind: PartKind,
    name: Option<String>,
    text: &str,
    place: Option<(usize, usize)>,
    tokens: TokenSpan,
    sum: &Sum,
    share: f64,
) -> PartRow {
    PartRow {
        kind,
        name,
        text: shown(text),
        start: place.map(|(start, _)| start),
        end: place.map(|(_, end)| end),
        tokens,
        n_tokens: sum.n_tokens,
        flow: sum.flow as f32,
        attribution: sum.attribution as f32,
        effect: None,
        disagreement: None,
        share: share as f32,
        is_sink: sum.sink.is_some(),
        without_sink: sum.sink.map(|(_, attribution)| PartScore {
            flow: sum.flow_without_sink() as f32,
            attribution: (sum.attribution - attribution) as f32,
        }),
    }
}

/// A part's text as people see it; one of line breaks alone shows them.
fn shown(text: &str) -> String {
    let inner = text.trim_matches(['\n', '\r']);
    display::cut(&display::escape(if inner.is_empty() { text } else { inner }), TEXT_COLUMNS)
}

/// The byte of the text that decides which part a token counts in; none for one that stands nowhere in it.
pub(crate) fn place_of(token: &TokenRow, text: &str) -> Option<usize> {
    let start = token.start?;
    let byte = first_byte(text, start, token.end.unwrap_or(start));
    // A token of nothing behind the last byte goes with that.
    Some(byte.min(text.len().saturating_sub(1)))
}

/// The first byte of a span that is no whitespace; its first where it is nothing else, or begins inside a character.
fn first_byte(text: &str, start: usize, end: usize) -> usize {
    let Some(from) = text.get(start..) else { return start };
    let mut inside = from.char_indices().take_while(|(at, _)| start + at < end);
    inside.find(|(_, c)| !c.is_whitespace()).map_or(start, |(at, _)| start + at)
}

/// Flow that reaches each input token over the drawn edges: what step one knows.
pub fn drawn_flows(routes: &Routes, n_tokens: usize) -> Vec<f32> {
    let mut flows = vec![0.0; n_tokens];
    for node in routes.nodes.iter().filter(|node| node.kind == NodeKind::Embed) {
        if let Some(flow) = flows.get_mut(node.position) {
            *flow += node.flow;
        }
    }
    flows
}
