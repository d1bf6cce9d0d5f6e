//! An inspection as text for people: predictions, tokens with heat and numbers, lines, routes, heads, neurons, timings,
//! in the order of the side panel.

use crate::{
    page::{Page, bar},
    parts_page,
};
use limpid_protocol::{
    display,
    effect::Disagreement,
    inspection::{AnswerSpan, Inspection, ModelInfo, TokenRow},
    part_row::{PartBy, PartRow},
    route_graph::{EdgeKind, NodeKind, RouteEdge, Routes},
    token_value::TokenValue,
};

/// Routes are cut to this many lines; the JSON and DOT forms have them all.
const ROUTE_LINES: usize = 24;
/// Columns of a probability's bar.
const PREDICTION_BAR: usize = 24;

/// The whole inspection, with these roll-ups.
pub(crate) fn inspection(
    inspection: &Inspection,
    rolled_up: &[(PartBy, Vec<PartRow>)],
    page: &mut Page,
) {
    header(inspection, page);
    predictions(inspection, page);
    tokens(inspection, page);
    rolled_up.iter().for_each(|(by, rows)| parts_page::parts(*by, rows, page));
    routes(inspection, page);
    lens(inspection, page);
    heads(inspection, page);
    neurons(inspection, page);
    timings(inspection, page);
}

fn token_at(inspection: &Inspection, position: usize) -> String {
    inspection.tokens.get(position).map_or_else(String::new, |token| display::token(&token.text))
}

/// Model, place and what is explained.
pub(crate) fn header(inspection: &Inspection, page: &mut Page) {
    let (model, target) = (&inspection.model, &inspection.target);
    page.line(&model_line(model, inspection.tokens.len()));
    let against = target
        .foil
        .as_ref()
        .map_or_else(String::new, |foil| format!(" over {}", display::token(&foil.text)));
    if let Some(answer) = &target.answer {
        page.line(&explained_answer(inspection, answer));
        return;
    }
    page.line(&format!(
        "explains {}{against} after {} (position {})",
        display::token(&target.text),
        token_at(inspection, target.position),
        target.position
    ));
}

/// `SmolLM2-135M-Instruct · cpu · f32 · 5 tokens`
pub(crate) fn model_line(model: &ModelInfo, n_tokens: usize) -> String {
    let n_tokens = display::thousands(n_tokens);
    format!("{} · {} · {} · {n_tokens} tokens", model.name, model.device, model.dtype)
}

/// Which answer is explained, and against which.
fn explained_answer(inspection: &Inspection, answer: &AnswerSpan) -> String {
    let own = inspection.tokens.get(answer.start..answer.end).unwrap_or_default();
    let own: String = own.iter().map(|token| display::token(&token.text)).collect();
    let against = inspection.target.foil_answer.as_ref().map_or_else(String::new, |foil| {
        let text: String = foil.tokens.iter().map(|token| display::token(&token.text)).collect();
        format!(" over {text} ({})", display::nats(foil.logprob))
    });
    format!(
        "explains {own} ({}){against}, tokens {} to {}: log-probabilities in nats",
        display::nats(answer.logprob),
        answer.start,
        answer.end - 1
    )
}

/// What comes next.
pub(crate) fn predictions(inspection: &Inspection, page: &mut Page) {
    page.heading("predicts", "probability, logit");
    for prediction in &inspection.predictions {
        page.line(&format!(
            "  {} {:>7} {:>7}  {}",
            page.cell(&display::token(&prediction.text), 16),
            display::probability(prediction.prob),
            display::nats(prediction.logit),
            bar(prediction.prob, PREDICTION_BAR)
        ));
    }
}

