//! True gradients are slopes: the whole backward pass against central differences of the whole forward pass, in f64 on the
//! plain way. *Source*: the attribution definitions, section 4.

use crate::gradients::{Place, Walked, logits, narrow, noise, objective, tensor, wide};
use candle_core::{DType, Tensor};
use limpid_analysis::objective::{Objective, ObjectiveKind};
use limpid_engine::{
    backward::Seed,
    device::Compute,
    mlp::post,
    model::Model,
    norm::{Gradients, Norm},
    trace::Trace,
};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace,
};

/// Relative to the largest gradient at the place. The seeds are f32, which is most of the error.
const TOLERANCE: f64 = 2e-6;
/// The same where the seed is exact in f32: one and minus one.
const EXACT_SEED: f64 = 2e-8;
/// Half the distance between the two points of a difference.
const STEP: f64 = 1e-5;

/// The objective in f64, straight from its definition.
fn value(objective: &Objective, logits: &[Vec<f64>]) -> f64 {
    let logits = &logits[objective.position];
    let own = logits[objective.target as usize];
    let log_sum_exp = |without: Option<u32>| -> f64 {
        let kept = logits.iter().enumerate().filter(|(id, _)| Some(*id as u32) != without);
        kept.map(|(_, logit)| (logit - own).exp()).sum::<f64>().ln() + own
    };
    match objective.kind {
        ObjectiveKind::LogOdds => own - log_sum_exp(Some(objective.target)),
        ObjectiveKind::LogProb => own - log_sum_exp(None),
        ObjectiveKind::LogitDiff => own - logits[objective.foil.unwrap() as usize],
    }
}

/// Logits of all positions when `place` of a layer has these values, everything above it computed anew.
fn logits_with(
    model: &Model,
    trace: &Trace,
    layer: usize,
    place: Place,
    at: &Tensor,
) -> Vec<Vec<f64>> {
    let (block, way, shape) = (&model.blocks[layer], model.compute.way, model.block_shape(layer));
    let of = trace.layer(layer, model).unwrap();
    let normed = |norm: &Option<Norm>, x: Tensor| match norm {
        Some(norm) => norm.forward(&x, way).unwrap(),
        None => x,
    };
    let after_neurons = |mid: &Tensor, neurons: &Tensor| {
        (mid + normed(&block.post_mlp_norm, block.w_out.forward(neurons).unwrap())).unwrap()
    };
    let mut resid = match place {
        Place::ResidPre => run_block(model, layer, at),
        Place::Z => {
            let attn = normed(&block.post_attn_norm, block.w_o.forward(at).unwrap());
            let mid = (of.resid_pre.tensor().unwrap() + attn).unwrap();
            let mlp_in = block.mlp_in.forward(&block.norm_mlp.forward(&mid, way).unwrap()).unwrap();
            after_neurons(&mid, &post(&mlp_in, shape.mlp, way).unwrap())
        }
        Place::Post => after_neurons(&of.resid_mid.tensor().unwrap(), at),
    };
    for layer in layer + 1..model.spec.n_layers {
        resid = run_block(model, layer, &resid);
    }
    logits(model, &resid)
}

fn run_block(model: &Model, layer: usize, resid_pre: &Tensor) -> Tensor {
    let rotary = model.rotary_table(layer, 0, resid_pre.dims()[0]).unwrap();
    let (block, shape) = (&model.blocks[layer], model.block_shape(layer));
    block.forward(&shape, resid_pre, None, rotary.as_ref(), model.compute.way).unwrap().1
}

/// What one backward pass starts from.
struct Start {
    objectives: Vec<Objective>,
    walked: Walked,
    last: usize,
}

impl Start {
    fn new(model: &Model, trace: &Trace, logits: &[Vec<f64>], objectives: Vec<Objective>) -> Self {
        let seed = |o: &Objective| o.value_and_seed(&narrow(&logits[o.position])).1;
        let seeds: Vec<Seed> = objectives.iter().map(seed).collect();
        let walked = Walked::new(model, trace, &seeds, Gradients::True);
        let last = objectives.iter().map(|o| o.position).max().unwrap();
        Self { objectives, walked, last }
    }

    fn value(&self, logits: &[Vec<f64>]) -> f64 {
        self.objectives.iter().map(|objective| value(objective, logits)).sum()
    }
}

