//! `limpid/lens`: the logit lens at every layer and position.

use crate::{
    inspection::{LensCell, Target},
    request::Subject,
    views::view,
};

view! {
    /// The logit lens grid: at every layer and position the top token, and the target's probability and rank.
    LensGrid = "limpid/lens", LensParams => LensView, errors: [MemoryBudget]
}

wire! {
    /// Params of `limpid/lens`.
    pub struct LensParams {
        /// What it is about.
        pub subject: Subject,
        /// Indices of the tokens wanted; left out: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub positions: Option<Vec<usize>>,
    }

    /// The grid.
    pub struct LensView {
        /// What is explained.
        pub target: Target,
        /// Token index of each column.
        pub positions: Vec<usize>,
        /// `[layer][column]`; layer 0 is the embedding, layer L + 1 the residual stream after block L.
        pub lens: Vec<Vec<LensCell>>,
    }
}