/// The prompt, token by token.
pub(crate) fn tokens(inspection: &Inspection, page: &mut Page) {
    let flows = input_flows(inspection);
    let scores = inspection.attribution.as_ref();
    let unit = scores.map_or_else(
        || "flow".to_owned(),
        |a| {
            let effect = if a.effects.is_empty() { "" } else { ", effect (? not measured)" };
            format!("flow, ~{} in {} to {}{effect}", a.method, a.unit, objective_name(inspection))
        },
    );
    page.heading("tokens", &unit);
    let strongest = scores
        .map(|a| a.scores.iter().skip(1).map(|s| s.abs()).fold(0.0, f32::max))
        .filter(|s| *s > 0.0);
    for token in &inspection.tokens {
        let flow = flows.get(token.index).copied().unwrap_or(0.0);
        let score = match scores {
            Some(a) if token.index < a.scores.len() => {
                let value = a.scores[token.index];
                let shown =
                    if token.index == inspection.target.position && a.method.starts_with("atp") {
                        "itself".to_owned()
                    } else {
                        format!("~{}", display::signed(value))
                    };
                let heat = strongest.map_or(0.0, |max| (value / max).clamp(-1.0, 1.0));
                let heat = if token.index == 0 { page.sink() } else { page.heat(heat) };
                let effect = a.effects.get(token.index).copied().flatten();
                let misleads = a.disagreements.get(token.index).copied().flatten();
                format!("{shown:>8}{} {heat}", measured(!a.effects.is_empty(), effect, misleads))
            }
            _ => String::new(),
        };
        page.line(&format!(
            "  {:>4} {} {:>8} {:>7}  {score}",
            token.index,
            page.cell(&display::token(&token.text), 18),
            surprise(token),
            display::flow(flow),
        ));
    }
}

fn objective_name(inspection: &Inspection) -> &'static str {
    match inspection.attribution.as_ref().map(|a| a.objective) {
        Some(limpid_protocol::inspection::Objective::LogitDiff) => "target minus foil",
        Some(limpid_protocol::inspection::Objective::Logprob) => "the log-probability",
        _ => "the log-odds",
    }
}

fn surprise(token: &TokenRow) -> String {
    match (token.logprob, token.rank) {
        (Some(logprob), Some(rank)) => {
            format!("{} {}", display::rank(rank), display::probability(logprob.exp()))
        }
        _ => "first".to_owned(),
    }
}

/// Flow that reaches each input token over drawn edges.
fn input_flows(inspection: &Inspection) -> Vec<f32> {
    let mut flows = vec![0.0; inspection.tokens.len()];
    for node in &inspection.routes.nodes {
        if node.kind == NodeKind::Embed
            && let Some(flow) = flows.get_mut(node.position)
        {
            *flow += node.flow;
        }
    }
    flows
}

/// The strongest edges, from the prediction downwards.
pub(crate) fn routes(inspection: &Inspection, page: &mut Page) {
    let routes = &inspection.routes;
    let shown =
        format!("{} of flow shown, {} edges", display::flow(routes.shown), routes.edges.len());
    page.heading("routes", &shown);
    let mut edges: Vec<&RouteEdge> =
        routes.edges.iter().filter(|edge| edge.kind != EdgeKind::MlpIn).collect();
    // The stream through a token's own residual is the background; what joins it is the finding.
    edges.retain(|edge| edge.kind != EdgeKind::Residual);
    edges.sort_by(|a, b| b.flow.total_cmp(&a.flow));
    let n_edges = edges.len();
    edges.truncate(ROUTE_LINES);
    edges.sort_by_key(|edge| {
        let node = routes.nodes.get(edge.to);
        node.map_or((0, 0), |node| (std::cmp::Reverse(node.layer).0, node.position))
    });
    edges.sort_by_key(|edge| std::cmp::Reverse(routes.nodes.get(edge.to).map_or(0, |n| n.layer)));
    for edge in &edges {
        page.line(&format!("  {}", route_line(inspection, routes, edge, page)));
    }
    if n_edges > edges.len() {
        page.line(&format!(
            "  ⋯ {} weaker edges (--format json or dot has them)",
            n_edges - edges.len()
        ));
    }
}

fn route_line(inspection: &Inspection, routes: &Routes, edge: &RouteEdge, page: &Page) -> String {
    let (Some(from), Some(to)) = (routes.nodes.get(edge.from), routes.nodes.get(edge.to)) else {
        return String::new();
    };
    let here = page.cell(&format!("L{} {}", to.layer, token_at(inspection, to.position)), 20);
    let flow = format!("{:>7}", display::flow(edge.flow));
    match edge.kind {
        EdgeKind::Attention => {
            let heads: Vec<String> = edge
                .heads
                .iter()
                .take(3)
                .map(|head| format!("L{}H{}", to.layer, head.head))
                .collect();
            let source = token_at(inspection, from.position);
            format!("{here} {flow}  ← {source} ({}) by {}", from.position, heads.join(" "))
        }
        EdgeKind::MlpOut => format!("{here} {flow}  ← MLP"),
        EdgeKind::Residual | EdgeKind::MlpIn => format!("{here} {flow}  ← residual"),
    }
}

