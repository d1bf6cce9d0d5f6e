//! Rows of heads and neurons, ranked, with what they write.

use crate::{
    attribution::Attributions,
    components::{head_output, neuron_directions, strongest},
    contributions::NeuronShares,
    route_graph::{NodeId, NodeKind},
    views::inspection::{Inspector, LISTED, RankBy, Top},
    vocabulary::{Written, written},
};
use limpid_engine::error::EngineError;
use limpid_protocol::{
    head_row::HeadRow,
    neuron_row::{NeuronRow, gated_sign_case, plain_sign_case},
};
use std::collections::BTreeMap;

/// Neurons a layer when every row is asked for.
const NEURONS_A_LAYER: usize = 100;

impl Inspector {
    /// Heads, strongest first.
    ///
    /// # Errors
    /// The device refused.
    pub fn heads(
        &self,
        scores: Option<&Attributions>,
        rank_by: RankBy,
        top: Top,
    ) -> Result<Vec<HeadRow>, EngineError> {
        let (model, position) = (&self.loaded.model, self.objective.position);
        let by = match (scores, rank_by) {
            (Some(scores), RankBy::Attribution) => &scores.true_pass.heads,
            _ => &self.findings.graph.head_flows,
        };
        let n = match top {
            Top::Strongest(n) => n,
            Top::All => model.spec.n_layers * model.spec.n_heads,
        };
        self.head_rows(strongest(by, n), scores, position)
    }

    /// Rows of some heads; what they write is read at `position`.
    ///
    /// # Errors
    /// The device refused.
    pub fn head_rows(
        &self,
        chosen: Vec<(usize, usize)>,
        scores: Option<&Attributions>,
        position: usize,
    ) -> Result<Vec<HeadRow>, EngineError> {
        let model = &self.loaded.model;
        let outputs = chosen
            .iter()
            .map(|&(layer, head)| head_output(model, self.trace(), layer, head, position))
            .collect::<Result<Vec<_>, _>>()?;
        let written = written(model, &outputs, LISTED, true)?;
        let row = |((layer, head), written): ((usize, usize), Written)| HeadRow {
            layer,
            head,
            flow: self.findings.graph.head_flows[layer][head],
            attribution: scores.map(|s| s.true_pass.heads[layer][head]),
            attribution_at_target: scores.map(|s| s.true_pass.heads_at_target[layer][head]),
            logit_attribution: scores.map(|s| s.head_logits[layer][head]),
            effect: None,
            disagreement: None,
            promotes: self.token_values(&written.promotes),
            suppresses: self.token_values(&written.suppresses),
        };
        Ok(chosen.into_iter().zip(written).map(row).collect())
    }

    /// Neurons, strongest first.
    ///
    /// # Errors
    /// The device refused.
    pub fn neurons(
        &self,
        scores: Option<&Attributions>,
        rank_by: RankBy,
        top: Top,
    ) -> Result<Vec<NeuronRow>, EngineError> {
        let by = match (scores, rank_by) {
            (Some(scores), RankBy::Attribution) => &scores.true_pass.neurons,
            _ => &self.findings.neurons.flows,
        };
        let chosen = match top {
            Top::Strongest(n) => strongest(by, n),
            Top::All => {
                let mut chosen: Vec<(usize, usize)> = by
                    .iter()
                    .enumerate()
                    .flat_map(|(layer, values)| {
                        let own = strongest(std::slice::from_ref(values), NEURONS_A_LAYER);
                        own.into_iter().map(move |(_, neuron)| (layer, neuron))
                    })
                    .collect();
                chosen.sort_by(|a, b| {
                    by[b.0][b.1].abs().total_cmp(&by[a.0][a.1].abs()).then(a.cmp(b))
                });
                chosen
            }
        };
        self.neuron_rows(chosen, scores)
    }

    /// Rows of some neurons at the target position.
    fn neuron_rows(
        &self,
        chosen: Vec<(usize, usize)>,
        scores: Option<&Attributions>,
    ) -> Result<Vec<NeuronRow>, EngineError> {
        let value = |of: &[Vec<f32>], (layer, neuron): (usize, usize)| of[layer][neuron];
        self.rows_of_neurons(
            chosen,
            scores,
            self.objective.position,
            &|place| value(&self.findings.neurons.activations, place),
            &|place| value(&self.findings.neurons.flows, place),
        )
    }

    /// Rows of neurons of one layer at any position, from that position's shares.
    pub(super) fn neuron_rows_at(
        &self,
        chosen: Vec<(usize, usize)>,
        position: usize,
        shares: &NeuronShares,
    ) -> Result<Vec<NeuronRow>, EngineError> {
        let flow = |layer| {
            let node = NodeId { layer, kind: NodeKind::ResidPost, position };
            self.findings.graph.flow(&node).unwrap_or(0.0)
        };
        self.rows_of_neurons(
            chosen,
            self.known_attributions(),
            position,
            &|(_, neuron)| shares.activations[neuron],
            &|(layer, neuron)| flow(layer) * shares.neurons[neuron],
        )
    }

    fn rows_of_neurons(
        &self,
        chosen: Vec<(usize, usize)>,
        scores: Option<&Attributions>,
        position: usize,
        activation: &dyn Fn((usize, usize)) -> f32,
        flow: &dyn Fn((usize, usize)) -> f32,
    ) -> Result<Vec<NeuronRow>, EngineError> {
        let model = &self.loaded.model;
        let mut directions: BTreeMap<(usize, usize), Vec<f32>> = BTreeMap::new();
        let mut by_layer: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &(layer, neuron) in &chosen {
            by_layer.entry(layer).or_default().push(neuron);
        }
        for (layer, neurons) in by_layer {
            let found = neuron_directions(model, self.trace(), layer, &neurons, position)?;
            directions.extend(neurons.into_iter().map(|neuron| (layer, neuron)).zip(found));
        }
        let signed: Vec<Vec<f32>> = chosen
            .iter()
            .filter_map(|place| {
                let mut direction = directions.remove(place)?;
                // A negative activation pushes the other way round.
                if activation(*place) < 0.0 {
                    direction.iter_mut().for_each(|value| *value = -*value);
                }
                Some(direction)
            })
            .collect();
        let written = written(model, &signed, LISTED, true)?;
        chosen
            .into_iter()
            .zip(written)
            .map(|((layer, neuron), written)| {
                Ok(NeuronRow {
                    layer,
                    neuron,
                    position,
                    activation: activation((layer, neuron)),
                    sign_case: self.sign_case(layer, neuron, position)?,
                    flow: flow((layer, neuron)),
                    attribution: scores.map(|s| s.true_pass.neurons[layer][neuron]),
                    attribution_at_target: scores
                        .map(|s| s.true_pass.neurons_at_target[layer][neuron]),
                    logit_attribution: scores.map(|s| s.neuron_logits[layer][neuron]),
                    effect: None,
                    disagreement: None,
                    promotes: self.token_values(&written.promotes),
                    suppresses: self.token_values(&written.suppresses),
                })
            })
            .collect()
    }

    fn sign_case(
        &self,
        layer: usize,
        neuron: usize,
        position: usize,
    ) -> Result<String, EngineError> {
        let model = &self.loaded.model;
        let of = self.trace().layer(layer, model)?;
        let row = of.mlp_in.narrow(position, 1)?;
        let row = row.host()?;
        let values = row.row(0);
        Ok(if model.spec.gated_mlp {
            gated_sign_case(values[neuron], values[model.spec.d_mlp + neuron])
        } else {
            plain_sign_case(values[neuron])
        })
    }
}
