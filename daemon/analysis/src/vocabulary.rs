//! Directions in the residual stream as tokens, and what comes next at each position: everything that ranks the vocabulary.

use candle_core::Tensor;
use limpid_engine::{
    cancel::CancelToken,
    error::EngineError,
    forward::Watch,
    kernels::{activation::exp, vectorized},
    model::Model,
    pos_tensor::to_host,
    trace::Trace,
};
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSlice};

/// Rows of logits in memory at once.
const BLOCK: usize = 64;

/// The `k` largest values with their ids, largest first; ties by id.
pub fn top(values: &[f32], k: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(k + 1);
    let mut least = f32::NEG_INFINITY;
    for (id, &value) in values.iter().enumerate() {
        if best.len() == k && value <= least {
            continue;
        }
        let at = best.partition_point(|(_, other)| *other >= value);
        best.insert(at, (id as u32, value));
        best.truncate(k);
        least = best.last().map_or(f32::NEG_INFINITY, |(_, value)| *value);
    }
    best
}

/// The `k` smallest values with their ids, smallest first; ties by id.
pub fn bottom(values: &[f32], k: usize) -> Vec<(u32, f32)> {
    let negated: Vec<f32> = values.iter().map(|value| -value).collect();
    top(&negated, k).into_iter().map(|(id, value)| (id, -value)).collect()
}

/// `log sum exp` of a row. NaN where a value is NaN.
pub fn log_sum_exp(logits: &[f32]) -> f32 {
    vectorized(
        #[inline(always)]
        || {
            let max = largest(logits);
            let mut sum = 0f64;
            for chunk in logits.chunks(1024) {
                sum += f64::from(sum_exp_beyond(chunk, max));
            }
            max + sum.ln() as f32
        },
    )
}

// Loops, not closures: a closure that is not inlined loses the instructions that `vectorized` allows.

#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = if *value > *lane { *value } else { *lane };
    }
    let mut max = f32::NEG_INFINITY;
    for lane in lanes {
        max = max.max(lane);
    }
    max
}

/// `sum exp(x - max)`, in lanes.
#[inline(always)]
fn sum_exp_beyond(values: &[f32], max: f32) -> f32 {
    let mut lanes = [0f32; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += exp(value - max);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += exp(value - max);
    }
    let mut sum = 0f32;
    for lane in lanes {
        sum += lane;
    }
    sum
}

/// Refuses logits, or what was made of them, that are not finite numbers.
///
/// # Errors
/// One is not: the unembedding is broken, for residuals were checked before.
pub fn check_finite(values: &[f32]) -> Result<(), EngineError> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(EngineError::NotFinite { hook: "logits".to_owned() }),
    }
}

/// 1 for the largest.
pub fn rank_of(logits: &[f32], id: u32) -> usize {
    let own = logits[id as usize];
    1 + logits.iter().filter(|logit| **logit > own).count()
}

/// How a token was predicted by those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// Log-probability, nats.
    pub logprob: f32,
    /// 1 for the most likely.
    pub rank: usize,
}

/// How each token after the first was predicted: `[pos - 1]`, of token 1 on. What is `known` of the first ones is taken over:
/// a token's prediction depends on those before it alone.
///
/// *Cost*: the unembedding of all positions but the last and the known ones, 64 rows in memory at a time.
///
/// # Errors
/// Cancelled; logits that are not finite; the device refused.
pub fn predicted_tokens(
    model: &Model,
    trace: &Trace,
    known: &[Predicted],
    cancel: &CancelToken,
) -> Result<Vec<Predicted>, EngineError> {
    let ids = trace.token_ids();
    let resid = trace.resid_after(model.spec.n_layers);
    let mut out = Vec::with_capacity(ids.len());
    out.extend_from_slice(&known[..known.len().min(ids.len() - 1)]);
    for start in (out.len()..ids.len() - 1).step_by(BLOCK) {
        cancel.check()?;
        let n = BLOCK.min(ids.len() - 1 - start);
        let logits = to_host(&model.logits(&resid.narrow(start, n)?.tensor()?)?)?;
        let rows = logits.par_chunks(model.spec.d_vocab).enumerate();
        out.par_extend_rows(rows.map(|(row, logits)| {
            let id = ids[start + row + 1];
            let logprob = logits[id as usize] - log_sum_exp(logits);
            Predicted { logprob, rank: rank_of(logits, id) }
        }));
    }
    check_finite(&out.iter().map(|predicted| predicted.logprob).collect::<Vec<_>>())?;
    Ok(out)
}

trait ExtendRows<T> {
    fn par_extend_rows(&mut self, rows: impl IndexedParallelIterator<Item = T>);
}

impl<T: Send> ExtendRows<T> for Vec<T> {
    fn par_extend_rows(&mut self, rows: impl IndexedParallelIterator<Item = T>) {
        let mut block = Vec::new();
        rows.collect_into_vec(&mut block);
        self.append(&mut block);
    }
}