/// Every objective in the middle and at the end, and an answer of two tokens: the sum of their objectives.
fn starts(model: &Model, trace: &Trace) -> Vec<Start> {
    let all = logits(model, &trace.resid_after(model.spec.n_layers).tensor().unwrap());
    let (middle, end) = (trace.n_tokens() / 2, trace.n_tokens() - 1);
    let kinds = [ObjectiveKind::LogOdds, ObjectiveKind::LogitDiff, ObjectiveKind::LogProb];
    let mut lists: Vec<Vec<Objective>> = kinds
        .into_iter()
        .flat_map(|kind| [middle, end].map(|position| vec![objective(&all, position, kind)]))
        .collect();
    lists.push(vec![
        objective(&all, middle, ObjectiveKind::LogOdds),
        objective(&all, end, ObjectiveKind::LogProb),
    ]);
    lists.into_iter().map(|list| Start::new(model, trace, &all, list)).collect()
}

/// The clean values of a place.
fn clean(model: &Model, trace: &Trace, layer: usize, place: Place) -> Tensor {
    let of = trace.layer(layer, model).unwrap();
    match place {
        Place::ResidPre => of.resid_pre.tensor().unwrap(),
        Place::Z => of.z.tensor().unwrap(),
        Place::Post => {
            let mlp_in = of.mlp_in.tensor().unwrap();
            post(&mlp_in, model.block_shape(layer).mlp, model.compute.way).unwrap()
        }
    }
}

/// Compares slopes along some directions, each a list of (index, length), with the gradients of every start.
fn check(
    name: &str,
    model: &Model,
    trace: &Trace,
    starts: &[Start],
    at: (usize, Place),
    directions: &[Vec<(usize, f64)>],
) {
    let (layer, place) = at;
    let values = clean(model, trace, layer, place);
    let (n_rows, n_cols) = values.dims2().unwrap();
    let values = wide(&values);
    let gradients: Vec<Vec<f64>> =
        starts.iter().map(|s| s.walked.at(layer, place, s.last, (n_rows, n_cols))).collect();
    for direction in directions {
        let moved = |by: f64| -> Vec<f64> {
            let mut values = values.clone();
            for (index, length) in direction {
                values[*index] += by * length;
            }
            let logits = logits_with(model, trace, layer, place, &tensor(values, n_cols));
            starts.iter().map(|start| start.value(&logits)).collect()
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        let length: f64 = direction.iter().map(|(_, length)| length * length).sum::<f64>().sqrt();
        for (index, gradient) in gradients.iter().enumerate() {
            let slope = (up[index] - down[index]) / (2.0 * STEP);
            let along: f64 = direction.iter().map(|(at, length)| gradient[*at] * length).sum();
            let largest = gradient.iter().fold(0f64, |max, g| max.max(g.abs()));
            let error = (slope - along).abs() / (largest * length);
            let (kind, row) = (starts[index].objectives[0].kind, direction[0].0 / n_cols);
            let is_exact = kind == ObjectiveKind::LogitDiff;
            let tolerance = if is_exact { EXACT_SEED } else { TOLERANCE };
            assert!(
                error <= tolerance,
                "{name} {layer} {place:?} row {row} {kind} {index}: {error:e}"
            );
        }
    }
}

#[test]
fn the_gradient_at_every_value_of_the_embedding_is_its_slope() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu_plain(DType::F64));
        let (model, trace) = (&loaded.model, trace(&loaded, &tiny.ids()));
        let starts = starts(model, &trace);
        let n_values = trace.n_tokens() * model.spec.d_model;
        let directions: Vec<_> = (0..n_values).map(|index| vec![(index, 1.0)]).collect();
        check(family, model, &trace, &starts, (0, Place::ResidPre), &directions);
        for start in &starts {
            let embedding = wide(&start.walked.gradient.embedding);
            let rows = start.walked.at(
                0,
                Place::ResidPre,
                start.last,
                (start.last + 1, model.spec.d_model),
            );
            assert_eq!(embedding, rows, "{family}: the embedding is where layer 0 starts");
        }
    }
}

#[test]
fn gradients_inside_every_layer_are_slopes_along_random_directions() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu_plain(DType::F64));
        let (model, trace) = (&loaded.model, trace(&loaded, &tiny.ids()));
        let starts = starts(model, &trace);
        for layer in 0..model.spec.n_layers {
            for place in Place::ALL {
                let (n_rows, n_cols) = clean(model, &trace, layer, place).dims2().unwrap();
                let directions: Vec<_> = (0..2 * n_rows)
                    .map(|seed| {
                        let lengths = noise(n_cols, seed as u64).into_iter().enumerate();
                        lengths.map(|(at, length)| (seed / 2 * n_cols + at, length)).collect()
                    })
                    .collect();
                check(family, model, &trace, &starts, (layer, place), &directions);
            }
        }
    }
}
