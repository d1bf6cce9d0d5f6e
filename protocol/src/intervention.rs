//! A change of a run as it is asked for, kept in files and shown again: one form for the protocol, the command line and saved switches.
//! Which fields a kind takes is checked where it is carried out. What must not live here: what a change does to a model.

mod compact;
mod set;

pub use set::InterventionSet;

wire! {
    /// What is changed.
    pub enum InterventionKind {
        /// Later tokens do not see a `token` (or the tokens of a `span`), in any layer and head; positions stay.
        Knockout = "knockout",
        /// Tokens behind a `span` do not see it; inside it everything is as before.
        SpanKnockout = "span_knockout",
        /// One entry of one pattern is masked: `layer`, `head`, `query`, `key`.
        EdgeKnockout = "edge_knockout",
        /// A `token` (or a `span`) is taken out, positions close up.
        Delete = "delete",
        /// A `token` or `span` gives way to `token_ids` or `text`; an empty span puts them before the token there.
        Replace = "replace",
        /// A head writes nothing: `layer`, `head`.
        HeadZero = "head_zero",
        /// A head's output is multiplied: `layer`, `head`, `value`.
        HeadScale = "head_scale",
        /// A head's output is given: `layer`, `head`, and `value` for each entry or `values`, `d_head` of them.
        HeadSet = "head_set",
        /// An MLP writes nothing: `layer`.
        MlpZero = "mlp_zero",
        /// An MLP's output is multiplied: `layer`, `value`.
        MlpScale = "mlp_scale",
        /// An MLP's output is given: `layer`, and `value` for each entry or `values`, `d_model` of them.
        MlpSet = "mlp_set",
        /// A neuron's activation is given: `layer`, `neuron`, `value`.
        NeuronSet = "neuron_set",
        /// A neuron's activation is multiplied: `layer`, `neuron`, `value`.
        NeuronScale = "neuron_scale",
        /// A direction is added to the residual: `layer`, `values` (`d_model` of them), times `value` (left out: 1), at `hook` (left out: `resid_post`).
        DirectionAdd = "direction_add",
        /// Activations come `from` another prompt of as many tokens: `layer`, `hook`; a `head` or `neuron` of it, or all of it.
        Patch = "patch",
    }

    /// The prompt that activations are taken from.
    #[serde(deny_unknown_fields)]
    pub struct PatchSource {
        /// As text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// As tokens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub token_ids: Option<Vec<u32>>,
    }

    /// One change of a run. Positions are those of the prompt as it stands, whatever else is changed beside. May be written as text instead, as
    /// `limpid effect` takes it: `knockout 3`, `span 2:5`, `delete 3`, `replace 2:5=text`, `head 23.4@last`, `head 23.4=0.5x`, `mlp 3`, `neuron 2.12=10`, `edge 3.2 7<-4`.
    #[serde(deny_unknown_fields)]
    pub struct Intervention {
        /// What is changed.
        pub kind: InterventionKind,
        /// Index of a token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub token: Option<usize>,
        /// Index of the first token and one past the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub span: Option<[usize; 2]>,
        /// A layer, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub layer: Option<usize>,
        /// A head within the layer (of `k` and `v` a key and value head).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub head: Option<usize>,
        /// A neuron within the layer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub neuron: Option<usize>,
        /// A factor, or a value for every entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<f32>,
        /// Values, one for each entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub values: Option<Vec<f32>>,
        /// The one position where it is changed; left out: every position, those of tokens written behind the prompt too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub position: Option<usize>,
        /// Position that looks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<usize>,
        /// Position that is looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<usize>,
        /// An activation: `resid_pre`, `q`, `k`, `v`, `pattern`, `z`, `attn_out`, `resid_mid`, `pre`, `pre_linear`, `post`, `mlp_out`, `resid_post`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub hook: Option<String>,
        /// Tokens that come in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub token_ids: Option<Vec<u32>>,
        /// Text that comes in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// The prompt that activations are taken from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from: Option<PatchSource>,
    }
}

impl Intervention {
    /// A kind without any field.
    pub fn of(kind: InterventionKind) -> Self {
        Self {
            kind,
            token: None,
            span: None,
            layer: None,
            head: None,
            neuron: None,
            value: None,
            values: None,
            position: None,
            query: None,
            key: None,
            hook: None,
            token_ids: None,
            text: None,
            from: None,
        }
    }

    /// A token that later ones do not see.
    pub fn knockout(token: usize) -> Self {
        Self { token: Some(token), ..Self::of(InterventionKind::Knockout) }
    }

    /// Tokens that those behind them do not see.
    pub fn span_knockout(start: usize, end: usize) -> Self {
        Self { span: Some([start, end]), ..Self::of(InterventionKind::SpanKnockout) }
    }

    /// A head that writes nothing.
    pub fn head_zero(layer: usize, head: usize, position: Option<usize>) -> Self {
        let kind = InterventionKind::HeadZero;
        Self { layer: Some(layer), head: Some(head), position, ..Self::of(kind) }
    }

    /// An MLP that writes nothing.
    pub fn mlp_zero(layer: usize) -> Self {
        Self { layer: Some(layer), ..Self::of(InterventionKind::MlpZero) }
    }

    /// A neuron with this activation.
    pub fn neuron_set(layer: usize, neuron: usize, value: f32) -> Self {
        let kind = InterventionKind::NeuronSet;
        Self { layer: Some(layer), neuron: Some(neuron), value: Some(value), ..Self::of(kind) }
    }

    /// A masked entry of a pattern.
    pub fn edge_knockout(layer: usize, head: usize, query: usize, key: usize) -> Self {
        Self {
            layer: Some(layer),
            head: Some(head),
            query: Some(query),
            key: Some(key),
            ..Self::of(InterventionKind::EdgeKnockout)
        }
    }
}
