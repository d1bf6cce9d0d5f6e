//! What is found at a position of a trace whichever token is explained there: routes, flows of neurons, logits, how the
//! prompt's own tokens were predicted. Shared by all questions about the same place.

use crate::{
    components::{NeuronFlows, neuron_flows},
    route_build::grow,
    route_graph::{NodeId, NodeKind, PrunedGraph, RouteGraph},
    route_prune::Prune,
    vocabulary::{Predicted, check_finite, predicted_tokens},
};
use limpid_engine::{
    error::EngineError, forward::Watch, model::Model, pos_tensor::to_host, trace::Trace,
};
use std::sync::{Arc, OnceLock};

/// Everything about a place that needs neither a target token nor a backward pass.
#[derive(Debug)]
pub struct Findings {
    trace: Arc<Trace>,
    /// The position whose prediction is looked at.
    pub position: usize,
    /// How routes are pruned.
    pub prune: Prune,
    /// `[d_vocab]` at the position.
    pub logits: Vec<f32>,
    /// Routes, whole.
    pub graph: RouteGraph,
    /// Routes, as they are drawn.
    pub pruned: PrunedGraph,
    /// Neurons at the position.
    pub neurons: NeuronFlows,
    predicted: OnceLock<Arc<[Predicted]>>,
}

impl Findings {
    /// Grows and prunes the routes of a position in range, and ranks by flow.
    ///
    /// # Errors
    /// Logits that are not finite; cancelled; the device refused.
    pub fn new(
        model: &Model,
        trace: Arc<Trace>,
        position: usize,
        prune: Prune,
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let resid = trace.resid_after(model.spec.n_layers).narrow(position, 1)?.tensor()?;
        let logits = to_host(&model.logits(&resid)?)?;
        check_finite(&logits)?;
        let graph = grow(model, &trace, position, prune.growth(), watch.cancel)?;
        let pruned = prune.apply(&graph);
        let flow = |layer| {
            let node = NodeId { layer, kind: NodeKind::ResidPost, position };
            graph.flow(&node).unwrap_or(0.0)
        };
        let neurons = neuron_flows(model, &trace, position, &flow)?;
        let predicted = OnceLock::new();
        Ok(Self { trace, position, prune, logits, graph, pruned, neurons, predicted })
    }

    /// Whether these are the findings of a place.
    pub fn is_of(&self, trace: &Arc<Trace>, position: usize, prune: Prune) -> bool {
        Arc::ptr_eq(&self.trace, trace) && self.position == position && self.prune == prune
    }

    /// The activations that all of this was found in.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// How each token after the first was predicted; computed once.
    ///
    /// # Errors
    /// As [`predicted_tokens`].
    pub fn predicted(&self, model: &Model, watch: Watch<'_>) -> Result<&[Predicted], EngineError> {
        if let Some(known) = self.predicted.get() {
            return Ok(known);
        }
        let predicted = predicted_tokens(model, &self.trace, &[], watch.cancel)?;
        Ok(self.predicted.get_or_init(|| predicted.into()))
    }

    /// Takes over how each token was predicted from who computed it already, for this very trace.
    pub fn know_predicted(&self, predicted: &Arc<[Predicted]>) {
        let _ = self.predicted.set(Arc::clone(predicted));
    }
}
