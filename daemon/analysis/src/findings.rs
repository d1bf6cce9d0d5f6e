//! What is found at a position of a trace (or at those that predict an answer) whichever token is explained there: routes, flows of neurons, logits, how the
//! prompt's own tokens were predicted. Shared by all questions about the same place.

use crate::{
    components::{NeuronFlows, neuron_flows},
    route_build::grow_from,
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
    /// The positions whose predictions are looked at, ascending: one, or an answer's.
    pub positions: Vec<usize>,
    /// How routes are pruned.
    pub prune: Prune,
    /// `[d_vocab]` at each position.
    pub logits: Arc<[Vec<f32>]>,
    /// Routes, whole.
    pub graph: Arc<RouteGraph>,
    /// Routes, as they are drawn.
    pub pruned: PrunedGraph,
    /// Neurons: flows added up over the positions, activations at the last one.
    pub neurons: Arc<NeuronFlows>,
    predicted: OnceLock<Arc<[Predicted]>>,
}

impl Findings {
    /// Grows and prunes the routes of positions in range, whose logits are given, and ranks by flow.
    ///
    /// # Errors
    /// No position; cancelled; the device refused.
    pub fn new(
        model: &Model,
        trace: Arc<Trace>,
        (positions, logits): (Vec<usize>, Arc<[Vec<f32>]>),
        prune: Prune,
        watch: Watch<'_>,
    ) -> Result<Self, EngineError> {
        let graph = grow_from(model, &trace, &positions, prune.growth(), watch.cancel)?;
        let pruned = prune.apply(&graph);
        let mut neurons = NeuronFlows { flows: Vec::new(), activations: Vec::new() };
        for &position in &positions {
            watch.cancel.check()?;
            let flow = |layer| {
                let node = NodeId { layer, kind: NodeKind::ResidPost, position };
                graph.flow(&node).unwrap_or(0.0)
            };
            neurons.add(neuron_flows(model, &trace, position, &flow)?);
        }
        let (graph, neurons, predicted) = (Arc::new(graph), Arc::new(neurons), OnceLock::new());
        Ok(Self { trace, positions, prune, logits, graph, pruned, neurons, predicted })
    }

    /// The same place pruned by another rule; none where that rule needs its graph grown otherwise.
    pub fn pruned_by(&self, prune: Prune) -> Option<Self> {
        (prune.growth() == self.prune.growth()).then(|| Self {
            trace: Arc::clone(&self.trace),
            positions: self.positions.clone(),
            prune,
            logits: Arc::clone(&self.logits),
            graph: Arc::clone(&self.graph),
            pruned: prune.apply(&self.graph),
            neurons: Arc::clone(&self.neurons),
            predicted: self.predicted.clone(),
        })
    }

    /// Logits of the last of the positions, `[d_vocab]`.
    pub fn last_logits(&self) -> &[f32] {
        self.logits.last().map_or(&[], Vec::as_slice)
    }

    /// Whether these are the findings of a place, however pruned.
    pub fn is_of(&self, trace: &Arc<Trace>, positions: &[usize]) -> bool {
        Arc::ptr_eq(&self.trace, trace) && self.positions == positions
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

/// Logits of some positions, one after another: `[position][d_vocab]`.
///
/// # Errors
/// A position is out of range; logits that are not finite; the device refused.
pub(crate) fn logits_at(
    model: &Model,
    trace: &Trace,
    positions: &[usize],
) -> Result<Vec<Vec<f32>>, EngineError> {
    let top = trace.resid_after(model.spec.n_layers);
    let at = |&position: &usize| -> Result<Vec<f32>, EngineError> {
        let logits = to_host(&model.logits(&top.narrow(position, 1)?.tensor()?)?)?;
        check_finite(&logits)?;
        Ok(logits)
    };
    positions.iter().map(at).collect()
}
