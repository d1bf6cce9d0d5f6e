//! `limpid/parts`: scores of tokens rolled up to words, lines, sentences, paragraphs, examples or messages.

use crate::{
    inspection::Target,
    part_row::{PartBy, PartRow},
    request::Subject,
    views::view,
};

view! {
    /// Flow and attribution rolled up to parts of the prompt, in its order, with the share of each. Costs a backward pass.
    Parts = "limpid/parts", PartsParams => PartsView, errors: []
}

wire! {
    /// Params of `limpid/parts`.
    pub struct PartsParams {
        /// What it is about.
        pub subject: Subject,
        /// What the prompt is cut into.
        pub by: PartBy,
        /// Attribution method, by name; left out: `atp`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<String>,
    }

    /// Parts of the prompt.
    pub struct PartsView {
        /// What is explained.
        pub target: Target,
        /// What the prompt was cut into.
        pub by: PartBy,
        /// The attribution method.
        pub method: String,
        /// Unit of attributions: `nats`, or `share` for `flow`.
        pub unit: String,
        /// The parts, in the order of the prompt; `template` first.
        pub parts: Vec<PartRow>,
    }
}
