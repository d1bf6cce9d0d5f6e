//! Gradients of one backward pass by place, in f64, and seeds to start it from.

use candle_core::{DType, Tensor};
use limpid_analysis::{
    objective::{Objective, ObjectiveKind},
    vocabulary::top,
};
use limpid_engine::{
    backward::{Gradient, LayerGradient, Seed},
    error::EngineError,
    model::Model,
    norm::Gradients,
    trace::Trace,
};
use limpid_tests::watched;

/// Where in a layer something is changed, or a gradient taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The residual entering the layer.
    ResidPre,
    /// The input of attention's output projection.
    Z,
    /// The neuron vector.
    Post,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::ResidPre, Self::Z, Self::Post];
}

/// A tensor's values, row-major.
pub(crate) fn wide(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// A dense `[rows, n_cols]` tensor in f64.
pub(crate) fn tensor(values: Vec<f64>, n_cols: usize) -> Tensor {
    let n_rows = values.len() / n_cols;
    Tensor::from_vec(values, (n_rows, n_cols), &candle_core::Device::Cpu).unwrap()
}

/// Values between -1 and 1 that are the same in every run.
pub(crate) fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// One backward pass with its gradients at every place.
pub(crate) struct Walked {
    pub(crate) gradient: Gradient,
    layers: Vec<[Vec<f64>; 3]>,
}

impl Walked {
    pub(crate) fn new(model: &Model, trace: &Trace, seeds: &[Seed], gradients: Gradients) -> Self {
        let mut layers = vec![Default::default(); model.spec.n_layers];
        let mut observe = |layer: usize, g: LayerGradient<'_>| -> Result<(), EngineError> {
            layers[layer] = [wide(g.resid_pre), wide(g.z), wide(g.post)];
            Ok(())
        };
        let gradient =
            watched(|watch| model.backward(trace, seeds, gradients, watch, Some(&mut observe)));
        Self { gradient: gradient.unwrap(), layers }
    }

    /// The gradient at a place, `[n_tokens, n_cols]`: rows that were not walked are zero, those after the last seed and, in
    /// the top layer, those before the first.
    pub(crate) fn at(
        &self,
        layer: usize,
        place: Place,
        last: usize,
        shape: (usize, usize),
    ) -> Vec<f64> {
        let (n_tokens, n_cols) = shape;
        let got = &self.layers[layer][place as usize];
        let first = last + 1 - got.len() / n_cols;
        let mut all = vec![0f64; n_tokens * n_cols];
        all[first * n_cols..(last + 1) * n_cols].copy_from_slice(got);
        all
    }
}

/// Logits of all positions, `[pos][d_vocab]`, in f64.
pub(crate) fn logits(model: &Model, resid: &Tensor) -> Vec<Vec<f64>> {
    wide(&model.logits(resid).unwrap()).chunks(model.spec.d_vocab).map(<[f64]>::to_vec).collect()
}

/// The objective at a position that explains its likeliest token against the runner-up.
pub(crate) fn objective(logits: &[Vec<f64>], position: usize, kind: ObjectiveKind) -> Objective {
    let best = top(&narrow(&logits[position]), 2);
    Objective { position, target: best[0].0, foil: Some(best[1].0), kind }
}

/// In f32, as the engine hands logits out.
pub(crate) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
