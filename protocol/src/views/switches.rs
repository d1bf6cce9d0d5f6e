//! `limpid/switches`: named sets of switches, kept in a text file beside the prompt.

use crate::{intervention::InterventionSet, request::Subject, views::view};

view! {
    /// The sets of switches in the file beside the prompt's document, `<document>.switches.toml`; with `save`, also the text that the file is to have with one more set, for the editor to write. No model is run.
    Switches = "limpid/switches", SwitchesParams => SwitchesView, errors: [Io, MalformedFile]
}

wire! {
    /// A set of switches.
    pub struct SwitchSet {
        /// Its name.
        pub name: String,
        /// What it changes, together.
        pub switches: InterventionSet,
    }

    /// Params of `limpid/switches`.
    pub struct SwitchesParams {
        /// Which prompt; target, foil and objective play no part.
        pub subject: Subject,
        /// A set to add; left out: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub save: Option<SwitchSet>,
    }

    /// Sets of switches.
    pub struct SwitchesView {
        /// The file beside the document, as a URI.
        pub uri: String,
        /// The model that the file's switches are of; null where it does not say, or is not there.
        pub model: Option<String>,
        /// The sets in the file, in their order; none where it is not there.
        pub sets: Vec<SwitchSet>,
        /// The text that the file is to have with the set that is to be saved; null without one.
        pub text: Option<String>,
    }
}
