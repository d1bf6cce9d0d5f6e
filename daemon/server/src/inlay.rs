//! The prediction after a prompt: three tokens at once, ten with logits when the client asks for more.

use crate::hover::code;
use limpid_protocol::{
    display,
    inspection::Prediction,
    view_error::{ErrorKind, ViewError},
    views::tokens::TokensView,
};
use tower_lsp::ls_types::{
    InlayHint, InlayHintLabel, InlayHintTooltip, MarkupContent, MarkupKind, Position,
};

/// The hint of a glance, with this many predictions.
pub(crate) fn prediction_hint(
    at: Position,
    glance: &TokensView,
    shown: usize,
    analysis: &str,
) -> InlayHint {
    let one = |row: &Prediction| {
        format!(" {} {}", display::token(&row.text), display::probability(row.prob))
    };
    let label = glance.predictions.iter().take(shown).map(one).collect::<Vec<_>>().join(" ");
    InlayHint { data: Some(serde_json::json!({ "analysis": analysis })), ..hint(at, label) }
}

/// The hint while there is no prediction; none when nothing should be shown.
pub(crate) fn problem_hint(at: Position, error: &ViewError) -> Option<InlayHint> {
    let label = match error.kind() {
        ErrorKind::EmptyPrompt
        | ErrorKind::DocumentNotOpen
        | ErrorKind::Cancelled
        | ErrorKind::StaleVersion => {
            return None;
        }
        ErrorKind::ModelLoading => {
            let model = display::escape(error.data.model.as_deref().unwrap_or("model"));
            format!(" ⟳ {model} {:.0} %", error.data.loaded.unwrap_or(0.0) * 100.0)
        }
        _ => match (error.data.n_tokens, error.data.n_ctx) {
            (Some(n_tokens), Some(n_ctx)) => {
                let (n_tokens, n_ctx) = (display::thousands(n_tokens), display::thousands(n_ctx));
                format!(" ⚠ prompt is {n_tokens} tokens, window {n_ctx}")
            }
            _ => format!(" ⚠ {}", display::cut(&display::escape(&error.message), 80)),
        },
    };
    Some(hint(at, label))
}

/// What resolving a hint adds: ten predictions with logits.
pub(crate) fn tooltip(glance: &TokensView) -> InlayHintTooltip {
    let mut text = format!("Next token, {}\n\n", code(&glance.model.name));
    for row in &glance.predictions {
        let (prob, logit) = (display::probability(row.prob), display::nats(row.logit));
        text += &format!("- {} {prob} (logit {logit})\n", code(&row.text));
    }
    InlayHintTooltip::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value: text })
}

/// The hint at the end of a line: how surprising its tokens are to the model, together.
pub(crate) fn surprisal_hint(at: Position, nats: f32) -> InlayHint {
    hint(at, format!(" {} nats", display::nats(nats)))
}

fn hint(position: Position, label: String) -> InlayHint {
    InlayHint {
        position,
        label: InlayHintLabel::String(label),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}
