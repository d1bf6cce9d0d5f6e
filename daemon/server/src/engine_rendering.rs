//! Prompts as the real [`Analyst`](crate::analyst::Analyst)'s models read them.

use crate::{
    analyst::{Ask, Job, Rendering},
    engine_analyst::EngineAnalyst,
    error_codes::from_engine,
    prompt_tokens::read,
};
use limpid_analysis::views::glance::token_rows;
use limpid_protocol::view_error::ViewError;

impl EngineAnalyst {
    pub(crate) fn rendering(&self, ask: &Ask, job: &Job) -> Result<Rendering, ViewError> {
        let loaded = self.loaded(ask.model.as_deref(), job)?;
        let (chat, tokens) = read(&loaded, ask).map_err(|e| from_engine(&e))?;
        let plain = || (ask.text.to_string(), Vec::new());
        let (text, notes) = chat.map_or_else(plain, |chat| (chat.text, chat.notes));
        let (model, tokens) = (loaded.name.clone(), token_rows(&loaded, &tokens, &[]));
        Ok(Rendering { model, text, tokens, notes })
    }
}
