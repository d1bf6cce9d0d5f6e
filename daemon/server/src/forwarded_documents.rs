//! The documents of a session that a forwarder passes on, at their current text.

use crate::{
    documents::{Documents, Edit},
    forwarded_session::notification,
    positions::Encoding,
};
use limpid_protocol::position::Range;
use serde_json::{Value, json};

/// Documents as the client has told them.
#[derive(Default)]
pub(crate) struct ForwardedDocuments {
    documents: Documents,
    encoding: Encoding,
}

impl ForwardedDocuments {
    /// Positions count as the server's answer to `initialize` says.
    pub(crate) fn negotiated(&mut self, encoding: &Value) {
        self.encoding = match encoding.as_str() {
            Some("utf-8") => Encoding::Utf8,
            Some("utf-32") => Encoding::Utf32,
            _ => Encoding::Utf16,
        };
    }

    /// A document was opened, changed or closed.
    pub(crate) fn changed(&self, method: &str, params: &Value) {
        let item = &params["textDocument"];
        let Some(uri) = item["uri"].as_str() else { return };
        let version = item["version"].as_i64().and_then(|version| i32::try_from(version).ok());
        match (method, version) {
            ("textDocument/didOpen", Some(version)) => {
                let language = item["languageId"].as_str().unwrap_or_default();
                let Some(text) = item["text"].as_str() else { return };
                self.documents.open(uri, language.to_owned(), version, text);
            }
            ("textDocument/didChange", Some(version)) => {
                let changes = params["contentChanges"].as_array().cloned().unwrap_or_default();
                let edit = |change: Value| {
                    // A range that cannot be read must not become a full text.
                    let range = match change.get("range") {
                        None | Some(Value::Null) => None,
                        Some(range) => Some(serde_json::from_value::<Range>(range.clone()).ok()?),
                    };
                    Some(Edit { range, text: change["text"].as_str()?.to_owned() })
                };
                if let Some(edits) = changes.into_iter().map(edit).collect::<Option<Vec<_>>>() {
                    self.documents.change(uri, version, edits, self.encoding);
                }
            }
            ("textDocument/didClose", _) => self.documents.close(uri),
            _ => {}
        }
    }

    /// What tells a server of all of them.
    pub(crate) fn replay(&self) -> Vec<Vec<u8>> {
        let mut told = Vec::new();
        for (uri, document) in self.documents.all() {
            let item = json!({ "uri": uri, "languageId": document.language, "version": document.version,
                "text": document.text.to_string() });
            told.push(notification("textDocument/didOpen", &json!({ "textDocument": item })));
            if !document.is_usable() {
                // The same version again: the server too must wait for the next full text.
                let identifier = json!({ "uri": uri, "version": document.version });
                let nothing = json!({ "textDocument": identifier, "contentChanges": [] });
                told.push(notification("textDocument/didChange", &nothing));
            }
        }
        told
    }
}
