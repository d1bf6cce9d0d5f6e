//! The hover of a token (`ux.md` section 3): from step one and step two, at most fourteen lines of Markdown, every token in a code span.

use crate::{
    analyst::Ask,
    methods::first_explained,
    part_shares::{Around, around, effects, shares, shown},
    parts::SpanScore,
};
use limpid_analysis::views::known_effects::KnownEffects;
use limpid_protocol::{
    display,
    effect::FLOOR,
    inspection::{Inspection, Prediction, TokenRow},
    part_row::TokenSpan,
    route_graph::{EdgeKind, NodeKind},
    token_value::TokenValue,
    view_error::{ErrorKind, ViewError},
    views::attribution::AttributionView,
};
use std::collections::BTreeMap;

/// Parts named in "comes in through", and tokens in "writes".
const NAMED: usize = 3;

/// The hover text of one token.
pub(crate) fn token_hover(
    ask: &Ask,
    token: &TokenRow,
    inspection: &Inspection,
    step_two: &AttributionView,
    known: &KnownEffects,
) -> String {
    let mut lines = vec![format!(
        "{} #{} · token {} of {}",
        code(&token.text),
        token.id,
        token.index + 1,
        inspection.tokens.len()
    )];
    lines.extend(attribution_line(token, inspection, step_two));
    lines.extend(effect_line(token, inspection, step_two, known));
    lines.extend(flow_line(token, inspection));
    lines.extend(parts_line(ask, token, inspection, step_two, known));
    if let (Some(logprob), Some(rank)) = (token.logprob, token.rank) {
        lines.push(format!(
            "Was itself predicted at {} ({})",
            display::probability(logprob.exp()),
            display::rank(rank)
        ));
    }
    let heads = heads_from(token.index, inspection);
    lines.extend(comes_in_line(token, inspection, &heads));
    for ((layer, head), _) in heads.iter().take(NAMED) {
        let row = inspection.heads.iter().find(|row| (row.layer, row.head) == (*layer, *head));
        lines.extend(row.filter(|row| !row.promotes.is_empty()).map(|row| {
            format!("{} writes {}", display::head_name(*layer, *head), token_list(&row.promotes))
        }));
    }
    lines.push(format!("Next {}", predictions(&inspection.predictions)));
    // Two trailing spaces break the line in Markdown and show nothing where it is drawn as text.
    lines.join("  \n")
}

/// The hover when there is an error to show; none when the reader should see nothing.
pub(crate) fn error_hover(error: &ViewError) -> Option<String> {
    match error.kind() {
        ErrorKind::Cancelled
        | ErrorKind::StaleVersion
        | ErrorKind::ModelLoading
        | ErrorKind::DocumentNotOpen
        | ErrorKind::EmptyPrompt => None,
        _ => Some(format!("Limpid: {}", fenced(&display::escape(&error.message)))),
    }
}

/// A token in a Markdown code span that nothing in it can end.
pub(crate) fn code(text: &str) -> String {
    fenced(&display::token(text))
}

/// Likely next tokens as one line.
pub(crate) fn predictions(rows: &[Prediction]) -> String {
    let one = |row: &Prediction| format!("{} {}", code(&row.text), display::probability(row.prob));
    rows.iter().take(NAMED).map(one).collect::<Vec<_>>().join("  ")
}

fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn attribution_line(
    token: &TokenRow,
    inspection: &Inspection,
    step_two: &AttributionView,
) -> Option<String> {
    let target = &inspection.target;
    let score = *step_two.attribution.scores.get(token.index)?;
    let over =
        target.foil.as_ref().map(|foil| format!(" over {}", code(&foil.text))).unwrap_or_default();
    if token.index == target.position {
        return Some(format!("The position {}{over} is predicted from", code(&target.text)));
    }
    let verb = if score < 0.0 { "Opposes" } else { "Supports" };
    let sink = if token.index == 0 { " (first token: the sign is often wrong)" } else { "" };
    let unit = &step_two.attribution.unit;
    Some(format!("{verb} {}{over} ~ {} {unit}{sink}", code(&target.text), display::signed(score)))
}

