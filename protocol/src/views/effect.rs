//! `limpid/effect`: what really changes, streamed as it is measured.

use crate::{
    effect::{EffectBudget, EffectRow, Outcome, SubsetFit, Sweep},
    inspection::{Objective, Target},
    intervention::{InterventionSet, PatchSource},
    position::Range,
    request::Subject,
    views::{continuation::PartialResultToken, view},
};

view! {
    /// Measures what changes of the prompt or the model do to the prediction: the model is run again for each. With a `partial_result_token` rows are sent as they are measured, strongest cheap score first, by `$/progress` with `EffectProgress` as its params; the result has all of them in the order asked for. What was measured before is not measured again. Work is done a batch of runs at a time, behind whatever anybody else asks; cancelling, a newer `limpid/effect` about the document and an edit of it stop it.
    Effect = "limpid/effect", EffectParams => EffectView, errors: [NotFinite]
}

wire! {
    /// Standard sets of runs.
    pub enum EffectSet {
        /// Parts of the prompt hidden: messages and examples first, then the paragraphs, lines, sentences and tokens inside those that have an effect.
        Parts = "parts",
        /// Each token hidden.
        Token = "token",
        /// Each word hidden.
        Word = "word",
        /// Each line hidden.
        Line = "line",
        /// Each sentence hidden.
        Sentence = "sentence",
        /// Each paragraph hidden.
        Paragraph = "paragraph",
        /// Each example of a few-shot prompt hidden.
        Example = "example",
        /// Each message hidden.
        Message = "message",
        /// Each head off, at every position.
        Head = "head",
        /// Each head off, at the target's position.
        HeadAtTarget = "head_at_target",
        /// Each MLP off.
        Mlp = "mlp",
        /// The neurons of the strongest attribution set to 0: `top` of them.
        Neuron = "neuron",
        /// The entry of each head's pattern that `edge` names, masked.
        EdgeHead = "edge_head",
    }

    /// An attention edge of the route graph.
    #[derive(Copy, Eq, Hash)]
    pub struct EffectEdge {
        /// Its layer.
        pub layer: usize,
        /// Position that looks.
        pub query: usize,
        /// Position that is looked at.
        pub key: usize,
    }

    /// Activations of another prompt, put in layer by position.
    pub struct SweepParams {
        /// `resid_post`, `attn_out` or `mlp_out`.
        pub hook: String,
        /// The other prompt, of as many tokens.
        pub from: PatchSource,
    }

    /// Params of `limpid/effect`. One of `interventions`, `set`, `subsets` and `sweep`; left out: `set: "parts"`.
    pub struct EffectParams {
        /// What it is about. With a foil effects are of target minus foil.
        pub subject: Subject,
        /// Runs to make, 65,536 at most: each an intervention, its text, or a list of those that act together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub interventions: Option<Vec<InterventionSet>>,
        /// A standard set of runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub set: Option<EffectSet>,
        /// Only parts that begin in this range of the document; left out: all of the prompt's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub within: Option<Range>,
        /// Neurons of the set `neuron`; left out: 20.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub top: Option<usize>,
        /// The edge of the set `edge_head`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub edge: Option<EffectEdge>,
        /// Hide random halves of the parts of `set` (lines, where it is left out) so many times, and fit what each part adds: 10 to 4,096.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub subsets: Option<usize>,
        /// What is drawn for `subsets` depends on it alone; left out: 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub seed: Option<u64>,
        /// A causal trace: one run for each layer and position up to the target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sweep: Option<SweepParams>,
        /// What may be spent; left out: 128 runs for `parts`, else all that is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub budget: Option<EffectBudget>,
        /// Effects below so many nats count as none; left out: 0.05.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub floor: Option<f32>,
        /// Token of the client's choosing for rows by `$/progress`: a string or a whole number; left out: none are sent before the result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub partial_result_token: Option<PartialResultToken>,
    }

    /// Params of the `$/progress` that brings rows.
    pub struct EffectProgress {
        /// The request's `partial_result_token`.
        pub token: PartialResultToken,
        /// Rows measured since those before; ranks are compared in the result only.
        pub value: Vec<EffectRow>,
    }

    /// Effects.
    pub struct EffectView {
        /// What is explained.
        pub target: Target,
        /// What effects and scores are of.
        pub objective: Objective,
        /// Effects below it, in nats, count as none.
        pub floor: f32,
        /// The clean run.
        pub clean: Outcome,
        /// One row for each run that was measured, in the order asked for.
        pub effects: Vec<EffectRow>,
        /// What was not measured: past the budget, or inside parts without effect.
        pub unmeasured: Vec<InterventionSet>,
        /// Whether the budget ended it.
        pub is_cut_short: bool,
        /// The fit, for `subsets`; left out otherwise, and where the budget left fewer than ten of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fit: Option<SubsetFit>,
        /// The grid, for `sweep`; left out otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sweep: Option<Sweep>,
    }
}

impl EffectParams {
    /// A standard set, of a prompt that is known otherwise.
    pub fn of(set: EffectSet) -> Self {
        Self {
            subject: Subject::nothing(),
            interventions: None,
            set: Some(set),
            within: None,
            top: None,
            edge: None,
            subsets: None,
            seed: None,
            sweep: None,
            budget: None,
            floor: None,
            partial_result_token: None,
        }
    }
}
