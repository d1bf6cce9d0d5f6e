//! `textDocument/codeAction`: fixes of diagnostics, and what can be done with the prompt under the cursor.

use crate::{
    answering::Desk,
    place::Place,
    positions::to_byte,
    prompt_edit::{Setting, edit},
    verbs::{
        Spot,
        commands::{Command, workspace_edit},
        diagnostics::TRAILING_SPACE,
        from_lsp,
        idle_lines::IDLE_LINE,
        lsp_range,
    },
};
use limpid_protocol::{display, inspection::Prediction};
use tower_lsp::ls_types::{self as lsp, Uri};

/// Likely tokens that are offered as target and as foil.
const OFFERED: usize = 3;

impl Desk {
    /// `textDocument/codeAction`.
    pub(crate) async fn actions(
        &self,
        params: &lsp::CodeActionParams,
    ) -> Option<Vec<lsp::CodeActionOrCommand>> {
        let uri = &params.text_document.uri;
        let at = lsp::TextDocumentPositionParams {
            text_document: params.text_document.clone(),
            position: params.range.start,
        };
        let spot = self.spot(&at)?;
        let place = &spot.place;
        let mut actions: Vec<lsp::CodeActionOrCommand> =
            params.context.diagnostics.iter().filter_map(|d| fix(uri, d)).collect();
        actions.extend(self.untrusted(uri, place, params.range));
        let command = |title: &str, command: Command| {
            lsp::CodeActionOrCommand::Command(command.lsp(title.to_owned(), uri, at.position))
        };
        actions.push(command("Limpid: what does this rest on?", Command::Inspect));
        actions.push(command("Limpid: measure effects of the prompt's parts", Command::Measure));
        actions.extend(self.measurable(uri, &spot, params.range));
        // The model is not waited for: a menu opens at once.
        let has_room = || {
            let text = place.text.to_string();
            edit(uri.as_str(), &text, &place.prompt, Setting::Target("")).is_ok()
        };
        if let Some(glance) = self.kept_glance(&place.ask).filter(|_| has_room()) {
            let target = glance.target.id;
            for row in glance.predictions.iter().take(OFFERED).filter(|row| row.id != target) {
                actions.push(setting(uri, at.position, row, Command::SetTarget));
                actions.push(setting(uri, at.position, row, Command::SetFoil));
            }
        }
        actions.push(command("Limpid: choose the target…", Command::SetTarget));
        actions.push(command("Limpid: why not…", Command::SetFoil));
        actions.push(command("Limpid: continue below", Command::Continue));
        if place.prompt.text.messages.is_none() {
            let title = match place.ask.turns {
                Some(_) => "Limpid: read as plain text",
                None => "Limpid: apply the chat template",
            };
            actions.push(command(title, Command::ApplyTemplate));
        }
        let wanted = params.context.only.as_ref();
        actions.retain(|action| wanted.is_none_or(|kinds| is_wanted(action, kinds)));
        Some(actions)
    }

    /// Measures the line, or the selection, and the message that the cursor is in.
    fn measurable(
        &self,
        uri: &Uri,
        spot: &Spot,
        selected: lsp::Range,
    ) -> Vec<lsp::CodeActionOrCommand> {
        let (place, text) = (&spot.place, &spot.place.text);
        let measure = |title: &str, range: lsp::Range| {
            let command = Command::Measure.lsp_within(title.to_owned(), uri, range);
            lsp::CodeActionOrCommand::Command(command)
        };
        let mut found = Vec::new();
        if selected.start == selected.end {
            let line = text.byte_to_line(spot.byte.min(text.len_bytes()));
            let end = text.line_to_byte((line + 1).min(text.len_lines()));
            let span = text.line_to_byte(line).max(place.prompt.body.start)..end;
            found.push(measure(
                "Limpid: measure effects of this line",
                lsp_range(text, span, self.encoding()),
            ));
        } else {
            found.push(measure("Limpid: measure effects of the selection", selected));
        }
        let messages = place.prompt.text.messages.iter().flatten();
        let around = messages
            .into_iter()
            .find(|message| (message.source.start..=message.source.end).contains(&spot.byte));
        found.extend(around.map(|message| {
            let title = format!(
                "Limpid: measure effects of this {} message",
                display::escape(&message.role)
            );
            measure(&title, lsp_range(text, message.source.clone(), self.encoding()))
        }));
        found
    }

