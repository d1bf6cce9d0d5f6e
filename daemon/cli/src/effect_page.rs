//! Measured effects as text for people: what each change does beside what the cheap score said, strongest first; parts in the order
//! of the prompt; a sweep as a picture of layers and positions.

use crate::{
    page::{Page, bar},
    render::model_line,
};
use limpid_protocol::{
    display,
    effect::{Disagreement, EffectPart, EffectReport, EffectRow, FittedPart, SubsetFit, Sweep},
    inspection::Objective,
};

/// Rows that are shown where a number is not asked for.
const ROWS: usize = 40;
/// Columns of an effect's bar.
const BAR: usize = 8;
/// Columns before a part's text.
const BEFORE_TEXT: usize = 38;
/// Shades of a sweep's cell, from nothing to all.
const SHADES: [&str; 5] = ["· ", "░░", "▒▒", "▓▓", "██"];

/// The whole report.
pub(crate) fn report(report: &EffectReport, top: Option<usize>, page: &mut Page) {
    header(report, page);
    if let Some(sweep) = &report.sweep {
        return grid(report, sweep, page);
    }
    if let Some(fit) = &report.subsets {
        return subsets(report, fit, page);
    }
    let is_tree =
        report.effects.iter().any(|row| row.part.as_ref().is_some_and(|part| part.depth > 0));
    rows(report, if is_tree { usize::MAX } else { top.unwrap_or(ROWS) }, is_tree, page);
}

fn scalar(report: &EffectReport) -> &'static str {
    match report.objective {
        Objective::LogOdds => "the log-odds",
        Objective::LogitDiff => "target minus foil",
        Objective::Logprob => "the log-probability",
    }
}

fn header(report: &EffectReport, page: &mut Page) {
    let target = &report.target;
    page.line(&model_line(&report.model, report.tokens.len()));
    let foil = target.foil.as_ref();
    let against =
        foil.map_or_else(String::new, |foil| format!(" over {}", display::token(&foil.text)));
    let what = match &target.answer {
        Some(answer) => format!("tokens {} to {}", answer.start, answer.end - 1),
        None => {
            format!("{}{against} at position {}", display::token(&target.text), target.position)
        }
    };
    let clean = &report.clean;
    page.line(&format!(
        "measures {what}: {} {}, clean {}",
        scalar(report),
        display::probability(clean.logprob.exp()),
        display::nats(match report.objective {
            Objective::LogOdds => clean.log_odds,
            Objective::LogitDiff => clean.logit_diff.unwrap_or(clean.log_odds),
            Objective::Logprob => clean.logprob,
        })
    ));
}

fn rows(report: &EffectReport, most: usize, is_tree: bool, page: &mut Page) {
    let n = report.effects.len();
    page.heading(
        "effects",
        &format!(
            "nats of {}: ~estimate, measured (≠ they disagree), KL · {n} runs in {}",
            scalar(report),
            display::duration(report.timings_ms.measure)
        ),
    );
    let mut order: Vec<&EffectRow> = report.effects.iter().collect();
    if is_tree {
        // A part stands before what is inside it.
        let place = |row: &&EffectRow| {
            row.part.as_ref().map(|part| (part.tokens.start, part.depth, part.tokens.end))
        };
        order.sort_by_key(place);
    } else {
        let strength = |row: &EffectRow| row.effect.map_or(f32::INFINITY, f32::abs);
        order.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    }
    // What counts as none does not fill a bar.
    let effects = order.iter().filter_map(|row| row.effect).map(f32::abs);
    let strongest = effects.fold(report.floor.max(f32::MIN_POSITIVE), f32::max);
    for row in order.iter().take(most) {
        page.line(&line(row, strongest, page));
    }
    if n > most {
        page.line(&format!("  ⋯ {} weaker (--top N or --format json has them)", n - most));
    }
    let left = report.unmeasured.len();
    if left > 0 {
        let parts = is_tree || report.effects.iter().all(|row| row.part.is_some());
        let why = match parts {
            true => "parts inside others without effect, or past the budget",
            false => "the budget is spent; raise it with --budget",
        };
        page.line(&format!("  {left} not measured: {why}"));
    }
}

fn line(row: &EffectRow, strongest: f32, page: &Page) -> String {
    let what = name(row, page);
    if let Some(problem) = &row.error {
        return format!("  {:>8}  {:>8}   {:>6}  {what}: {problem}", "", "failed", "");
    }
    let score =
        row.score.map_or_else(|| "".to_owned(), |score| format!("~{}", display::signed(score)));
    let effect = row.effect.map_or_else(|| "not measured".to_owned(), display::signed);
    let mark = match row.disagreement {
        Some(Disagreement::Sign | Disagreement::Rank) => "≠",
        None => " ",
    };
    let strength = row.effect.map_or(0.0, |effect| effect / strongest);
    let drawn = bar(strength.abs(), BAR);
    let fill = " ".repeat(BAR.saturating_sub(display::width(&drawn)));
    let kl = row.kl.map_or_else(String::new, |kl| format!("{kl:.2}"));
    format!("  {score:>8} {mark} {effect:>7}  {}{fill} {kl:>5}  {what}", page.heat(strength))
}

