//! The whole inspection of a prompt, in two steps: routes, lens and flow rankings first; then the attributions.

use crate::{
    attribution::{Attributions, Method},
    findings::Findings,
    objective::Objective,
    route_graph::{Edge, EdgeKind, NodeId, NodeKind},
    views::{
        answers::FoilAnswer,
        effects,
        glance::{model_info, predictions, token_rows, token_text},
        route_steps::{strongest, strongest_first},
    },
    vocabulary::{LensCell, lens_grid},
};
use limpid_engine::{
    error::EngineError, forward::Watch, model_pool::Loaded, tokenizer::Token, trace::Trace,
};
use limpid_protocol::{inspection as wire, route_graph as wire_graph, token_value::TokenValue};
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
};

pub use crate::views::question::{Question, RankBy, Top};

/// Tokens listed as predictions, promoted and suppressed.
pub(super) const LISTED: usize = 10;

/// Everything that is known of one prompt and one question without a backward pass.
pub struct Inspector {
    pub(super) loaded: Arc<Loaded>,
    pub(super) findings: Arc<Findings>,
    /// The scalar that is explained; of an answer its last token's.
    pub objective: Objective,
    /// The scalars whose sum is explained: one, or one for each token of an answer.
    pub(super) objectives: Vec<Objective>,
    pub(super) answer: Option<Range<usize>>,
    pub(super) foil_answer: Option<FoilAnswer>,
    top: Top,
    attributions: OnceLock<Attributions>,
}

impl Inspector {
    /// Grows the routes and ranks by flow, unless one of the `known` findings is of the same place.
    ///
    /// # Errors
    /// A position or id out of range, an objective without its foil; cancelled; the device refused.
    pub fn new(
        loaded: Arc<Loaded>,
        trace: Arc<Trace>,
        question: &Question,
        known: impl IntoIterator<Item = Arc<Findings>>,
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let (positions, kind) = (question.positions(&loaded.model, &trace)?, question.kind()?);
        let of_this = |known: &Arc<Findings>| known.is_of(&trace, &positions, question.prune);
        let findings = match known.into_iter().find(of_this) {
            Some(known) => known,
            None => {
                Arc::new(Findings::new(&loaded.model, trace, positions, question.prune, watch)?)
            }
        };
        let (ids, logits) = (findings.trace().token_ids(), findings.last_logits());
        let last = findings.graph.target.position;
        let objectives = question.objectives(kind, last, ids, logits)?;
        let Some(&objective) = objectives.last() else {
            return Err(EngineError::BadRequest("there is nothing to explain".to_owned()));
        };
        Ok(Self {
            objective,
            objectives,
            answer: question.answer.clone(),
            foil_answer: None,
            top: question.top,
            attributions: OnceLock::new(),
            loaded,
            findings,
        })
    }

    /// What was found whichever token is explained.
    pub fn findings(&self) -> &Arc<Findings> {
        &self.findings
    }

    /// The model.
    pub fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    pub(super) fn trace(&self) -> &Trace {
        self.findings.trace()
    }

    /// A token's text; without a tokenizer, its id in angle brackets.
    pub fn text(&self, id: u32) -> String {
        token_text(&self.loaded, id)
    }

    pub(super) fn token_values(&self, values: &[(u32, f32)]) -> Vec<TokenValue> {
        values.iter().map(|&(id, value)| TokenValue { id, text: self.text(id), value }).collect()
    }

