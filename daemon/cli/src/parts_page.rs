//! Roll-ups as text for people: parts of the prompt with bars. The sink is told apart and never sets the scale.

use crate::{
    page::{Page, bar},
    render::measured,
};
use limpid_protocol::{
    display,
    part_row::{PartBy, PartKind, PartRow},
};

/// Columns of a share's bar.
const SHARE_BAR: usize = 12;
/// Columns before a part's text.
const BEFORE_TEXT: usize = 44;

/// Parts of the prompt, in its order.
pub(crate) fn parts(by: PartBy, rows: &[PartRow], page: &mut Page) {
    let title = format!("by {}", by.as_str());
    let is_measured = rows.iter().any(|row| row.effect.is_some());
    let effect = if is_measured { ", effect of hiding it (? not measured)" } else { "" };
    page.heading(&title, &format!("share of flow without the sink, flow, ~attribution{effect}"));
    let strongest = rows.iter().map(|row| row.share).fold(0.0, f32::max);
    let mut number = 0;
    for row in rows {
        let is_named = row.kind.as_str() == by.as_str();
        number += usize::from(is_named);
        let label = if is_named { number.to_string() } else { String::new() };
        let scaled = if strongest > 0.0 { row.share / strongest } else { 0.0 };
        let share = bar(scaled, SHARE_BAR);
        let fill = " ".repeat(SHARE_BAR.saturating_sub(display::width(&share)));
        page.line(&format!(
            "  {label:>4} {share}{fill} {:>7} {:>7} {:>8}{}  {}",
            display::flow(row.share),
            display::flow(row.flow),
            format!("~{}", display::signed(row.attribution)),
            measured(is_measured, row.effect, row.disagreement),
            text(row, page),
        ));
    }
}

fn text(row: &PartRow, page: &Page) -> String {
    let name = match (row.kind, &row.name) {
        (PartKind::Template, _) => "template ".to_owned(),
        (_, Some(name)) => format!("{}: ", display::escape(name)),
        (_, None) => String::new(),
    };
    let sink = if row.is_sink { page.sink() + " " } else { String::new() };
    let taken = BEFORE_TEXT + display::width(&name) + if row.is_sink { 7 } else { 0 };
    let room = page.width().saturating_sub(taken).max(20);
    let words = row.kind == PartKind::Word;
    let own = if words { row.text.clone() } else { row.text.trim().to_owned() };
    format!("{sink}{name}{}", display::cut(&own, room))
}