fn name(row: &EffectRow, page: &Page) -> String {
    let Some(part) = &row.part else { return display::escape(&row.intervention.to_string()) };
    let indent = "  ".repeat(part.depth);
    let room = page.width().saturating_sub(BEFORE_TEXT + indent.len()).max(20);
    format!("{indent}{}", display::cut(&part_name(part), room))
}

fn part_name(part: &EffectPart) -> String {
    let kind = match (part.kind, &part.name) {
        (None, _) => return format!("{} {}", part.tokens.start, part.text),
        (Some(_), Some(name)) => display::escape(name),
        (Some(kind), None) => kind.as_str().to_owned(),
    };
    format!("{kind}: {}", part.text.trim())
}

fn subsets(report: &EffectReport, fit: &SubsetFit, page: &mut Page) {
    let quality =
        |value: Option<f32>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.2}"));
    page.heading(
        "parts together",
        &format!(
            "nats of {} that a part adds, by a fit to {} runs with halves hidden · on {} held out: R² {}, rank correlation {}",
            scalar(report),
            fit.n_fitted,
            fit.n_held_out,
            quality(fit.r2),
            quality(fit.spearman)
        ),
    );
    if fit.r2.is_none_or(|r2| r2 < 0.3) {
        page.line("  The parts do not simply add up here: read the weights with care.");
    }
    let mut parts: Vec<&FittedPart> = fit.parts.iter().collect();
    parts.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let strongest = parts.first().map_or(0.0, |part| part.weight.abs());
    for fitted in &parts {
        let strength = if strongest > 0.0 { fitted.weight / strongest } else { 0.0 };
        let drawn = bar(strength.abs(), BAR);
        let fill = " ".repeat(BAR.saturating_sub(display::width(&drawn)));
        let room = page.width().saturating_sub(24).max(20);
        page.line(&format!(
            "  {:>7}  {}{fill}  {}",
            display::signed(fitted.weight),
            page.heat(strength),
            display::cut(&part_name(&fitted.part), room)
        ));
    }
}

/// Layers from the top down, positions from left to right; a cell is as dark as it takes the prediction to the other prompt's.
fn grid(report: &EffectReport, sweep: &Sweep, page: &mut Page) {
    let n_positions = sweep.restored.first().map_or(0, Vec::len);
    page.heading(
        "causal trace",
        &format!(
            "{} of the other prompt, layer by position: share of the way from this prediction ({}) to its ({})",
            sweep.hook,
            display::probability(report.clean.logprob.exp()),
            display::probability(sweep.from.logprob.exp())
        ),
    );
    let across = (page.width().saturating_sub(6) / 2).max(1);
    for first in (0..n_positions).step_by(across) {
        let shown = first..n_positions.min(first + across);
        for (layer, row) in sweep.restored.iter().enumerate().rev() {
            let cells: String = row[shown.clone()].iter().map(|cell| shade(*cell)).collect();
            page.line(&format!("  L{layer:<3}{cells}"));
        }
        let numbers: String = shown.map(|at| format!("{:<2}", at % 100)).collect();
        page.line(&format!("      {numbers}"));
    }
    page.line("");
    for (at, token) in report.tokens.iter().take(n_positions).enumerate() {
        let other = sweep.from_tokens.get(at).map_or("", |token| token.text.as_str());
        let differs = if other == token.text {
            String::new()
        } else {
            format!(" ← {}", display::token(other))
        };
        let column = sweep.restored.iter().enumerate();
        let best = column
            .filter_map(|(layer, row)| row.get(at).copied().flatten().map(|share| (layer, share)))
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        let best = best.map_or_else(String::new, |(layer, share)| {
            format!("{:>5.0} % at L{layer}", 100.0 * share)
        });
        page.line(&format!(
            "  {at:>4} {} {best}{differs}",
            page.cell(&display::token(&token.text), 18)
        ));
    }
    let shades = SHADES.map(str::trim_end).join(" ");
    page.line(&format!("  {shades} 0 to 100 %; ◁ away from it; ? not measured"));
}

fn shade(share: Option<f32>) -> &'static str {
    match share {
        None => "? ",
        Some(share) if share < -0.1 => "◁ ",
        Some(share) => {
            let step = (share.clamp(0.0, 1.0) * 4.0).round() as usize;
            SHADES[step.min(SHADES.len() - 1)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use limpid_protocol::part_row::{PartKind, TokenSpan};

    #[test]
    fn cells_are_as_dark_as_their_share() {
        let shares = [None, Some(-0.5), Some(0.0), Some(0.3), Some(0.9), Some(3.0)];
        assert_eq!(shares.map(shade), ["? ", "◁ ", "· ", "░░", "██", "██"]);
    }

    #[test]
    fn parts_are_named_by_what_they_are() {
        let tokens = TokenSpan { start: 3, end: 4 };
        let token = EffectPart { kind: None, name: None, text: "·Paris".into(), tokens, depth: 0 };
        assert_eq!(part_name(&token), "3 ·Paris");
        let line = EffectPart { kind: Some(PartKind::Line), ..token.clone() };
        assert_eq!(part_name(&line), "line: ·Paris");
        let said = EffectPart { kind: Some(PartKind::Message), name: Some("user".into()), ..token };
        assert_eq!(part_name(&said), "user: ·Paris");
    }
}
