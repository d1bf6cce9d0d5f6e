//! `limpid/compare`: several runs side by side, part by part: a foil, another model, the prompt as it was.

use crate::{
    inspection::{Prediction, Target},
    part_row::{PartBy, TokenSpan},
    request::Subject,
    views::view,
};

view! {
    /// Attributions of the same parts in several runs: with a foil, by another model, of the prompt as it was when it was inspected before. One job a run, behind whatever anybody else asks; models are loaded as they are needed. A run that fails says why, and the others stand. Cancelling, a newer `limpid/compare` about the document and an edit of it stop it.
    Compare = "limpid/compare", CompareParams => CompareView, errors: []
}

wire! {
    /// Params of `limpid/compare`.
    pub struct CompareParams {
        /// The first run; what fails in it fails the request.
        pub subject: Subject,
        /// The other runs, 1 to 16. What one leaves out of prompt, model, target, foil and objective is as in `subject`; one with an `analysis` has all of these from there, also when its document has changed since. Another model's target and foil are tokens of the same text: where it has no such token, its own top one is explained; a target position is the same place of the text.
        pub with: Vec<Subject>,
        /// What the prompts are cut into; left out: sentences, where the subject's prompt is one sentence lines, where it is one line words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub by: Option<PartBy>,
        /// Attribution method, by name; left out: `atp`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<String>,
    }

    /// Runs side by side.
    pub struct CompareView {
        /// What the prompts were cut into.
        pub by: PartBy,
        /// The attribution method.
        pub method: String,
        /// Unit of attributions and values: `nats`, or `share` for `flow`.
        pub unit: String,
        /// The run of `subject`, then those of `with`.
        pub runs: Vec<CompareRun>,
        /// The parts, in the order of the prompts; `template` first.
        pub rows: Vec<CompareRow>,
    }

    /// One of the runs.
    pub struct CompareRun {
        /// Names text, model, target and foil of the run; give it in `subject.analysis` to ask on. null where the run has no prompt.
        pub analysis: Option<String>,
        /// Name of the model; of a run that failed as it was asked for, empty for the default one.
        pub model: String,
        /// What is explained; null where the run failed.
        pub target: Option<Target>,
        /// Top ten at the target's position; empty where the run failed.
        pub predictions: Vec<Prediction>,
        /// The objective itself; null where the run failed.
        pub value: Option<f32>,
        /// Tokens of the prompt; null where the run failed.
        pub n_tokens: Option<usize>,
        /// Why there are no cells; left out where there are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub problem: Option<String>,
    }

    /// What became of a part from the first run's text to the second's.
    pub enum RowChange {
        /// It is in both, or one of the two runs failed, or it is a model's template, which is no part of a text.
        Same = "same",
        /// The second has another text in its place.
        Changed = "changed",
        /// It is in the second alone, or in later ones.
        Added = "added",
        /// The second lacks it.
        Removed = "removed",
    }

    /// Where a part matters: where its share is 1.5 times an even one or more. A run that lacks it is one in which it does not; runs that failed do not count.
    pub enum Reach {
        /// In every run.
        Everywhere = "everywhere",
        /// In some.
        Some = "some",
        /// In none.
        Nowhere = "nowhere",
    }

    /// A part, in all runs.
    pub struct CompareRow {
        /// Its text for display, in the first run that has it.
        pub text: String,
        /// What became of it from the first run's text to the second's.
        pub change: RowChange,
        /// Where it matters.
        pub reach: Reach,
        /// One a run; null where the run failed or lacks the part.
        pub cells: Vec<Option<CompareCell>>,
    }

    /// A part in one run.
    pub struct CompareCell {
        /// Its tokens in that run's prompt.
        pub tokens: TokenSpan,
        /// Sum of its tokens' attributions, signed.
        pub attribution: f32,
        /// Flow from its tokens to the prediction, 0..1.
        pub flow: f32,
        /// Its part of all parts' |attribution|, the prompt's first token left aside, 0..1.
        pub share: f32,
    }
}
