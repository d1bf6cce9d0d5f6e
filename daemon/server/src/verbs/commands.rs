//! `workspace/executeCommand`: what code lenses and code actions offer, carried out by the server, so that it works in an editor
//! without a plugin. A plugin may take a command over: it finds the same arguments, a document and a position in its prompt.

use crate::{
    answering::Desk,
    error_codes::to_jsonrpc,
    hover,
    place::Place,
    prompt_edit::{Setting, edit},
    verbs::{Spot, explained, lsp_range},
};
use limpid_protocol::{
    display,
    view_error::{ErrorKind, ViewError},
};
use serde_json::{Value, json};
use std::{collections::HashMap, ops::Range, sync::Arc};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{self as lsp, MessageType, Uri},
};

/// Tokens to choose a target or foil from.
const CHOICES: usize = 8;
/// Strongest tokens that `inspect` names.
const NAMED: usize = 5;

/// The commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Says what the prediction rests on.
    Inspect,
    /// Chooses the token that is explained.
    SetTarget,
    /// Chooses the token that it is compared with.
    SetFoil,
    /// Measures what hiding the prompt's parts changes.
    Measure,
    /// Writes the model's continuation below the prompt.
    Continue,
    /// Puts a plain text into the model's chat template, or takes it out.
    ApplyTemplate,
}

impl Command {
    /// All, in the order of the lenses.
    pub(crate) const ALL: [Self; 6] = [
        Self::Inspect,
        Self::SetTarget,
        Self::SetFoil,
        Self::Measure,
        Self::Continue,
        Self::ApplyTemplate,
    ];

    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inspect => "limpid.inspect",
            Self::SetTarget => "limpid.setTarget",
            Self::SetFoil => "limpid.setFoil",
            Self::Measure => "limpid.measure",
            Self::Continue => "limpid.continue",
            Self::ApplyTemplate => "limpid.applyTemplate",
        }
    }

    /// As an LSP command about the prompt at a position.
    pub(super) fn lsp(self, title: String, uri: &Uri, at: lsp::Position) -> lsp::Command {
        let about = json!({ "uri": uri, "position": at });
        lsp::Command { title, command: self.name().to_owned(), arguments: Some(vec![about]) }
    }

    /// The same about a range of the prompt.
    pub(super) fn lsp_within(self, title: String, uri: &Uri, range: lsp::Range) -> lsp::Command {
        let about = json!({ "uri": uri, "position": range.start, "range": range });
        lsp::Command { title, command: self.name().to_owned(), arguments: Some(vec![about]) }
    }

    /// The same with the token chosen already.
    pub(super) fn lsp_with(
        self,
        title: String,
        uri: &Uri,
        at: lsp::Position,
        token: &str,
    ) -> lsp::Command {
        let about = json!({ "uri": uri, "position": at, "token": token });
        lsp::Command { title, command: self.name().to_owned(), arguments: Some(vec![about]) }
    }
}

/// What a command is about.
struct About {
    uri: Uri,
    position: lsp::Position,
    /// The token chosen, for target and foil.
    token: Option<String>,
    /// The range whose parts are measured; none: the whole prompt.
    range: Option<lsp::Range>,
}

impl About {
    /// Reads a command's argument.
    fn read(argument: &Value) -> std::result::Result<Self, String> {
        let read = |key: &str, problem: serde_json::Error| format!("`{key}`: {problem}");
        Ok(Self {
            uri: serde_json::from_value(argument["uri"].clone()).map_err(|e| read("uri", e))?,
            position: serde_json::from_value(argument["position"].clone())
                .map_err(|e| read("position", e))?,
            token: argument["token"].as_str().map(str::to_owned),
            range: serde_json::from_value(argument["range"].clone())
                .map_err(|e| read("range", e))?,
        })
    }
}

