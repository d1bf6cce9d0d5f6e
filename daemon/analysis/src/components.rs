//! Heads and neurons as vectors and as rows of a ranking.

use crate::contributions::neuron_contributions;
use limpid_engine::{error::EngineError, model::Model, pos_tensor::to_host, trace::Trace};

/// A head's output at a position: `z_h W_O[h]`, times the frozen post norm; `[d_model]`.
///
/// # Errors
/// The device refused.
pub fn head_output(
    model: &Model,
    trace: &Trace,
    layer: usize,
    head: usize,
    position: usize,
) -> Result<Vec<f32>, EngineError> {
    let of = trace.layer(layer, model)?;
    let d = model.spec.d_head;
    let block = &model.blocks[layer];
    let z = of.z.narrow(position, 1)?.columns(head * d, d)?.tensor()?;
    let output = block.w_o.forward_inputs(&z, head * d..(head + 1) * d)?;
    let output = match &block.post_attn_norm {
        Some(norm) => {
            let raw = of.attn_raw.narrow(position, 1)?.tensor()?;
            (output * norm.frozen_factor(&raw)?)?
        }
        None => output,
    };
    to_host(&output)
}

/// What neurons of a layer write: their output weights, times the frozen post norm at the position; one `[d_model]` each.
///
/// # Errors
/// The device refused.
pub fn neuron_directions(
    model: &Model,
    trace: &Trace,
    layer: usize,
    neurons: &[usize],
    position: usize,
) -> Result<Vec<Vec<f32>>, EngineError> {
    let block = &model.blocks[layer];
    let mut directions = block.w_out.columns(neurons)?;
    if let Some(norm) = &block.post_mlp_norm {
        let of = trace.layer(layer, model)?;
        let factor = to_host(&norm.frozen_factor(&of.mlp_raw.narrow(position, 1)?.tensor()?)?)?;
        for direction in &mut directions {
            for (value, factor) in direction.iter_mut().zip(&factor) {
                *value *= factor;
            }
        }
    }
    Ok(directions)
}

/// Flow of every neuron at a position: `flow(resid_post) * contribution`, `[layer][neuron]`, and the neuron vectors.
///
/// # Errors
/// The device refused.
pub fn neuron_flows(
    model: &Model,
    trace: &Trace,
    position: usize,
    resid_post_flow: &(dyn Fn(usize) -> f32 + Sync),
) -> Result<NeuronFlows, EngineError> {
    use rayon::prelude::{IntoParallelIterator, ParallelIterator};
    let layers = (0..model.spec.n_layers)
        .into_par_iter()
        .map(|layer| {
            let shares = neuron_contributions(model, trace, layer, position)?;
            let flow = resid_post_flow(layer);
            let flows = shares.neurons.iter().map(|share| flow * share).collect();
            Ok((flows, shares.activations))
        })
        .collect::<Result<Vec<(Vec<f32>, Vec<f32>)>, EngineError>>()?;
    let (flows, activations) = layers.into_iter().unzip();
    Ok(NeuronFlows { flows, activations })
}

/// Flow and activation of every neuron at a position.
#[derive(Clone, Debug)]
pub struct NeuronFlows {
    /// `[layer][neuron]`
    pub flows: Vec<Vec<f32>>,
    /// `[layer][neuron]`
    pub activations: Vec<Vec<f32>>,
}

impl NeuronFlows {
    /// Adds the flows of a later position and takes its activations.
    pub(crate) fn add(&mut self, later: Self) {
        if self.flows.is_empty() {
            self.flows = later.flows;
        } else {
            for (flow, more) in self.flows.iter_mut().flatten().zip(later.flows.iter().flatten()) {
                *flow += more;
            }
        }
        self.activations = later.activations;
    }
}

/// The strongest `n` of `[layer][index]` by absolute value, strongest first; ties by place.
pub fn strongest(values: &[Vec<f32>], n: usize) -> Vec<(usize, usize)> {
    let mut all: Vec<(f32, usize, usize)> = values
        .iter()
        .enumerate()
        .flat_map(|(layer, values)| {
            values.iter().enumerate().map(move |(index, value)| (value.abs(), layer, index))
        })
        .collect();
    let order = |a: &(f32, usize, usize), b: &(f32, usize, usize)| {
        b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)))
    };
    if n < all.len() {
        all.select_nth_unstable_by(n, order);
        all.truncate(n);
    }
    all.sort_unstable_by(order);
    all.into_iter().map(|(_, layer, index)| (layer, index)).collect()
}
