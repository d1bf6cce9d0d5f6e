//! Two continuations side by side: token by token, with and without the switches, the first difference marked.

use crate::page::Page;
use limpid_protocol::{
    display,
    views::continuation::{Continuation, ContinuedToken},
};

/// Columns of a token.
const TOKEN: usize = 22;

/// Both continuations.
pub(crate) fn side_by_side(answer: &Continuation, page: &mut Page) {
    let (Some(switches), Some(unchanged)) = (&answer.switches, &answer.unchanged) else { return };
    page.heading(
        "continues",
        &format!("probability; with: {}", display::escape(&switches.to_string())),
    );
    page.line(&format!("       {} with", page.cell("without", TOKEN + 9)));
    let cell = |token: Option<&ContinuedToken>, stopped: &str, page: &Page| match token {
        Some(token) => format!(
            "{} {:>7}",
            page.cell(&display::token(&token.text), TOKEN),
            display::probability(token.prob)
        ),
        None => format!("{} {:>7}", page.cell(stopped, TOKEN), ""),
    };
    let n = unchanged.tokens.len().max(answer.tokens.len());
    for at in 0..n {
        let (own, other) = (unchanged.tokens.get(at), answer.tokens.get(at));
        let end = |stopped: &str, len: usize| {
            if at == len { format!("({stopped})") } else { String::new() }
        };
        let own_end = end(unchanged.stopped_by.as_str(), unchanged.tokens.len());
        let other_end = end(answer.stopped_by.as_str(), answer.tokens.len());
        let mark = if unchanged.first_difference == Some(at) { "≠" } else { " " };
        page.line(&format!(
            "  {at:>3} {} {mark} {}",
            cell(own, &own_end, page),
            cell(other, &other_end, page).trim_end()
        ));
    }
    page.line("");
    page.line(&match unchanged.first_difference {
        Some(at) => format!("  first difference at token {at}"),
        None => "  no difference".to_owned(),
    });
    page.line(&format!("  without: {}", display::escape(&unchanged.text)));
    page.line(&format!("  with:    {}", display::escape(&answer.text)));
}