impl Desk {
    /// `workspace/executeCommand`. What goes wrong is also shown: the editor may not show an answer that is an error.
    ///
    /// # Errors
    /// No such command, no prompt at the position, or what the model says.
    pub(crate) async fn executed(
        &self,
        params: lsp::ExecuteCommandParams,
    ) -> Result<Option<Value>> {
        match self.carried_out(params).await {
            Ok(()) => Ok(None),
            Err(error) => {
                self.client.show_message(MessageType::WARNING, &error.message).await;
                Err(to_jsonrpc(&error))
            }
        }
    }

    async fn carried_out(
        &self,
        params: lsp::ExecuteCommandParams,
    ) -> std::result::Result<(), ViewError> {
        let bad = |problem: String| ViewError::new(ErrorKind::BadRequest, problem);
        let known = Command::ALL.into_iter().find(|command| command.name() == params.command);
        let command = known.ok_or_else(|| bad(format!("no command `{}`", params.command)))?;
        let about = params.arguments.into_iter().next().unwrap_or_default();
        let about = About::read(&about)
            .map_err(|problem| bad(format!("arguments of {}: {problem}", params.command)))?;
        let at = lsp::TextDocumentPositionParams {
            text_document: lsp::TextDocumentIdentifier { uri: about.uri.clone() },
            position: about.position,
        };
        let spot = self
            .spot(&at)
            .ok_or_else(|| bad("there is no prompt here; put the cursor into one".to_owned()))?;
        match command {
            Command::Inspect => self.report(spot).await,
            Command::SetTarget | Command::SetFoil => {
                let token = match about.token {
                    Some(token) => Some(token),
                    None => self.chosen(command, &spot.place).await?,
                };
                let Some(token) = token else { return Ok(()) };
                let setting = match command {
                    Command::SetFoil => Setting::Foil(&token),
                    _ => Setting::Target(&token),
                };
                self.set(&about.uri, &spot.place, setting).await
            }
            Command::Measure => self.measure_parts(&spot.place, about.range).await,
            Command::Continue => self.continued_below(&about.uri, &spot.place).await,
            Command::ApplyTemplate => {
                let setting = Setting::Chat(spot.place.ask.turns.is_none());
                self.set(&about.uri, &spot.place, setting).await
            }
        }
    }

    /// Says what the explained token rests on, in a few lines.
    async fn report(&self, spot: Spot) -> std::result::Result<(), ViewError> {
        let place = Arc::clone(&spot.place);
        let lines = self
            .run("limpid.inspect", &place, move |desk, job| {
                // On no token, as above a prompt or a message: what comes next.
                let (inspection, ask) = match explained(desk, &spot, job)? {
                    Some(found) => found,
                    None => (desk.inspection(&spot.place.ask, job)?, spot.place.ask.clone()),
                };
                let view = desk.attributions(&ask, job)?;
                let target = &inspection.target;
                let mut lines = vec![format!(
                    "{} predicts {}",
                    display::escape(&inspection.model.name),
                    hover::predictions(&inspection.predictions)
                )];
                let mut scored: Vec<_> =
                    inspection.tokens.iter().zip(&view.attribution.scores).skip(1).collect();
                scored.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
                let named = scored.iter().take(NAMED).map(|(token, score)| {
                    format!("{} ~{}", hover::code(&token.text), display::signed(**score))
                });
                lines.push(format!(
                    "{} rests on {} ({})",
                    hover::code(&target.text),
                    named.collect::<Vec<_>>().join("  "),
                    view.attribution.unit
                ));
                let heads = view.heads.iter().take(NAMED).map(|row| {
                    let score = display::signed(row.attribution.unwrap_or(0.0));
                    format!("{} ~{score}", display::head_name(row.layer, row.head))
                });
                lines.push(format!("heads {}", heads.collect::<Vec<_>>().join("  ")));
                Ok(lines)
            })
            .await?;
        self.client.show_message(MessageType::INFO, lines.join("\n")).await;
        Ok(())
    }