fn lens(inspection: &Inspection, page: &mut Page) {
    let Some(grid) = &inspection.lens else { return };
    page.heading("lens", "top token of each layer at the target, and the target's rank");
    for (layer, row) in grid.iter().enumerate().rev() {
        let Some(cell) = row.get(inspection.target.position) else { continue };
        page.line(&format!(
            "  {:>4} {} {:>8}   target {} {}",
            layer,
            page.cell(&display::token(&cell.text), 18),
            display::probability(cell.prob),
            display::rank(cell.target_rank),
            display::probability(cell.target_prob),
        ));
    }
}

/// Writes a list of tokens in one cell.
fn writes(promotes: &[TokenValue], suppresses: &[TokenValue]) -> String {
    let names = |tokens: &[TokenValue], n| {
        tokens.iter().take(n).map(|t| display::token(&t.text)).collect::<Vec<_>>().join(" ")
    };
    format!("+ {}  − {}", names(promotes, 3), names(suppresses, 2))
}

/// A measured effect in a cell of its own, marked where the estimate misleads; no cell where nothing is measured.
pub(crate) fn measured(
    is_shown: bool,
    effect: Option<f32>,
    misleads: Option<Disagreement>,
) -> String {
    if !is_shown {
        return String::new();
    }
    let effect = effect.map_or_else(|| "?".to_owned(), display::signed);
    format!(" {} {effect:>6}", if misleads.is_some() { "≠" } else { " " })
}

fn score(value: Option<f32>) -> String {
    value.map_or_else(|| "…".to_owned(), |value| format!("~{}", display::signed(value)))
}

/// What the columns hold.
fn units(score: &str, is_measured: bool, rest: &str) -> String {
    format!("{score}{}, {rest}", if is_measured { ", effect of switching it off" } else { "" })
}

/// The strongest heads.
pub(crate) fn heads(inspection: &Inspection, page: &mut Page) {
    let is_measured = inspection.heads.iter().any(|head| head.effect.is_some());
    page.heading("heads", &units("~attribution", is_measured, "flow; + promotes − suppresses"));
    for head in &inspection.heads {
        page.line(&format!(
            "  {:<8} {:>8}{} {:>7}  {}",
            format!("L{}H{}", head.layer, head.head),
            score(head.attribution),
            measured(is_measured, head.effect, head.disagreement),
            display::flow(head.flow),
            writes(&head.promotes, &head.suppresses)
        ));
    }
}

/// The strongest neurons.
pub(crate) fn neurons(inspection: &Inspection, page: &mut Page) {
    let is_measured = inspection.neurons.iter().any(|neuron| neuron.effect.is_some());
    let rest = "flow, activation; + promotes − suppresses";
    page.heading("neurons", &units("~attribution", is_measured, rest));
    for neuron in &inspection.neurons {
        page.line(&format!(
            "  {:<10} {:>8}{} {:>7} {:>7} {:<10} {}",
            format!("L{}N{}", neuron.layer, neuron.neuron),
            score(neuron.attribution),
            measured(is_measured, neuron.effect, neuron.disagreement),
            display::flow(neuron.flow),
            display::nats(neuron.activation),
            neuron.sign_case,
            writes(&neuron.promotes, &neuron.suppresses)
        ));
    }
}

fn timings(inspection: &Inspection, page: &mut Page) {
    let Some(t) = &inspection.timings_ms else { return };
    page.heading("time", "");
    for (what, ms) in [
        ("load", t.load),
        ("tokenize", t.tokenize),
        ("forward", t.forward),
        ("routes, lens, flow rankings", t.analysis),
        ("backward passes, attributions", t.backward),
        ("total", t.total),
    ] {
        page.line(&format!("  {what:<30} {:>9}", display::duration(ms)));
    }
}
