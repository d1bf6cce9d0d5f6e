//! A tokenizer from a folder's tokenizer.json, with what tokenizer_config.json and chat_template.jinja say beside it.

use crate::{bounded_read, error::EngineError, tokenizer::Tokenizer};
use serde_json::Value;
use std::path::Path;
use tokenizers::Tokenizer as Inner;

/// Several times the largest in use.
const MAX_TOKENIZER_BYTES: u64 = 256 << 20;
const MAX_CONFIG_BYTES: u64 = 32 << 20;
const MAX_TEMPLATE_BYTES: u64 = 1 << 20;

pub(super) fn build(folder: &Path) -> Result<Tokenizer, EngineError> {
    let path = folder.join("tokenizer.json");
    let bytes = bounded_read::read(&path, MAX_TOKENIZER_BYTES)?.ok_or_else(|| {
        EngineError::malformed(folder, "tokenizer.json", "is missing; give the prompt as token ids")
    })?;
    let mut inner = Inner::from_bytes(&bytes)
        .map_err(|e| EngineError::malformed(&path, "tokenizer", e.to_string()))?;
    // A prompt is read as it is, however long a batch was padded to when the file was written.
    inner.with_padding(None);
    inner
        .with_truncation(None)
        .map_err(|e| EngineError::malformed(&path, "truncation", e.to_string()))?;
    let config = bounded_read::json(&folder.join("tokenizer_config.json"), MAX_CONFIG_BYTES)?
        .unwrap_or_default();
    let text_of = |key: &str| {
        let value = &config[key];
        value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned)
    };
    // What the post-processor puts before a text is the model's BOS policy.
    let probe = |specials| -> Result<Vec<u32>, EngineError> {
        let encoding = inner
            .encode_fast("a", specials)
            .map_err(|e| EngineError::malformed(&path, "post_processor", e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    };
    let (with, without) = (probe(true)?, probe(false)?);
    let at = with.windows(without.len().max(1)).position(|window| window == without);
    let mut prefix = with[..at.unwrap_or(0)].to_vec();
    let bos = text_of("bos_token");
    if prefix.is_empty() && config["add_bos_token"].as_bool() == Some(true) {
        prefix.extend(bos.as_ref().and_then(|bos| inner.token_to_id(bos)));
    }
    let eos = text_of("eos_token");
    let eos_ids = eos.iter().filter_map(|eos| inner.token_to_id(eos)).collect();
    let template = folder.join("chat_template.jinja");
    let chat_template = match bounded_read::read(&template, MAX_TEMPLATE_BYTES)? {
        Some(text) => Some(String::from_utf8(text).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            EngineError::malformed(&template, format!("byte {at}"), "is not UTF-8")
        })?),
        None => text_of("chat_template").or_else(|| default_template(&config["chat_template"])),
    };
    let mut tokenizer = Tokenizer::new(inner, path, prefix, eos_ids)?;
    tokenizer.chat_template = chat_template;
    tokenizer.bos_text = bos.unwrap_or_default();
    tokenizer.eos_text = eos.unwrap_or_default();
    Ok(tokenizer)
}

/// Of several named templates, the one that is used when nothing is asked for.
fn default_template(templates: &Value) -> Option<String> {
    let is_default = |template: &&Value| template["name"] == "default";
    let template = templates.as_array()?.iter().find(is_default)?;
    template["template"].as_str().map(str::to_owned)
}
