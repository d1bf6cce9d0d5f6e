//! `limpid/render`: a prompt as its model reads it.

use crate::{rendered_prompt::RenderedPrompt, request::Subject, views::view};

view! {
    /// The prompt as the model sees it: a chat in its template, where every token stands, and what the template does that the document does not say. Runs no forward pass.
    Render = "limpid/render", RenderParams => RenderedPrompt, errors: [MalformedFile]
}

wire! {
    /// Params of `limpid/render`.
    pub struct RenderParams {
        /// What it is about; target, foil and objective change nothing.
        pub subject: Subject,
    }
}
