//! The command that measures a prompt, a line or a message: what its parts really do, in a few lines; lenses and hovers show the rest.

use crate::{answering::Desk, hover, place::Place, positions::to_byte, verbs::from_lsp};
use limpid_protocol::{
    display,
    effect::{EffectPart, EffectRow},
    view_error::ViewError,
    views::effect::{EffectParams, EffectSet, EffectView},
};
use std::sync::Arc;
use tower_lsp::ls_types::{self as lsp, MessageType};

/// Parts that are named.
const NAMED: usize = 5;
/// Longest name of a part, in columns.
const NAME_COLUMNS: usize = 40;

impl Desk {
    /// Measures the parts of a prompt, or of a range of it, and says which do most.
    pub(super) async fn measure_parts(
        &self,
        place: &Arc<Place>,
        range: Option<lsp::Range>,
    ) -> Result<(), ViewError> {
        let byte = |at| to_byte(&place.text, from_lsp(at), self.encoding());
        let within = range.map(|range| byte(range.start)..byte(range.end));
        let params = EffectParams::of(EffectSet::Parts);
        let (_, view) = self.measured(place, within, params).await?;
        self.client.show_message(MessageType::INFO, said(&view)).await;
        Ok(())
    }
}

fn said(view: &EffectView) -> String {
    let mut rows: Vec<(&EffectPart, f32, &EffectRow)> = view
        .effects
        .iter()
        .filter_map(|row| Some((row.part.as_ref()?, row.effect?, row)))
        .collect();
    rows.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let mut lines = vec![format!(
        "{} runs: hiding a part takes from {} (nats)",
        view.effects.len(),
        hover::code(&view.target.text)
    )];
    lines.extend(rows.iter().take(NAMED).map(|(part, effect, row)| {
        let mark = if row.disagreement.is_some() { " ≠" } else { "" };
        let name = display::cut(part.text.trim(), NAME_COLUMNS);
        let score = row.score.map_or_else(String::new, |score| {
            format!(" (estimate ~{}{mark})", display::signed(score))
        });
        format!("{} {}{score}", display::signed(*effect), hover::code(&name))
    }));
    if view.is_cut_short {
        lines.push(format!("{} not measured: the budget is spent", view.unmeasured.len()));
    }
    lines.join("\n")
}
