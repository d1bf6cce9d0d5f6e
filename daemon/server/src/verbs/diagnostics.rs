//! Diagnostics: what is wrong with a document at once, and what its model says about its prompts a moment later. Clients that
//! ask for diagnostics get them when they ask; to the others they are sent.

use crate::{
    analyst::{Ask, Job, Turn},
    answering::Desk,
    job_desk::JobDesk,
    place::Place,
    prompt_document::{Problem, Severity},
    settings::{Settings, assist},
    token_table::token_source,
    verbs::{
        MOST_LOOKED_AT, idle_lines::idle_lines, is_folder_settings, lsp_range,
        template_notes::template_notes,
    },
};
use limpid_protocol::{
    display,
    inspection::{Prediction, TokenRow},
    route_graph::NodeKind,
    view_error::{ErrorKind, ViewError},
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tower_lsp::ls_types::{self as lsp, Uri};

/// A pause in typing before the model is asked.
const PAUSE: Duration = Duration::from_millis(300);
/// A trailing space is worth a word when it moves the best prediction's probability by this share.
const MOVED: f32 = 0.1;
/// Code of the problem whose fix is to take trailing white space away.
pub(super) const TRAILING_SPACE: &str = "trailing-space";
/// Special tokens in one prompt that are pointed at.
const MOST_SPECIALS: usize = 20;

impl Desk {
    /// `textDocument/diagnostic`.
    pub(crate) async fn diagnosed(
        &self,
        params: &lsp::DocumentDiagnosticParams,
    ) -> lsp::DocumentDiagnosticReport {
        let uri = &params.text_document.uri;
        let mut problems = self.problems(uri);
        problems.extend(self.model_problems(uri).await);
        let items = self.diagnostics(uri, &problems);
        let id = result_id(&items);
        if params.previous_result_id.as_ref() == Some(&id) {
            let same = lsp::UnchangedDocumentDiagnosticReport { result_id: id };
            return lsp::DocumentDiagnosticReport::Unchanged(
                lsp::RelatedUnchangedDocumentDiagnosticReport {
                    related_documents: None,
                    unchanged_document_diagnostic_report: same,
                },
            );
        }
        let full = lsp::FullDocumentDiagnosticReport { result_id: Some(id), items };
        lsp::DocumentDiagnosticReport::Full(lsp::RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: full,
        })
    }

    /// After a document was opened or changed: sends what is wrong with it, unless the client asks for that itself.
    pub(crate) fn announce_problems(self: &Arc<Self>, uri: Uri) {
        if self.negotiated().pulls_diagnostics {
            return;
        }
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            let version = desk.documents.version(uri.as_str());
            let at_once = desk.problems(&uri);
            desk.publish(&uri, version, &at_once).await;
            tokio::time::sleep(PAUSE).await;
            // What the model says comes when there is one: nobody has it loaded only for this.
            let holds =
                || !desk.flights.is_closed() && desk.documents.version(uri.as_str()) == version;
            while holds() && desk.lacks_model(&uri) {
                tokio::time::sleep(PAUSE).await;
            }
            if !holds() {
                return;
            }
            let mut problems = desk.model_problems(&uri).await;
            if !problems.is_empty() && holds() {
                problems.splice(0..0, at_once);
                desk.publish(&uri, version, &problems).await;
            }
        });
    }

    /// Whether a model of the document's prompts is not loaded.
    fn lacks_model(&self, uri: &Uri) -> bool {
        let analyst = &self.shared.analyst;
        let places = self.prompts(uri);
        places
            .iter()
            .take(MOST_LOOKED_AT)
            .any(|place| !analyst.is_loaded(place.ask.model.as_deref()))
    }

    /// After a document was closed: takes away what was said about it.
    pub(crate) async fn withdraw_problems(&self, uri: &Uri) {
        self.publish(uri, None, &[]).await;
    }

    async fn publish(&self, uri: &Uri, version: Option<i32>, problems: &[Problem]) {
        let items = self.diagnostics(uri, problems);
        // An editor that was told nothing need not be told that there is nothing.
        let was_told = {
            let mut told = self.told_problems.lock().unwrap_or_else(PoisonError::into_inner);
            match items.is_empty() {
                true => told.remove(uri.as_str()),
                false => !told.insert(uri.as_str().to_owned()),
            }
        };
        if items.is_empty() && !was_told {
            return;
        }
        self.client.publish_diagnostics(uri.clone(), items, version).await;
    }

    /// What the document itself shows to be wrong.
    fn problems(&self, uri: &Uri) -> Vec<Problem> {
        match self.documents.snapshot(uri.as_str()) {
            Ok(document) if is_folder_settings(uri) => assist::diagnose(&document.text.to_string()),
            Ok(document) => {
                let prompts = document.prompts(uri.as_str());
                prompts.iter().flat_map(|prompt| prompt.problems.clone()).collect()
            }
            Err(error) => self.documents.version(uri.as_str()).map_or_else(Vec::new, |_| {
                vec![Problem {
                    severity: Severity::Warning,
                    code: ErrorKind::DocumentNotOpen.as_str(),
                    message: error.message.replacen(uri.as_str(), "this document", 1),
                    source: 0..0,
                }]
            }),
        }
    }

    /// What the model says about the document's prompts.
    async fn model_problems(&self, uri: &Uri) -> Vec<Problem> {
        let mut problems = Vec::new();
        for place in self.prompts(uri).into_iter().take(MOST_LOOKED_AT) {
            let of = Arc::clone(&place);
            let settings = self.settings_of(uri.as_str());
            let found = self
                .run("textDocument/diagnostic", &place, move |desk, job| {
                    checked(desk, &of, &settings, job)
                })
                .await;
            problems.extend(found.unwrap_or_default());
        }
        problems
    }

    fn diagnostics(&self, uri: &Uri, problems: &[Problem]) -> Vec<lsp::Diagnostic> {
        let text = self.documents.snapshot(uri.as_str()).map(|document| document.text);
        let text = text.unwrap_or_default();
        let one = |problem: &Problem| lsp::Diagnostic {
            range: lsp_range(&text, problem.source.clone(), self.encoding()),
            severity: Some(match problem.severity {
                Severity::Error => lsp::DiagnosticSeverity::ERROR,
                Severity::Warning => lsp::DiagnosticSeverity::WARNING,
                Severity::Information => lsp::DiagnosticSeverity::INFORMATION,
                Severity::Hint => lsp::DiagnosticSeverity::HINT,
            }),
            source: Some("limpid".into()),
            code: Some(lsp::NumberOrString::String(problem.code.into())),
            message: display::escape(&problem.message),
            ..lsp::Diagnostic::default()
        };
        problems.iter().map(one).collect()
    }
}

