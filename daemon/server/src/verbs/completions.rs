//! `textDocument/completion`: keys and values of `limpid.toml` and front matter, names of models, roles, variables.

use crate::{
    answering::Desk,
    positions::to_byte,
    prompt_document::PromptDocument,
    settings::{
        assist::{self, Completion},
        front_matter,
    },
    verbs::{from_lsp, is_folder_settings, lsp_range},
};
use std::ops::Range;
use tower_lsp::ls_types as lsp;

/// Roles that messages have.
const ROLES: &[(&str, &str)] = &[
    ("system", "What the model is told before the talk begins."),
    ("user", "What a person says."),
    ("assistant", "What the model said, or is to have said."),
    ("tool", "What a tool answered: text that others wrote."),
];
/// Extensions of files in which a role may head a message.
const WITH_ROLES: &[&str] = &[".prompt", ".prompt.md", ".prompty", ".chat"];

impl Desk {
    /// `textDocument/completion`.
    pub(crate) fn completions(
        &self,
        at: &lsp::TextDocumentPositionParams,
    ) -> Option<lsp::CompletionResponse> {
        let uri = &at.text_document.uri;
        let document = self.documents.snapshot(uri.as_str()).ok()?;
        let byte = to_byte(&document.text, from_lsp(at.position), self.encoding());
        let text = document.text.to_string();
        let mut found = if is_folder_settings(uri) {
            assist::complete(&text, byte)
        } else {
            front_matter::complete(&text, byte)
        };
        found.extend(self.model_names(&text, byte));
        if !is_folder_settings(uri) && found.is_empty() {
            let prompts = document.prompts(uri.as_str());
            let prompt =
                prompts.iter().find(|prompt| (prompt.body.start..=prompt.body.end).contains(&byte));
            found.extend(prompt.map_or_else(Vec::new, |prompt| variables(prompt, &text, byte)));
            let name = uri.as_str().to_ascii_lowercase();
            if WITH_ROLES.iter().any(|extension| name.ends_with(extension)) {
                found.extend(roles(&text, byte));
            }
        }
        let item = |found: Completion| lsp::CompletionItem {
            label: found.label,
            kind: Some(lsp::CompletionItemKind::VALUE),
            detail: Some(found.detail).filter(|detail| !detail.is_empty()),
            documentation: Some(lsp::Documentation::String(found.doc)),
            text_edit: Some(lsp::CompletionTextEdit::Edit(lsp::TextEdit {
                range: lsp_range(&document.text, found.replace, self.encoding()),
                new_text: found.insert,
            })),
            ..lsp::CompletionItem::default()
        };
        Some(lsp::CompletionResponse::Array(found.into_iter().map(item).collect()))
    }

    /// Names of models, after `model:` in front matter and `model =` in `limpid.toml`.
    fn model_names(&self, text: &str, byte: usize) -> Vec<Completion> {
        let start = line_start(text, byte);
        let written = &text[start..byte];
        let Some((key, value)) = written.split_once([':', '=']) else { return Vec::new() };
        if key.trim() != "model" {
            return Vec::new();
        }
        let quoted = value.trim_start();
        let name = quoted.trim_start_matches(['"', '\'']);
        let is_quoted = name.len() < quoted.len();
        let needs_quotes = written.contains('=') && !is_quoted;
        let rows = self.shared.analyst.models().into_iter();
        rows.filter(|row| row.name.starts_with(name))
            .map(|row| Completion {
                detail: row.state.as_str().to_owned(),
                doc: String::new(),
                insert: if needs_quotes { format!("\"{}\"", row.name) } else { row.name.clone() },
                label: row.name,
                replace: byte - name.len()..byte,
            })
            .collect()
    }
}

fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |at| at + 1)
}

/// A role at the start of a line of its own.
fn roles(text: &str, byte: usize) -> Vec<Completion> {
    let start = line_start(text, byte);
    let written = &text[start..byte];
    let rest = text[byte..].lines().next().unwrap_or("");
    if !rest.trim().is_empty() || !written.chars().all(|c| c.is_ascii_lowercase()) {
        return Vec::new();
    }
    let matching = ROLES.iter().filter(|(role, _)| role.starts_with(written));
    matching
        .map(|(role, doc)| Completion {
            label: format!("{role}:"),
            detail: "role".to_owned(),
            doc: (*doc).to_owned(),
            insert: format!("{role}:\n"),
            replace: start..byte,
        })
        .collect()
}

/// The prompt's variables, after `{{`.
fn variables(prompt: &PromptDocument, text: &str, byte: usize) -> Vec<Completion> {
    let start = line_start(text, byte);
    let Some(open) = text[start..byte].rfind("{{") else { return Vec::new() };
    let written = text[start + open + 2..byte].trim_start();
    if written.contains('}') {
        return Vec::new();
    }
    let replace: Range<usize> = byte - written.len()..byte;
    let matching = prompt.settings.variables.iter().filter(|v| v.name.starts_with(written));
    matching
        .map(|variable| Completion {
            label: variable.name.clone(),
            detail: variable.sample.as_ref().map_or_else(
                || "no sample value".to_owned(),
                |sample| limpid_protocol::display::cut(&sample.value, 40),
            ),
            doc: String::new(),
            insert: variable.name.clone(),
            replace: replace.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::roles;

    #[test]
    fn roles_head_lines_of_their_own() {
        let labels = |text: &str| {
            let byte = text.find('|').unwrap();
            let found = roles(&text.replacen('|', "", 1), byte);
            found.into_iter().map(|found| found.label).collect::<Vec<_>>()
        };
        assert_eq!(labels("a\n|\nb"), ["system:", "user:", "assistant:", "tool:"]);
        assert_eq!(labels("us|"), ["user:"]);
        assert_eq!(labels("Us|"), [] as [&str; 0]);
        assert_eq!(labels("us|er"), [] as [&str; 0]);
    }
}