    /// Asks which of the likely tokens is meant; none when nobody chooses.
    async fn chosen(
        &self,
        command: Command,
        place: &Arc<Place>,
    ) -> std::result::Result<Option<String>, ViewError> {
        let glance = self.glanced(command.name(), place).await?;
        let rows = glance
            .predictions
            .iter()
            .filter(|row| command != Command::SetFoil || row.id != glance.target.id);
        let rows: Vec<_> = rows.take(CHOICES).collect();
        let title = |row: &limpid_protocol::inspection::Prediction| {
            format!("{} {}", display::token(&row.text), display::probability(row.prob))
        };
        let actions = rows.iter().map(|row| lsp::MessageActionItem {
            title: title(row),
            properties: HashMap::default(),
        });
        let question = match command {
            Command::SetFoil => format!("why {} and not…", hover::code(&glance.target.text)),
            _ => "which token is to be explained?".to_owned(),
        };
        let answer = self
            .client
            .show_message_request(MessageType::INFO, question, Some(actions.collect()))
            .await
            .map_err(|e| {
                ViewError::new(
                    ErrorKind::BadRequest,
                    format!("the editor cannot ask which token is meant: {}", e.message),
                )
            })?;
        let chosen = answer.and_then(|item| rows.into_iter().find(|row| title(row) == item.title));
        Ok(chosen.map(|row| row.text.clone()))
    }

    /// Writes a greedy continuation behind the prompt's text.
    async fn continued_below(
        &self,
        uri: &Uri,
        place: &Place,
    ) -> std::result::Result<(), ViewError> {
        let name = uri.as_str();
        if name.ends_with(".json") || name.ends_with(".jsonl") {
            let problem = "a continuation is not written into JSON; use `limpid continue FILE`";
            return Err(ViewError::new(ErrorKind::BadRequest, problem));
        }
        let view = self.continued(place).await?;
        if view.text.is_empty() {
            let said = "the model ends here: there is nothing to continue with";
            self.client.show_message(MessageType::INFO, said).await;
            return Ok(());
        }
        // A chat's answer is a message of its own; how that is written depends on the file, so it is put below as text.
        let text = match (&place.prompt.text.messages, &place.ask.turns) {
            (Some(_), _) => format!("\n\nassistant:\n{}\n", view.text.trim()),
            (None, Some(_)) => format!("\n\n{}", view.text.trim()),
            (None, None) => view.text,
        };
        self.edit(uri, place, place.end()..place.end(), text).await
    }

    async fn set(
        &self,
        uri: &Uri,
        place: &Place,
        setting: Setting<'_>,
    ) -> std::result::Result<(), ViewError> {
        let (at, with) = edit(uri.as_str(), &place.text.to_string(), &place.prompt, setting)
            .map_err(|problem| ViewError::new(ErrorKind::BadRequest, problem))?;
        self.edit(uri, place, at, with).await
    }

    /// Replaces bytes of the document in the editor.
    pub(super) async fn edit(
        &self,
        uri: &Uri,
        place: &Place,
        at: Range<usize>,
        with: String,
    ) -> std::result::Result<(), ViewError> {
        self.require_version(uri.as_str(), place.version)?;
        let edit =
            lsp::TextEdit { range: lsp_range(&place.text, at, self.encoding()), new_text: with };
        let refused = |why: &str| {
            ViewError::new(
                ErrorKind::BadRequest,
                format!("the editor did not take the change: {why}"),
            )
        };
        let answer = self.client.apply_edit(workspace_edit(uri, edit)).await;
        let answer = answer.map_err(|e| refused(&e.message))?;
        match answer.applied {
            true => Ok(()),
            false => Err(refused(answer.failure_reason.as_deref().unwrap_or("no reason given"))),
        }
    }
}

/// One change of one document.
pub(super) fn workspace_edit(uri: &Uri, edit: lsp::TextEdit) -> lsp::WorkspaceEdit {
    let changes = HashMap::from([(uri.clone(), vec![edit])]);
    lsp::WorkspaceEdit { changes: Some(changes), ..lsp::WorkspaceEdit::default() }
}