/// What hiding the token really changes, or that nobody measured it.
fn effect_line(
    token: &TokenRow,
    inspection: &Inspection,
    step_two: &AttributionView,
    known: &KnownEffects,
) -> Option<String> {
    if token.index >= first_explained(&inspection.target) {
        return None;
    }
    let tokens = TokenSpan { start: token.index, end: token.index + 1 };
    let Some(effect) = known.of_span(&tokens, first_explained(&inspection.target)) else {
        return Some("Effect of hiding it: not measured".to_owned());
    };
    let score = step_two.attribution.scores.get(token.index).copied().unwrap_or(0.0);
    let is_opposite = score * effect < 0.0 && score.abs().min(effect.abs()) >= FLOOR;
    let mark = if is_opposite { " ≠ the estimate" } else { "" };
    let what = match effect {
        effect if effect.abs() < FLOOR => "none to speak of",
        effect if effect > 0.0 => "supports",
        _ => "opposes",
    };
    Some(format!("Effect of hiding it {} nats: {what}{mark}", display::signed(effect)))
}

fn flow_line(token: &TokenRow, inspection: &Inspection) -> Option<String> {
    let embeds = || inspection.routes.nodes.iter().filter(|node| node.kind == NodeKind::Embed);
    let shown = display::flow(inspection.routes.shown);
    let Some(own) = embeds().find(|node| node.position == token.index) else {
        return Some(format!("Flow to the prediction: not among the {shown} shown"));
    };
    let place = 1 + embeds().filter(|node| node.flow > own.flow).count();
    let of = inspection.tokens.len();
    Some(format!(
        "Flow to the prediction {} ({} of {of}; {shown} shown)",
        display::flow(own.flow),
        ordinal(place)
    ))
}

/// What the token's line or sentence, and its message, do together.
fn parts_line(
    ask: &Ask,
    token: &TokenRow,
    inspection: &Inspection,
    step_two: &AttributionView,
    known: &KnownEffects,
) -> Option<String> {
    let parts = around(ask, token);
    let spans: Vec<_> = parts.iter().map(|(_, span)| span.clone()).collect();
    let scores = shares(ask, &spans, inspection, step_two);
    let effects = effects(ask, &spans, inspection, known);
    let part = |((part, _), (score, effect)): (&(Around, _), (&SpanScore, Option<f32>))| {
        let shown = shown(score, &step_two.attribution.unit, effect);
        match part {
            Around::Piece(name) => format!("{name} {shown}"),
            Around::Message(role) => format!("{} {shown}", code(role)),
        }
    };
    let told: Vec<String> = parts.iter().zip(scores.iter().zip(effects)).map(part).collect();
    (!told.is_empty()).then(|| format!("Shares: {}", told.join(" · ")))
}

/// Heads that read from a token, by the flow they move away from it, most first.
fn heads_from(position: usize, inspection: &Inspection) -> Vec<((usize, usize), f32)> {
    // Nodes are numbered in their order; there may be tens of thousands of edges.
    let node = |number: usize| inspection.routes.nodes.get(number);
    let mut flows = BTreeMap::<(usize, usize), f32>::new();
    for edge in inspection.routes.edges.iter().filter(|edge| edge.kind == EdgeKind::Attention) {
        let (Some(from), Some(to)) = (node(edge.from), node(edge.to)) else { continue };
        if from.position != position || to.position == position {
            continue;
        }
        for head in &edge.heads {
            *flows.entry((to.layer, head.head)).or_default() += to.flow * head.contribution;
        }
    }
    let mut flows: Vec<_> = flows.into_iter().collect();
    flows.sort_by(|a, b| b.1.total_cmp(&a.1));
    flows
}

fn comes_in_line(
    token: &TokenRow,
    inspection: &Inspection,
    heads: &[((usize, usize), f32)],
) -> Option<String> {
    let head = |((layer, head), flow): &((usize, usize), f32)| {
        format!("{} {}", display::head_name(*layer, *head), display::flow(*flow))
    };
    let mut parts: Vec<String> = heads.iter().take(NAMED).map(head).collect();
    let neurons = inspection.neurons.iter().filter(|row| row.position == token.index);
    parts.extend(neurons.take(1).map(|row| {
        format!(
            "neuron {} {}",
            display::neuron_name(row.layer, row.neuron),
            display::flow(row.flow)
        )
    }));
    (!parts.is_empty()).then(|| format!("Comes in through {}", parts.join("  ")))
}

fn token_list(tokens: &[TokenValue]) -> String {
    tokens.iter().take(NAMED).map(|token| code(&token.text)).collect::<Vec<_>>().join(" ")
}

fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::{code, ordinal};

    #[test]
    fn no_token_ends_its_code_span() {
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("</b>\n[x](y)"), "`</b>↵[x](y)`");
    }

    #[test]
    fn ordinals() {
        let shown: Vec<String> =
            [1, 2, 3, 4, 11, 12, 13, 21, 112].into_iter().map(ordinal).collect();
        assert_eq!(shown, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
    }
}
