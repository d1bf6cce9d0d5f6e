//! Text edits that change what a prompt says about itself: front matter, the info string of a fence.
//! What must not live here: reading any of it (`prompt_formats`), positions.

use crate::prompt_document::{Placed, PromptDocument};
use std::ops::Range;

/// Extensions of files that may have front matter.
const WITH_FRONT_MATTER: &[&str] = &[".prompt", ".prompt.md", ".prompty", ".chat"];

/// What an edit sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting<'a> {
    /// The token that is explained.
    Target(&'a str),
    /// The token it is compared with.
    Foil(&'a str),
    /// Whether the text is one user message in the chat template.
    Chat(bool),
}

impl Setting<'_> {
    fn key(self) -> &'static str {
        match self {
            Self::Target(_) => "target",
            Self::Foil(_) => "foil",
            Self::Chat(_) => "chat",
        }
    }

    /// The value as YAML and as an attribute reads it.
    fn written(self) -> String {
        match self {
            Self::Target(text) | Self::Foil(text) => {
                let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{}\"", escaped.replace('\n', "\\n").replace('\t', "\\t"))
            }
            Self::Chat(is_chat) => is_chat.to_string(),
        }
    }

    /// Where it is written now.
    fn source(self, prompt: &PromptDocument) -> Option<Range<usize>> {
        let settings = &prompt.settings;
        let of = |placed: &Option<Placed<String>>| placed.as_ref().map(|p| p.source.clone());
        match self {
            Self::Target(_) => of(&settings.target),
            Self::Foil(_) => of(&settings.foil),
            Self::Chat(_) => settings.chat.as_ref().map(|chat| chat.source.clone()),
        }
    }
}

/// The bytes of the document to replace, and with what.
///
/// # Errors
/// The document has no room for settings: the sentence says where to put them.
pub(crate) fn edit(
    name: &str,
    document: &str,
    prompt: &PromptDocument,
    setting: Setting<'_>,
) -> Result<(Range<usize>, String), String> {
    let (key, value) = (setting.key(), setting.written());
    if let Some(source) = setting.source(prompt) {
        // `chat` alone means true: the key is what stands there.
        let stands_alone = document.get(source.clone()) == Some(key);
        return Ok((source, if stands_alone { format!("{key}={value}") } else { value }));
    }
    let start = prompt.source.start;
    let front = document.get(start..prompt.body.start).unwrap_or_default();
    if front.starts_with("---")
        && let Some(line) = front.find('\n')
    {
        let at = start + line + 1;
        return Ok((at..at, format!("{key}: {value}\n")));
    }
    // The line above the body's first is the fence's.
    let before = document.get(..prompt.body.start).unwrap_or_default();
    let line = before.rfind('\n').unwrap_or(0);
    let above = before[..line].trim_end_matches('\r');
    let fence = above.rsplit('\n').next().unwrap_or_default();
    if fence.trim_start_matches([' ', '>', '\t']).starts_with(['`', '~']) {
        let at = above.trim_end().len();
        return Ok((at..at, format!(" {key}={value}")));
    }
    if WITH_FRONT_MATTER.iter().any(|extension| name.to_ascii_lowercase().ends_with(extension)) {
        return Ok((start..start, format!("---\n{key}: {value}\n---\n")));
    }
    Err(format!(
        "this file has no place for `{key}`; write it into limpid.toml, or save the prompt as a .prompt file"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Setting, edit};
    use crate::{
        prompt_document::{Placed, PromptDocument, PromptSettings},
        prompt_text::PromptText,
    };

    fn prompt(document: &str, body_start: usize) -> PromptDocument {
        PromptDocument {
            source: 0..document.len(),
            body: body_start..document.len(),
            text: PromptText::plain(&document[body_start..], body_start),
            settings: PromptSettings::default(),
            sections: vec![],
            problems: vec![],
        }
    }

    fn check(name: &str, document: &str, body_start: usize, setting: Setting<'_>) -> String {
        let (at, with) = edit(name, document, &prompt(document, body_start), setting).unwrap();
        format!("{}{with}{}", &document[..at.start], &document[at.end..])
    }

    #[test]
    fn settings_go_where_the_prompt_has_room_for_them() {
        let target = Setting::Target(" \"a\n");
        let quoted = "\" \\\"a\\n\"";
        assert_eq!(check("a.prompt", "Hi", 0, target), format!("---\ntarget: {quoted}\n---\nHi"));
        let with_front = "---\nmodel: x\n---\nHi";
        let expected = format!("---\ntarget: {quoted}\nmodel: x\n---\nHi");
        assert_eq!(check("a.prompt", with_front, 17, target), expected);
        let fenced = check("a.md", "> ```prompt\n> Hi", 14, Setting::Chat(true));
        assert_eq!(fenced, "> ```prompt chat=true\n> Hi");
        let refused = edit("a.txt", "Hi", &prompt("Hi", 0), target).unwrap_err();
        assert!(refused.contains("limpid.toml"), "{refused}");
    }

    #[test]
    fn what_stands_there_is_replaced() {
        let document = "```prompt chat\nHi";
        let mut found = prompt(document, 15);
        found.settings.chat = Some(Placed { value: true, source: 10..14 });
        let (at, with) = edit("a.md", document, &found, Setting::Chat(false)).unwrap();
        assert_eq!((at, with.as_str()), (10..14, "chat=false"));
    }
}