/// What a direction writes: tokens it promotes and suppresses with their logits.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Largest first.
    pub promotes: Vec<(u32, f32)>,
    /// Smallest first.
    pub suppresses: Vec<(u32, f32)>,
}

/// What some directions of the residual stream write, through the final norm (or without it).
///
/// *Shapes*: directions `[row][d_model]`. *Cost*: one unembedding of all rows, 64 in memory at a time.
///
/// # Errors
/// The device refused.
pub fn written(
    model: &Model,
    directions: &[Vec<f32>],
    k: usize,
    with_norm: bool,
) -> Result<Vec<Written>, EngineError> {
    let mut out = Vec::with_capacity(directions.len());
    for block in directions.chunks(BLOCK) {
        let rows = rows_tensor(model, block)?;
        let logits = if with_norm { model.logits(&rows)? } else { model.unembed.forward(&rows)? };
        let logits = to_host(&logits)?;
        let mut done = Vec::new();
        logits
            .par_chunks(model.spec.d_vocab)
            .map(|row| Written { promotes: top(row, k), suppresses: bottom(row, k) })
            .collect_into_vec(&mut done);
        out.append(&mut done);
    }
    Ok(out)
}

/// Rows on the host as a tensor on the model's device: `[row, d_model]`.
pub(crate) fn rows_tensor(model: &Model, rows: &[Vec<f32>]) -> Result<Tensor, EngineError> {
    let n_cols = rows.first().map_or(0, Vec::len);
    let tensor = Tensor::from_vec(rows.concat(), (rows.len(), n_cols), &candle_core::Device::Cpu)?;
    Ok(tensor.to_dtype(model.compute.activation_dtype())?.to_device(&model.compute.device)?)
}

/// One cell of the logit lens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LensCell {
    /// The most likely token.
    pub id: u32,
    /// Its probability.
    pub prob: f32,
    /// Probability of the target.
    pub target_prob: f32,
    /// Rank of the target, 1 for the most likely.
    pub target_rank: usize,
}

/// The logit lens of residual rows, through the final norm.
///
/// # Errors
/// Cancelled; logits that are not finite; the device refused.
pub fn lens_cells(
    model: &Model,
    resid: &Tensor,
    target: u32,
    cancel: &CancelToken,
) -> Result<Vec<LensCell>, EngineError> {
    let n_rows = resid.dims2()?.0;
    let mut out = Vec::with_capacity(n_rows);
    for start in (0..n_rows).step_by(BLOCK) {
        cancel.check()?;
        let logits = model.logits(&resid.narrow(0, start, BLOCK.min(n_rows - start))?)?;
        let logits = to_host(&logits)?;
        out.par_extend_rows(logits.par_chunks(model.spec.d_vocab).map(|logits| {
            let all = log_sum_exp(logits);
            let best = top(logits, 1);
            let (id, logit) = best.first().copied().unwrap_or((0, f32::NEG_INFINITY));
            LensCell {
                id,
                prob: (logit - all).exp(),
                target_prob: (logits[target as usize] - all).exp(),
                target_rank: rank_of(logits, target),
            }
        }));
    }
    check_finite(&out.iter().map(|cell| cell.prob).collect::<Vec<_>>())?;
    Ok(out)
}

/// The logit lens of every layer at some positions: `[n_layers + 1][position of the list]`, the embedding first.
///
/// *Cost*: one unembedding of `(n_layers + 1) positions` rows; layers share a product, for a product of one row reads as
/// many weights as one of sixty-four.
///
/// # Errors
/// A position out of range; cancelled; logits that are not finite; the device refused.
pub fn lens_grid(
    model: &Model,
    trace: &Trace,
    positions: &[usize],
    target: u32,
    watch: Watch<'_>,
) -> Result<Vec<Vec<LensCell>>, EngineError> {
    let layers: Vec<usize> = (0..=model.spec.n_layers).collect();
    let mut grid = Vec::with_capacity(layers.len());
    for together in layers.chunks((BLOCK / positions.len().max(1)).max(1)) {
        (watch.progress)(grid.len(), layers.len());
        let rows = together
            .iter()
            .map(|&layer| trace.resid_after(layer).gather(positions))
            .collect::<Result<Vec<_>, _>>()?;
        let cells = lens_cells(model, &Tensor::cat(&rows, 0)?, target, watch.cancel)?;
        grid.extend(cells.chunks(positions.len()).map(<[LensCell]>::to_vec));
    }
    Ok(grid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_and_bottom_are_in_order_and_ties_go_by_id() {
        let values = [1.0, 5.0, -2.0, 5.0, 0.0];
        assert_eq!(top(&values, 3), [(1, 5.0), (3, 5.0), (0, 1.0)]);
        assert_eq!(bottom(&values, 2), [(2, -2.0), (4, 0.0)]);
        assert_eq!(top(&values, 99).len(), 5);
        assert_eq!(rank_of(&values, 0), 3);
    }
}