/// Names a list of diagnostics, so that an unchanged one need not be sent again.
fn result_id(items: &[lsp::Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(items).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// What a model has against a prompt.
fn checked(
    desk: &JobDesk,
    place: &Place,
    settings: &Settings,
    job: &Job,
) -> Result<Vec<Problem>, ViewError> {
    let glance = match desk.glance(&place.ask, job) {
        Ok(glance) => glance,
        Err(error) => return Ok(refusal(&error, place).into_iter().collect()),
    };
    let mut problems = Vec::new();
    if let Some((trimmed, cut)) = without_trailing_space(&place.ask) {
        let without = desk.glance(&trimmed, job)?;
        let [with, without] = [&glance, &without].map(|glance| glance.predictions.first());
        if let (Some(with), Some(without)) = (with, without)
            && differ(with, without)
        {
            problems.push(Problem {
                severity: Severity::Warning,
                code: TRAILING_SPACE,
                message: format!(
                    "trailing space changes the prediction: {} becomes {}; remove it",
                    prediction(without),
                    prediction(with)
                ),
                source: place.prompt.text.map.to_source(cut),
            });
        }
    }
    problems.extend(template_notes(desk, place, job)?);
    problems.extend(specials(desk, place, &glance.tokens)?);
    let further = settings.untrusted.as_deref().unwrap_or_default();
    problems.extend(outweighed(desk, place, further, job)?);
    problems.extend(idle_lines(desk, place, &glance, settings.effects_floor));
    Ok(problems)
}

/// What a refusal says about the prompt, if it is the prompt that is refused.
fn refusal(error: &ViewError, place: &Place) -> Option<Problem> {
    let (code, source) = match error.kind() {
        ErrorKind::ContextWindow => ("context-window", place.prompt.body.clone()),
        ErrorKind::MalformedFile if place.ask.turns.is_some() => {
            let first = place.prompt.text.messages.iter().flatten().next();
            ("chat-template", first.map_or(place.prompt.body.clone(), |m| m.source.clone()))
        }
        ErrorKind::ModelNotFound => {
            let model = place.prompt.settings.model.as_ref()?;
            ("model", model.source.clone())
        }
        ErrorKind::BadRequest => {
            let settings = &place.prompt.settings;
            let named = settings.target.as_ref().or(settings.foil.as_ref())?;
            ("token", named.source.clone())
        }
        _ => return None,
    };
    Some(Problem { severity: Severity::Error, code, message: error.message.clone(), source })
}

/// The same question without spaces and tabs at the end of the text, and which bytes of the text those are.
fn without_trailing_space(ask: &Ask) -> Option<(Ask, Range<usize>)> {
    let end = ask.text.trim_end_matches([' ', '\t']).len();
    if end == 0 || end == ask.text.len() {
        return None;
    }
    let shorter = |turn: &Turn| Turn {
        role: turn.role.clone(),
        content: turn.content.start.min(end)..turn.content.end.min(end),
    };
    let turns = ask.turns.as_ref().map(|turns| turns.iter().map(shorter).collect());
    // Another text has another best token; the target stays only if it was named.
    let trimmed = Ask { text: ask.text[..end].into(), turns, ..ask.clone() };
    Some((trimmed, end..ask.text.len()))
}

fn differ(with: &Prediction, without: &Prediction) -> bool {
    with.text.trim() != without.text.trim() || (with.prob - without.prob).abs() > MOVED
}

fn prediction(row: &Prediction) -> String {
    format!("{} {}", display::token(&row.text), display::probability(row.prob))
}

/// Names of special tokens in the text: what the model takes them for.
fn specials(desk: &JobDesk, place: &Place, tokens: &[TokenRow]) -> Result<Vec<Problem>, ViewError> {
    let text = &place.ask.text;
    let names = desk.analyst()?.special_tokens(place.ask.model.as_deref());
    let mut found: Vec<(usize, &str)> = names
        .iter()
        .filter(|name| name.len() > 1)
        .flat_map(|name| text.match_indices(name.as_str()))
        .collect();
    found.sort_unstable();
    let problem = |(at, name): (usize, &str)| {
        let span = at..at + name.len();
        let inside =
            |token: &&TokenRow| token.start < Some(span.end) && token.end > Some(span.start);
        let n_tokens = tokens.iter().filter(inside).count();
        let name = display::token(name);
        let (severity, message) = if place.ask.turns.is_some() {
            let what = format!(
                "{name} is read as {n_tokens} ordinary tokens here: the content of a message holds no special tokens"
            );
            (Severity::Warning, what)
        } else {
            let what = format!(
                "{name} is read as the special token of that name; in a chat message it would be text"
            );
            (Severity::Hint, what)
        };
        let source = place.prompt.text.map.to_source(span);
        Problem { severity, code: "special-token", message, source }
    };
    Ok(found.into_iter().take(MOST_SPECIALS).map(problem).collect())
}

/// Whether text that others wrote weighs more than the system message, by flow to the prediction; `further` roles are others'.
fn outweighed(
    desk: &JobDesk,
    place: &Place,
    further: &[String],
    job: &Job,
) -> Result<Option<Problem>, ViewError> {
    let messages = || place.prompt.text.messages.iter().flatten();
    let others = messages().filter(|message| further.contains(&message.role));
    let mut untrusted = place.prompt.settings.untrusted.clone();
    untrusted.extend(others.map(|message| message.source.clone()));
    let system: Vec<Range<usize>> = messages()
        .filter(|message| matches!(message.role.as_str(), "system" | "developer"))
        .map(|message| message.source.clone())
        .collect();
    let (Some(first), false) = (untrusted.first(), system.is_empty()) else { return Ok(None) };
    let inspection = desk.inspection(&place.ask, job)?;
    let embeds = inspection.routes.nodes.iter().filter(|node| node.kind == NodeKind::Embed);
    let (mut theirs, mut ours) = (0.0, 0.0);
    for node in embeds {
        let token = inspection.tokens.get(node.position);
        let Some(span) = token.and_then(|token| token_source(token, place)) else { continue };
        let stands_in =
            |parts: &[Range<usize>]| parts.iter().any(|part| part.contains(&span.start));
        if stands_in(&untrusted) {
            theirs += node.flow;
        } else if stands_in(&system) {
            ours += node.flow;
        }
    }
    let line = |byte: usize| place.text.byte_to_line(byte) + 1;
    let lines = |part: &Range<usize>| {
        let (first, last) = (line(part.start), line(part.end.saturating_sub(1).max(part.start)));
        if first == last { format!("line {first}") } else { format!("lines {first}-{last}") }
    };
    Ok((theirs > ours).then(|| Problem {
        severity: Severity::Warning,
        code: "untrusted",
        message: format!(
            "untrusted text ({}) weighs more than the system message: {} of the flow against {}",
            untrusted.iter().map(lines).collect::<Vec<_>>().join(", "),
            display::flow(theirs),
            display::flow(ours)
        ),
        source: first.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::without_trailing_space;
    use crate::analyst::{Ask, Turn};

    #[test]
    fn the_last_message_loses_its_trailing_space() {
        let turn = |content| Turn { role: "user".into(), content };
        let ask = Ask { turns: Some([turn(0..2), turn(2..6)].into()), ..Ask::of_text("hihey ") };
        let (trimmed, cut) = without_trailing_space(&ask).unwrap();
        assert_eq!((&*trimmed.text, cut), ("hihey", 5..6));
        assert_eq!(trimmed.turns.unwrap()[1].content, 2..5);
        assert!(without_trailing_space(&Ask::of_text("a")).is_none());
        assert!(without_trailing_space(&Ask::of_text("  ")).is_none());
    }
}
