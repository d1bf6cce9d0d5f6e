//! `limpid/head`: one attention head opened: where it looks, what it moves, what it writes.

use crate::{head_row::HeadRow, request::Subject, views::view};

view! {
    /// One head at one position: attention row, contribution row, type labels, what it writes; the full maps on demand.
    HeadView = "limpid/head", HeadParams => HeadCard, errors: [MemoryBudget]
}

wire! {
    /// What a head does, told from its attention on this prompt.
    pub enum HeadLabel {
        /// It looks at the token before.
        PreviousToken = "previous-token",
        /// It looks at what followed an earlier copy of this token.
        Induction = "induction",
        /// It looks at earlier copies of this token.
        DuplicateToken = "duplicate-token",
        /// It rests on the first token: it does little here.
        FirstTokenSink = "first-token-sink",
    }

    /// Params of `limpid/head`.
    pub struct HeadParams {
        /// What it is about.
        pub subject: Subject,
        /// Its layer.
        pub layer: usize,
        /// The head within the layer.
        pub head: usize,
        /// Index of the token whose row is shown; left out: the target's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub position: Option<usize>,
        /// Whether to answer the maps of all positions too.
        #[serde(default)]
        pub maps: bool,
    }

    /// A head.
    pub struct HeadCard {
        /// Its row of the ranking.
        pub row: HeadRow,
        /// Index of the token whose rows follow.
        pub position: usize,
        /// Attention weights `[key_pos]` for key positions 0..=position, sum 1.
        pub pattern: Vec<f32>,
        /// Share of the residual stream at `position` that came through this head from each token `[key_pos]`, 0..1.
        pub contribution: Vec<f32>,
        /// What it does on this prompt; empty when nothing is told.
        pub labels: Vec<HeadLabel>,
        /// Attention weights `[pos][key_pos]`, rows of growing length; left out unless asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pattern_map: Option<Vec<Vec<f32>>>,
        /// Contributions `[pos][key_pos]`, rows of growing length; left out unless asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub contribution_map: Option<Vec<Vec<f32>>>,
    }
}
