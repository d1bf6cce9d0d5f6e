//! `limpid render`: a prompt as the model sees it. The model's files are opened, its weights are not read.

use crate::{
    args::{ListFormat, RenderArgs},
    chat::ModelText,
    folder,
    page::print,
    prompt::model_name,
    prompt_source::{PromptSource, read_text},
};
use anyhow::{Result, anyhow};
use limpid_engine::{
    model_pool::{self, Opened},
    model_store::{ModelStore, StoreSettings},
    tokenizer::Tokenizer,
};
use limpid_protocol::{display::text_of_bytes, rendered_prompt::RenderedPrompt};
use limpid_server::{
    chat_template::{ChatNote, ChatTemplate},
    rendering,
};
use std::path::Path;

/// Longest template that is read.
const MAX_TEMPLATE_BYTES: usize = 1 << 20;

/// Runs the command.
///
/// # Errors
/// What was wrong with the flags, the prompt, the template or the model, in one sentence.
pub(crate) fn run(args: &RenderArgs) -> Result<()> {
    let source = PromptSource {
        file: args.file.as_ref(),
        text: args.text.as_ref(),
        range: None,
        number: args.prompt.as_deref(),
    };
    let prompt = source.read()?;
    let settings = folder::settings_of(&prompt.settings, args.file.as_deref());
    let opened = match (&args.chat_template, &args.model.model) {
        (Some(_), None) => None,
        _ => Some(open(&model_name(&args.model.or_of(&settings)))?),
    };
    let tokenizer = opened.as_ref().map(own_tokenizer).transpose()?;
    let is_chat = args.chat || prompt.text.messages.is_some() || settings.chat == Some(true);
    let template = match (&args.chat_template, tokenizer) {
        (Some(file), tokenizer) => Some(template_of(file, tokenizer)?),
        (None, Some(tokenizer)) if is_chat => Some(ChatTemplate::of(tokenizer)?),
        _ => None,
    };
    let read = ModelText::new(&prompt.text, template.as_ref())?;
    let notes: Vec<String> =
        read.chat.iter().flat_map(|chat| &chat.notes).map(ChatNote::to_string).collect();
    if args.format == ListFormat::Text {
        for note in notes {
            anstream::eprintln!("limpid: {note}");
        }
        return print(&format!("{}\n", read.text()));
    }
    let tokens = match (&opened, tokenizer) {
        (Some(opened), Some(tokenizer)) => {
            let n_ctx = opened.checkpoint.spec.n_ctx;
            let tokens = read.tokens(tokenizer, n_ctx)?.into_iter();
            let row = |token: limpid_engine::tokenizer::Token| {
                let text = text_of_bytes(tokenizer.token_bytes(token.id));
                rendering::token(&prompt.text, token.id, text, token.span)
            };
            tokens.map(row).collect()
        }
        _ => Vec::new(),
    };
    let text = read.text().to_owned();
    let messages = rendering::messages(&prompt.text, template.is_some());
    let rendered = RenderedPrompt { text, messages, tokens, notes };
    print(&format!("{}\n", serde_json::to_string(&rendered)?))
}

fn open(name: &str) -> Result<Opened> {
    let store = ModelStore::new(StoreSettings::from_env());
    Ok(model_pool::open(&crate::models::resolve(&store, name)?)?)
}

fn own_tokenizer(opened: &Opened) -> Result<&Tokenizer> {
    opened.tokenizer.as_ref().ok_or_else(|| {
        anyhow!("model `{}` has no tokenizer.json; name a model that has one", opened.name)
    })
}

/// A template from a file, with a tokenizer's BOS and EOS where there is one.
fn template_of(file: &Path, tokenizer: Option<&Tokenizer>) -> Result<ChatTemplate> {
    let of = |text: fn(&Tokenizer) -> &String| tokenizer.map(text).cloned().unwrap_or_default();
    Ok(ChatTemplate {
        text: read_text(file, MAX_TEMPLATE_BYTES)?,
        bos: of(|tokenizer| &tokenizer.bos_text),
        eos: of(|tokenizer| &tokenizer.eos_text),
        path: file.to_owned(),
        today: None,
    })
}
