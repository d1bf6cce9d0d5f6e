//! `textDocument/codeLens`: above each prompt, what it predicts, and what can be done with it. The titles hold the answer of a
//! glance; while a model loads they say so, and a refresh follows. Above messages, sections and examples their shares, once a hover
//! or a view has computed them: a lens computes none itself.

use crate::{
    answering::Desk,
    part_shares::{effects, headed, shares, shown},
    place::Place,
    verbs::{MOST_LOOKED_AT, commands::Command, inlay_hints::is_superseded, lsp_range},
};
use limpid_protocol::{
    display,
    view_error::{ErrorKind, ViewError},
    views::tokens::TokensView,
};
use std::ops::Range;
use tower_lsp::ls_types::{self as lsp, Uri};

/// Longest name of a part, in columns.
const NAME_COLUMNS: usize = 40;

/// What is known of a part with a heading.
struct Share {
    /// Its bytes of the document.
    span: Range<usize>,
    title: String,
    /// One that is not is measured by a click.
    is_measured: bool,
}

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
            let lens = |start: usize, title: String, command: Command| {
                let range = lsp_range(&place.text, start..start, self.encoding());
                let command = Some(command.lsp(title, uri, range.start));
                lsp::CodeLens { range, command, data: None }
            };
            let start = place.prompt.source.start;
            let offered = offered(&place, summary).into_iter();
            lenses.extend(offered.map(|(title, command)| lens(start, title, command)));
            for share in self.known_shares(&place) {
                let mut shown = lens(share.span.start, share.title, Command::Inspect);
                if !share.is_measured {
                    let range = lsp_range(&place.text, share.span, self.encoding());
                    let title = shown.command.take().map(|command| command.title);
                    let title = title.unwrap_or_default();
                    shown.command = Some(Command::Measure.lsp_within(title, uri, range));
                }
                lenses.push(shown);
            }
        }
        Some(lenses)
    }
}

impl Desk {
    /// Shares of a prompt's parts with headings; none where they are not known yet.
    fn known_shares(&self, place: &Place) -> Vec<Share> {
        let numbers = &self.shared.numbers;
        let (Some(one), Some(two)) = (numbers.first(&place.ask), numbers.second(&place.ask)) else {
            return Vec::new();
        };
        let parts = headed(place);
        let spans: Vec<_> = parts.iter().map(|(.., span)| span.clone()).collect();
        let scores = shares(&place.ask, &spans, &one, &two);
        let effects = effects(&place.ask, &spans, &one, &numbers.known_effects(&place.ask));
        let unit = &two.attribution.unit;
        let scored = parts.into_iter().zip(scores.iter().zip(effects));
        let one =
            |((name, span, _), (score, effect)): ((String, Range<usize>, _), (_, Option<f32>))| {
                let name = display::cut(&display::escape(&name), NAME_COLUMNS);
                let title = format!("{name} {}", shown(score, unit, effect));
                Share { span, title, is_measured: effect.is_some() }
            };
        scored.map(one).collect()
    }

    /// Has the editor ask anew for the lenses of a prompt whose shares have become known.
    pub(super) fn refresh_shares(&self, place: &Place) {
        if headed(place).is_empty() {
            return;
        }
        let (negotiated, client) = (self.negotiated(), self.client.clone());
        tokio::spawn(async move { negotiated.refresh_lenses(&client).await });
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
        ("Measure effects".to_owned(), Command::Measure),
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
