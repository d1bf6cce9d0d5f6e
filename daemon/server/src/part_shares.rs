//! What lines, messages and sections of a prompt do for its prediction, for hover and lens: from steps one and two, no model.

use crate::{
    analyst::{Ask, Turn},
    methods::first_explained,
    parts::{
        Outline, SpanScore, TokenScores, drawn_flows, place_of, segments, span_scores, text_span,
    },
    place::Place,
};
use limpid_analysis::views::known_effects::KnownEffects;
use limpid_protocol::{
    display,
    inspection::{Inspection, TokenRow},
    part_row::{PartBy, TokenSpan},
    views::attribution::AttributionView,
};
use std::{borrow::Cow, ops::Range};

/// The attribution method that gives every token the flow from it in the unpruned graph.
pub(crate) const FLOW: &str = "flow";

/// Flow from each token to the prediction: over all edges where step two knows it, else over the drawn ones.
pub(crate) fn flows<'a>(step_one: &Inspection, step_two: &'a AttributionView) -> Cow<'a, [f32]> {
    let known = step_two.attribution.others.as_ref().and_then(|others| others.get(FLOW));
    match known {
        Some(flows) => Cow::Borrowed(flows),
        None => Cow::Owned(drawn_flows(&step_one.routes, step_one.tokens.len())),
    }
}

/// Shares of spans of the prompt's text.
pub(crate) fn shares(
    ask: &Ask,
    spans: &[Range<usize>],
    step_one: &Inspection,
    step_two: &AttributionView,
) -> Vec<SpanScore> {
    let flows = flows(step_one, step_two);
    let scores = TokenScores { flows: &flows, attributions: &step_two.attribution.scores };
    span_scores(&ask.text, spans, &step_one.tokens, scores)
}

/// `62 %  ~ +0.80 nats, effect +1.20`
pub(crate) fn shown(score: &SpanScore, unit: &str, effect: Option<f32>) -> String {
    let measured = effect.map_or_else(|| "not measured".to_owned(), display::signed);
    let (flow, score) = (display::flow(score.share), display::signed(score.attribution));
    format!("{flow}  ~ {score} {unit}, effect {measured}")
}

/// Measured effects of spans of the prompt's text; none of those that were not measured.
pub(crate) fn effects(
    ask: &Ask,
    spans: &[Range<usize>],
    step_one: &Inspection,
    known: &KnownEffects,
) -> Vec<Option<f32>> {
    let target = first_explained(&step_one.target);
    let effect = |span: &Range<usize>| {
        let inside =
            |token: &&TokenRow| place_of(token, &ask.text).is_some_and(|byte| span.contains(&byte));
        let mut tokens = step_one.tokens.iter().filter(inside).map(|token| token.index);
        let start = tokens.next()?;
        let end = tokens.next_back().unwrap_or(start) + 1;
        known.of_span(&TokenSpan { start, end }, target)
    };
    spans.iter().map(effect).collect()
}

/// A part that holds a token, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// A line or a sentence.
    Piece(&'static str),
    /// A message, with its role.
    Message(String),
}

/// The parts of the text around a token, from the inside: its line, or where that is all there is its sentence; and its message
/// where there are several. A part that is the whole prompt, or the whole message, is left out.
pub(crate) fn around(ask: &Ask, token: &TokenRow) -> Vec<(Around, Range<usize>)> {
    let Some(byte) = place_of(token, &ask.text) else { return Vec::new() };
    let turns = ask.turns.as_deref().unwrap_or_default();
    let turn = turns.iter().find(|turn: &&Turn| turn.content.contains(&byte));
    let whole = turn.map_or(0..ask.text.len(), |turn| turn.content.clone());
    let mut found = Vec::new();
    if let Some(text) = ask.text.get(whole.clone()) {
        let pieces = [(PartBy::Line, "line"), (PartBy::Sentence, "sentence")].into_iter();
        found.extend(pieces.into_iter().find_map(|(by, name)| {
            let own = piece(text, by, byte - whole.start)?;
            Some((Around::Piece(name), own.start + whole.start..own.end + whole.start))
        }));
    }
    let several = turns.len() > 1;
    let message = turn.filter(|_| several);
    found.extend(message.map(|turn| (Around::Message(turn.role.clone()), turn.content.clone())));
    found
}

/// The line or sentence at a byte, unless it is all of the text.
fn piece(text: &str, by: PartBy, byte: usize) -> Option<Range<usize>> {
    let pieces = segments(text, &Outline::default(), by).into_iter();
    let own = pieces.map(|piece| piece.span).find(|span| span.contains(&byte))?;
    (text[own.clone()].trim() != text.trim()).then_some(own)
}

/// Parts with a heading of their own: messages, sections, examples; what they are called, their bytes of the document, and those of
/// the text.
pub(crate) fn headed(place: &Place) -> Vec<(String, Range<usize>, Range<usize>)> {
    let prompt = &place.prompt;
    let messages = prompt.text.messages.iter().flatten();
    let messages = messages.map(|m| (m.role.clone(), m.source.clone(), m.content.clone()));
    let sections = prompt.sections.iter();
    let sections =
        sections.map(|s| (s.name.clone(), s.source.clone(), text_span(&prompt.text, &s.source)));
    messages.chain(sections).collect()
}
