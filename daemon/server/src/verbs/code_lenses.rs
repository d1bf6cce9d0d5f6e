//! `textDocument/codeLens`: above each prompt, what it predicts, and what can be done with it. The titles hold the answer of a
//! glance; while a model loads they say so, and a refresh follows.

use crate::{
    answering::Desk,
    place::Place,
    verbs::{MOST_LOOKED_AT, commands::Command, inlay_hints::is_superseded, lsp_range},
};
use limpid_protocol::{
    display,
    view_error::{ErrorKind, ViewError},
    views::tokens::TokensView,
};
use tower_lsp::ls_types::{self as lsp, Uri};

impl Desk {
    /// `textDocument/codeLens`.
    pub(crate) async fn lenses(&self, uri: &Uri) -> Option<Vec<lsp::CodeLens>> {
        let mut lenses = Vec::new();
        for (at, place) in self.prompts(uri).into_iter().enumerate() {
            let summary = if at < MOST_LOOKED_AT {
                match self.glanced("textDocument/codeLens", &place).await {
                    Ok(glance) => summary(&glance),
                    Err(error) if is_superseded(&error) => return None,
                    Err(error) => problem(&error),
                }
            } else {
                "Limpid: inspect".to_owned()
            };
            let start = place.prompt.source.start;
            let range = lsp_range(&place.text, start..start, self.encoding());
            let lens = |(title, command): (String, Command)| lsp::CodeLens {
                range,
                command: Some(command.lsp(title, uri, range.start)),
                data: None,
            };
            lenses.extend(offered(&place, summary).into_iter().map(lens));
        }
        Some(lenses)
    }
}

/// What is offered above a prompt.
fn offered(place: &Place, summary: String) -> Vec<(String, Command)> {
    let settings = &place.prompt.settings;
    let foil = match &settings.foil {
        Some(foil) => format!("Rather than {}", display::token(&foil.value)),
        None => "Why not…".to_owned(),
    };
    let mut lenses = vec![
        (summary, Command::Inspect),
        ("Target…".to_owned(), Command::SetTarget),
        (foil, Command::SetFoil),
        ("Continue".to_owned(), Command::Continue),
    ];
    if place.prompt.text.messages.is_none() {
        let title = if place.ask.turns.is_some() { "Read as text" } else { "Apply chat template" };
        lenses.push((title.to_owned(), Command::ApplyTemplate));
    }
    lenses
}

/// `Limpid: ·Paris 77 % · SmolLM2-135M-Instruct · 6 tokens`
fn summary(glance: &TokensView) -> String {
    let best = glance.predictions.first().map_or_else(String::new, |best| {
        format!("{} {}", display::token(&best.text), display::probability(best.prob))
    });
    let n_tokens = display::thousands(glance.tokens.len());
    format!("Limpid: {best} · {} · {n_tokens} tokens", display::escape(&glance.model.name))
}

fn problem(error: &ViewError) -> String {
    match error.kind() {
        ErrorKind::ModelLoading => {
            let model = display::escape(error.data.model.as_deref().unwrap_or("model"));
            format!("Limpid: {model} is loading, {:.0} %", error.data.loaded.unwrap_or(0.0) * 100.0)
        }
        _ => format!("Limpid: {}", display::cut(&display::escape(&error.message), 80)),
    }
}
