//! The whole inspection of a prompt, in two steps: routes, lens and flow rankings first; then the attributions.

use crate::{
    attribution::{Attributions, Method},
    findings::Findings,
    objective::Objective,
    route_graph::{Edge, EdgeKind, NodeId, NodeKind},
    route_prune::Prune,
    views::{
        explained::Explained,
        glance::{model_info, predictions, token_rows},
        route_steps::{strongest, strongest_first},
    },
    vocabulary::{LensCell, lens_grid},
};
use limpid_engine::{
    error::EngineError, forward::Watch, model_pool::Loaded, tokenizer::Token, trace::Trace,
};
use limpid_protocol::{inspection as wire, route_graph as wire_graph, token_value::TokenValue};
use std::sync::Arc;

pub use crate::views::question::{Question, RankBy, Top};

/// Tokens listed as predictions, promoted and suppressed.
pub(super) const LISTED: usize = 10;

/// Everything that is known of one prompt and one question.
pub struct Inspector {
    pub(super) loaded: Arc<Loaded>,
    pub(super) explained: Arc<Explained>,
    pub(super) findings: Arc<Findings>,
    /// The scalar that is explained; of an answer its last token's.
    pub objective: Objective,
    pub(super) top: Top,
}

impl Inspector {
    /// As [`Self::of`], of a question that nobody asked before.
    ///
    /// # Errors
    /// As [`Explained::new`] and [`Self::of`].
    pub fn new(
        loaded: Arc<Loaded>,
        trace: Arc<Trace>,
        question: &Question,
        known: impl IntoIterator<Item = Arc<Findings>>,
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let explained = Arc::new(Explained::new(loaded, trace, question)?);
        Self::of(explained, (question.prune, question.top), known, watch)
    }

    /// Grows the routes and ranks by flow, unless one of the `known` findings is of the same place; one that is pruned otherwise saves
    /// the growing.
    ///
    /// # Errors
    /// Cancelled; the device refused.
    pub fn of(
        explained: Arc<Explained>,
        (prune, top): (Prune, Top),
        known: impl IntoIterator<Item = Arc<Findings>>,
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let (loaded, trace) = (Arc::clone(&explained.loaded), &explained.trace);
        let of_this = |known: &Arc<Findings>| known.is_of(trace, &explained.positions);
        let known: Vec<Arc<Findings>> = known.into_iter().filter(of_this).collect();
        let same = known.iter().find(|known| known.prune == prune).map(Arc::clone);
        let pruned = || known.iter().find_map(|known| known.pruned_by(prune)).map(Arc::new);
        let findings = match same.or_else(pruned) {
            Some(known) => known,
            None => {
                let at = (explained.positions.clone(), Arc::clone(&explained.logits));
                Arc::new(Findings::new(&loaded.model, Arc::clone(trace), at, prune, watch)?)
            }
        };
        Ok(Self { objective: explained.objective, loaded, explained, findings, top })
    }

    /// What is explained.
    pub fn explained(&self) -> &Arc<Explained> {
        &self.explained
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
        self.explained.text(id)
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
        self.explained.attributions(watch)
    }

    /// The passes, if they were walked already.
    pub fn known_attributions(&self) -> Option<&Attributions> {
        self.explained.known_attributions()
    }

    /// Token scores of the methods; the first is shown.
    pub fn attribution(
        &self,
        attributions: &Attributions,
        methods: &[Method],
    ) -> wire::Attribution {
        self.explained.attribution(attributions, methods, &self.input_flows())
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
