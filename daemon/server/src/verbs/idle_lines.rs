//! Lines that were measured and do nothing for the prediction, as hints. What was not measured is not told of: nothing is run here.

use crate::{
    job_desk::JobDesk,
    methods::first_explained,
    parts::{Outline, TokenScores, roll_up, segments},
    place::Place,
    prompt_document::{Problem, Severity},
};
use limpid_protocol::{
    display,
    effect::FLOOR,
    part_row::{PartBy, PartRow},
    views::tokens::TokensView,
};

/// Code of the hint whose fix is to take the line out.
pub(super) const IDLE_LINE: &str = "idle-line";

/// The lines whose measured effects are all below `floor`.
pub(super) fn idle_lines(
    desk: &JobDesk,
    place: &Place,
    glance: &TokensView,
    floor: Option<f32>,
) -> Vec<Problem> {
    let known = desk.known_effects(&place.ask);
    if known.is_empty() {
        return Vec::new();
    }
    let (ask, target) = (&place.ask, first_explained(&glance.target));
    let floor = floor.unwrap_or(FLOOR);
    let none = TokenScores { flows: &[], attributions: &[] };
    let lines = segments(&ask.text, &Outline::of_ask(ask), PartBy::Line);
    let hint = |row: PartRow| {
        let (start, end) = (row.start?, row.end?);
        // What is explained, or stands behind it, cannot be hidden from it.
        if ask.text.get(start..end)?.trim().is_empty() || row.tokens.end > target {
            return None;
        }
        let hidden = known.of_span(&row.tokens, target)?;
        let deleted = known.of_deleted(&row.tokens, target);
        if [Some(hidden), deleted].into_iter().flatten().any(|effect| effect.abs() >= floor) {
            return None;
        }
        let deleted =
            deleted.map_or_else(String::new, |nats| format!("delete {}, ", display::signed(nats)));
        Some(Problem {
            severity: Severity::Hint,
            code: IDLE_LINE,
            message: format!(
                "this line has no measured effect on the answer ({deleted}knock-out {} nats; floor {floor}); remove it?",
                display::signed(hidden)
            ),
            source: place.prompt.text.map.to_source(start..end),
        })
    };
    roll_up(&ask.text, &lines, &glance.tokens, none).into_iter().filter_map(hint).collect()
}
