//! Heat by score, for editors that draw it themselves: semanticTokens (token types `limpidSupport1..7`, `limpidOppose1..7`,
//! `limpidSink`) and documentColor. Nothing appears unless the setting `heat.show` asks for it.

use crate::{
    answering::Desk,
    methods::ATP,
    place::Place,
    positions::to_range,
    settings::HeatShow,
    token_table::token_source,
    verbs::{MOST_LOOKED_AT, lsp_range},
};
use limpid_protocol::{
    inspection::TokenRow, request::Subject, views::attribution::AttributionParams,
};
use std::{ops::Range, sync::Arc};
use tower_lsp::ls_types::{self as lsp, Uri};

/// Steps of a scale.
const STEPS: usize = 7;

/// A token's place on the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Supports the target, 1..=7.
    Support(usize),
    /// Opposes it, 1..=7.
    Oppose(usize),
    /// The first token: shown apart.
    Sink,
}

impl Step {
    fn token_type(self) -> u32 {
        match self {
            Self::Support(step) => step as u32 - 1,
            Self::Oppose(step) => (STEPS + step) as u32 - 1,
            Self::Sink => 2 * STEPS as u32,
        }
    }

    /// Blue supports, orange opposes, grey is the sink; both colour-blind safe.
    fn color(self) -> lsp::Color {
        let (red, green, blue, share) = match self {
            Self::Support(step) => (0.0, 0.447, 0.698, step as f32 / STEPS as f32),
            Self::Oppose(step) => (0.835, 0.369, 0.0, step as f32 / STEPS as f32),
            Self::Sink => (0.6, 0.6, 0.6, 0.5),
        };
        let toward = |c: f32| 1.0 - (1.0 - c) * share;
        lsp::Color { red: toward(red), green: toward(green), blue: toward(blue), alpha: 1.0 }
    }
}

/// Names of the token types, in the order of [`Step::token_type`].
pub(crate) fn legend() -> lsp::SemanticTokensLegend {
    let steps = |name: &'static str| {
        (1..=STEPS).map(move |step| lsp::SemanticTokenType::from(format!("{name}{step}")))
    };
    let sink = lsp::SemanticTokenType::from("limpidSink".to_owned());
    lsp::SemanticTokensLegend {
        token_types: steps("limpidSupport").chain(steps("limpidOppose")).chain([sink]).collect(),
        token_modifiers: Vec::new(),
    }
}

impl Desk {
    /// `textDocument/semanticTokens/full`.
    pub(crate) async fn heat_tokens(&self, uri: &Uri) -> Option<lsp::SemanticTokens> {
        let mut data = Vec::new();
        let mut last = lsp::Position::default();
        if self.settings_of(uri.as_str()).heat_show == Some(HeatShow::Tokens) {
            for (span, step, place) in self.heat(uri).await {
                for range in by_line(&place, span) {
                    let range = lsp_range(&place.text, range, self.encoding());
                    let (at, end) = (range.start, range.end);
                    let same_line = at.line == last.line;
                    data.push(lsp::SemanticToken {
                        delta_line: at.line - last.line,
                        delta_start: at.character - if same_line { last.character } else { 0 },
                        length: end.character - at.character,
                        token_type: step.token_type(),
                        token_modifiers_bitset: 0,
                    });
                    last = at;
                }
            }
        }
        Some(lsp::SemanticTokens { result_id: None, data })
    }

    /// `textDocument/documentColor`.
    pub(crate) async fn heat_colors(&self, uri: &Uri) -> Vec<lsp::ColorInformation> {
        if self.settings_of(uri.as_str()).heat_show != Some(HeatShow::Colors) {
            return Vec::new();
        }
        let color = |(span, step, place): (Range<usize>, Step, Arc<Place>)| lsp::ColorInformation {
            range: lsp_range(&place.text, span, self.encoding()),
            color: step.color(),
        };
        self.heat(uri).await.into_iter().map(color).collect()
    }

    /// Every token that has a step, in the order of the document; spans do not overlap.
    async fn heat(&self, uri: &Uri) -> Vec<(Range<usize>, Step, Arc<Place>)> {
        let mut found = Vec::new();
        let method = self.settings_of(uri.as_str()).heat_method.clone();
        let method = method.unwrap_or_else(|| ATP.to_owned());
        for place in self.prompts(uri).into_iter().take(MOST_LOOKED_AT) {
            let (ask, method) = (place.ask.clone(), method.clone());
            let result = self
                .run("textDocument/semanticTokens/full", &place, move |desk, job| {
                    let glance = desk.glance(&ask, job)?;
                    let params = AttributionParams {
                        subject: Subject::nothing(),
                        methods: Some(vec![method.clone()]),
                        top: Some(0),
                    };
                    let view = desk.analyst()?.attributions(&ask, &params, job)?;
                    Ok((glance, view.attribution.scores))
                })
                .await;
            let Ok((glance, scores)) = result else { continue };
            let mut at = 0;
            for (token, step) in steps(&glance.tokens, &scores) {
                let Some(span) = token_source(token, &place) else { continue };
                // Tokens that share a character, or a variable's place, are drawn once.
                let span = span.start.max(at)..span.end;
                if !span.is_empty() {
                    at = span.end;
                    found.push((span, step, Arc::clone(&place)));
                }
            }
        }
        found
    }
}

/// Steps by share of the largest score without the first token's; tokens below half a step have none.
fn steps<'a>(tokens: &'a [TokenRow], scores: &[f32]) -> impl Iterator<Item = (&'a TokenRow, Step)> {
    let largest = scores.iter().skip(1).fold(0f32, |most, score| most.max(score.abs()));
    tokens.iter().zip(scores).filter_map(move |(token, &score)| {
        if token.index == 0 {
            return Some((token, Step::Sink));
        }
        let step = (score.abs() / largest * STEPS as f32).round();
        if largest <= 0.0 || step < 1.0 {
            return None;
        }
        let step = (step as usize).min(STEPS);
        Some((token, if score > 0.0 { Step::Support(step) } else { Step::Oppose(step) }))
    })
}

/// A span cut at line breaks: a semantic token stands on one line.
fn by_line(place: &Place, span: Range<usize>) -> Vec<Range<usize>> {
    let text = place.text.byte_slice(to_whole(place, &span)).to_string();
    let start = to_whole(place, &span).start;
    let mut at = 0;
    let mut spans = Vec::new();
    for line in text.split_inclusive(['\n', '\r']) {
        let shown = line.trim_end_matches(['\n', '\r']);
        if !shown.is_empty() {
            spans.push(start + at..start + at + shown.len());
        }
        at += line.len();
    }
    spans
}

/// The span snapped outwards to whole characters.
fn to_whole(place: &Place, span: &Range<usize>) -> Range<usize> {
    let range = to_range(&place.text, span.clone(), crate::positions::Encoding::Utf8);
    let byte = |at| crate::positions::to_byte(&place.text, at, crate::positions::Encoding::Utf8);
    byte(range.start)..byte(range.end)
}
