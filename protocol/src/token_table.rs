//! The one table of tokens an answer carries: everything else in the answer names tokens by index into it.

use crate::position::Range;

wire! {
    /// One token of the prompt, as an editor draws it.
    pub struct TableToken {
        /// Its index, counted from 0.
        pub index: usize,
        /// Its id in the vocabulary.
        pub id: u32,
        /// Its text as all clients display it: escaped, cut to 24 columns.
        pub display: String,
        /// Where it stands in the document, snapped outwards to whole characters; null for a token that was added.
        pub range: Option<Range>,
    }
}