    /// Marks selected lines as somebody else's text.
    fn untrusted(
        &self,
        uri: &Uri,
        place: &Place,
        range: lsp::Range,
    ) -> Option<lsp::CodeActionOrCommand> {
        let may_be_marked = uri.as_str().contains(".prompt") || uri.as_str().ends_with(".chat");
        if range.start.line == range.end.line || !may_be_marked {
            return None;
        }
        let byte = |at| to_byte(&place.text, from_lsp(at), self.encoding());
        let line_start = |byte: usize| place.text.line_to_byte(place.text.byte_to_line(byte));
        let start = line_start(byte(range.start)).max(place.prompt.body.start);
        let selected = byte(range.end);
        // The line of the last selected character is in, a line that the selection only touches is not.
        let last = place.text.byte_to_line(selected.saturating_sub(1).max(start));
        let end = place.text.line_to_byte((last + 1).min(place.text.len_lines()));
        let inside = place.text.byte_slice(start..end).to_string();
        let ends_line = inside.ends_with('\n');
        let text = format!(
            "<!-- limpid: untrusted -->\n{inside}{}<!-- limpid: trusted -->{}",
            if ends_line { "" } else { "\n" },
            if ends_line { "\n" } else { "" }
        );
        let edit = lsp::TextEdit {
            range: lsp_range(&place.text, start..end, self.encoding()),
            new_text: text,
        };
        Some(lsp::CodeActionOrCommand::CodeAction(lsp::CodeAction {
            title: "Limpid: mark these lines as untrusted".to_owned(),
            kind: Some(lsp::CodeActionKind::REFACTOR),
            edit: Some(workspace_edit(uri, edit)),
            ..lsp::CodeAction::default()
        }))
    }
}

fn is_wanted(action: &lsp::CodeActionOrCommand, kinds: &[lsp::CodeActionKind]) -> bool {
    let kind = match action {
        lsp::CodeActionOrCommand::CodeAction(action) => action.kind.as_ref(),
        lsp::CodeActionOrCommand::Command(_) => None,
    };
    let kind = kind.map_or("", lsp::CodeActionKind::as_str);
    kinds.iter().any(|wanted| {
        let rest = kind.strip_prefix(wanted.as_str());
        wanted.as_str().is_empty()
            || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The fix of a diagnostic of ours.
fn fix(uri: &Uri, diagnostic: &lsp::Diagnostic) -> Option<lsp::CodeActionOrCommand> {
    let Some(lsp::NumberOrString::String(code)) = &diagnostic.code else { return None };
    let title = match code.as_str() {
        _ if diagnostic.source.as_deref() != Some("limpid") => return None,
        TRAILING_SPACE => "Remove the trailing space",
        IDLE_LINE => "Remove the line",
        _ => return None,
    };
    let edit = lsp::TextEdit { range: diagnostic.range, new_text: String::new() };
    Some(lsp::CodeActionOrCommand::CodeAction(lsp::CodeAction {
        title: title.to_owned(),
        kind: Some(lsp::CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic.clone()]),
        edit: Some(workspace_edit(uri, edit)),
        is_preferred: Some(code == TRAILING_SPACE),
        ..lsp::CodeAction::default()
    }))
}

/// Makes a likely token the target or the foil.
fn setting(
    uri: &Uri,
    at: lsp::Position,
    row: &Prediction,
    command: Command,
) -> lsp::CodeActionOrCommand {
    let verb = if command == Command::SetFoil { "why not" } else { "explain" };
    let title = format!(
        "Limpid: {verb} {} ({})",
        display::token(&row.text),
        display::probability(row.prob)
    );
    lsp::CodeActionOrCommand::CodeAction(lsp::CodeAction {
        command: Some(command.lsp_with(title.clone(), uri, at, &row.text)),
        title,
        kind: Some(lsp::CodeActionKind::REFACTOR),
        ..lsp::CodeAction::default()
    })
}