    /// The first step: no attribution yet.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn first_step(
        &self,
        tokens: &[Token],
        watch: Watch<'_>,
    ) -> Result<wire::Inspection, EngineError> {
        let predicted = self.findings.predicted(&self.loaded.model, watch)?;
        Ok(wire::Inspection {
            model: model_info(&self.loaded),
            tokens: token_rows(&self.loaded, tokens, predicted),
            target: self.target(),
            predictions: self.predictions(),
            lens: None,
            attribution: None,
            parts: None,
            routes: self.routes(),
            heads: self.heads(None, RankBy::Flow, self.top)?,
            neurons: self.neurons(None, RankBy::Flow, self.top)?,
            timings_ms: None,
        })
    }

    /// The second step's passes, walked once.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn attributions(&self, watch: Watch<'_>) -> Result<&Attributions, EngineError> {
        if let Some(done) = self.attributions.get() {
            return Ok(done);
        }
        let (model, logits) = (&self.loaded.model, &self.findings.logits);
        let mut done = Attributions::of_sum(model, self.trace(), &self.objectives, logits, watch)?;
        if let Some(foil) = &self.foil_answer {
            done.subtract(&foil.attributions(self, watch)?, foil.n_prompt());
        }
        Ok(self.attributions.get_or_init(|| done))
    }

    /// The passes, if they were walked already.
    pub fn known_attributions(&self) -> Option<&Attributions> {
        self.attributions.get()
    }

    /// Token scores of the methods; the first is shown.
    pub fn attribution(
        &self,
        attributions: &Attributions,
        methods: &[Method],
    ) -> wire::Attribution {
        let flows = self.input_flows();
        let scores = |method: Method| attributions.tokens(method, &flows);
        let shown = methods.first().copied().unwrap_or(Method::Atp);
        let others = (methods.len() > 1).then(|| {
            methods.iter().map(|&m| (m.name().to_owned(), scores(m))).collect::<BTreeMap<_, _>>()
        });
        wire::Attribution {
            method: shown.name().to_owned(),
            objective: effects::objective(self.objective.kind),
            unit: if shown == Method::Flow { "share" } else { "nats" }.to_owned(),
            value: attributions.value as f32,
            scores: scores(shown),
            effects: Vec::new(),
            disagreements: Vec::new(),
            others,
        }
    }

    /// Flow that reaches each input token in the unpruned graph.
    pub fn input_flows(&self) -> Vec<f32> {
        self.findings.graph.embed_flows.clone()
    }

    /// The lens grid: `[layer][position of the list]`, layer 0 the embedding.
    ///
    /// *Cost*: an unembedding of `(n_layers + 1) n_tokens` rows.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn lens(
        &self,
        positions: &[usize],
        watch: Watch<'_>,
    ) -> Result<Vec<Vec<wire::LensCell>>, EngineError> {
        let model = &self.loaded.model;
        let grid = lens_grid(model, self.trace(), positions, self.objective.target, watch)?;
        let wire_cell = |cell: LensCell| wire::LensCell {
            id: cell.id,
            text: self.text(cell.id),
            prob: cell.prob,
            target_prob: cell.target_prob,
            target_rank: cell.target_rank,
        };
        Ok(grid.into_iter().map(|row| row.into_iter().map(wire_cell).collect()).collect())
    }

    fn predictions(&self) -> Vec<wire::Prediction> {
        self.predictions_of(self.findings.last_logits(), LISTED)
    }

    pub(super) fn predictions_of(&self, logits: &[f32], k: usize) -> Vec<wire::Prediction> {
        predictions(&self.loaded, logits, k)
    }

    /// The drawn routes.
    pub fn routes(&self) -> wire_graph::Routes {
        self.routes_over(self.findings.pruned.edges.iter())
    }

    /// The strongest of the drawn routes, as [`strongest`].
    pub fn strongest_routes(&self, max_edges: usize) -> wire_graph::Routes {
        let edges = &self.findings.pruned.edges;
        let kept = strongest_first(edges.len(), max_edges, |at| edges[at].flow);
        strongest(&self.routes_over(kept.iter().map(|&at| &edges[at])), max_edges)
    }

    fn routes_over<'a>(&self, edges: impl Iterator<Item = &'a Edge>) -> wire_graph::Routes {
        let (findings, n_positions) = (&self.findings, self.trace().n_tokens());
        let mut index = vec![0; findings.graph.target.place(n_positions) + n_positions];
        for (at, (node, _)) in findings.pruned.nodes.iter().enumerate() {
            index[node.place(n_positions)] = at;
        }
        let wire_node = |(index, (node, flow)): (usize, &(NodeId, f32))| wire_graph::RouteNode {
            node: index,
            kind: match node.kind {
                NodeKind::Embed => wire_graph::NodeKind::Embed,
                NodeKind::ResidMid => wire_graph::NodeKind::ResidMid,
                NodeKind::Mlp => wire_graph::NodeKind::Mlp,
                NodeKind::ResidPost => wire_graph::NodeKind::ResidPost,
            },
            layer: node.layer,
            position: node.position,
            flow: *flow,
        };
        let head =
            |&(head, contribution): &(usize, f32)| wire_graph::EdgeHead { head, contribution };
        let wire_edge = |edge: &Edge| wire_graph::RouteEdge {
            from: index[edge.from.place(n_positions)],
            to: index[edge.to.place(n_positions)],
            kind: match edge.kind {
                EdgeKind::Attention => wire_graph::EdgeKind::Attention,
                EdgeKind::Residual => wire_graph::EdgeKind::Residual,
                EdgeKind::MlpIn => wire_graph::EdgeKind::MlpIn,
                EdgeKind::MlpOut => wire_graph::EdgeKind::MlpOut,
            },
            contribution: edge.contribution,
            flow: edge.flow,
            heads: edge.heads.iter().map(head).collect(),
        };
        wire_graph::Routes {
            prune: findings.prune.to_string(),
            shown: findings.pruned.shown,
            nodes: findings.pruned.nodes.iter().enumerate().map(wire_node).collect(),
            edges: edges.map(wire_edge).collect(),
            steps: Vec::new(),
        }
    }
}
