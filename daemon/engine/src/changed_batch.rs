//! Changed runs of one prompt, side by side. Each enters at the layer and position where it departs from the clean run and takes
//! everything before from its trace; in the top layer only what the targets need is computed. A run's numbers do not depend on its
//! neighbours, and where every position is run anew they are those of a plain forward pass, bit for bit on the CPU.

mod attention;

use crate::{
    changed_run::{ChangedRun, Stage},
    device::Way,
    error::EngineError,
    forward::Watch,
    hook_name::Hook,
    mlp::post,
    model::Model,
    norm::add,
    pos_tensor::PosTensor,
    row_edits::{RowSpan, apply},
    trace::{LayerTrace, Trace},
};
use candle_core::Tensor;
use std::sync::Arc;

/// Rows side by side: on the CPU more of them are no faster, on a GPU fewer leave it idle.
const CPU_ROWS: usize = 512;
const GPU_ROWS: usize = 8192;
/// Runs side by side.
const MOST_RUNS: usize = 512;
/// Rows of logits that are in memory at once.
const LOGIT_ROWS: usize = 64;

/// A run's index and its logits, one row for each target.
pub type Done = (usize, Result<Vec<Vec<f32>>, EngineError>);
/// Told of runs that are done, some at a time and in any order.
pub type EachDone<'a> = &'a mut (dyn FnMut(Vec<Done>) -> Result<(), EngineError> + Send);

impl Model {
    /// Runs changed runs of one clean prompt in batches, the first of them first.
    ///
    /// *Cost*: the rows that each run changes, in the layers above its first change; memory of 512 rows (8,192 on a GPU) and their
    /// logits. A run whose numbers overflow is told as an error of its own; the others go on.
    ///
    /// # Errors
    /// Cancelled (asked once a layer); what `each` answers; the device refused.
    pub fn run_changed(
        &self,
        clean: &Trace,
        runs: &[ChangedRun],
        watch: Watch<'_>,
        each: EachDone<'_>,
    ) -> Result<(), EngineError> {
        let mut start = 0;
        while start < runs.len() {
            let n = self.batch_len(&runs[start..]);
            let batch: Vec<(usize, &ChangedRun)> = runs[start..start + n]
                .iter()
                .enumerate()
                .map(|(at, run)| (start + at, run))
                .collect();
            // Enters the thread pool once, not once per product.
            rayon::scope(|_| Walk::new(self, clean, &batch).run(watch, each))?;
            start += n;
            (watch.progress)(start, runs.len());
        }
        Ok(())
    }

    /// How many of the first runs make a batch: at least one where there are any.
    pub fn batch_len<'a>(&self, runs: impl IntoIterator<Item = &'a ChangedRun>) -> usize {
        let most_rows = if self.compute.way == Way::Kernels { CPU_ROWS } else { GPU_ROWS };
        let (mut n, mut n_rows) = (0, 0);
        for run in runs {
            n_rows += run.n_rows();
            if n == MOST_RUNS || (n > 0 && n_rows > most_rows) {
                break;
            }
            n += 1;
        }
        n
    }

    /// The keys and values of a changed run, layer by layer and position by position, and its logits at its targets.
    ///
    /// # Errors
    /// As [`Self::run_changed`]; the run's numbers overflow.
    pub(crate) fn changed_keys(
        &self,
        clean: &Trace,
        run: &ChangedRun,
        watch: Watch<'_>,
    ) -> Result<(Vec<(PosTensor, PosTensor)>, Vec<Vec<f32>>), EngineError> {
        let mut logits = None;
        let batch = [(0, run)];
        let mut walk = Walk::new(self, clean, &batch);
        walk.keeps = Some(Vec::new());
        let mut each = |done: Vec<Done>| {
            logits = done.into_iter().next();
            Ok(())
        };
        rayon::scope(|_| walk.run(watch, &mut each))?;
        let logits = logits.map_or(Ok(Vec::new()), |(_, logits)| logits)?;
        Ok((walk.keeps.unwrap_or_default(), logits))
    }
}

struct Walk<'a> {
    model: &'a Model,
    clean: &'a Trace,
    /// By where they enter; those that change nothing last.
    runs: Vec<&'a ChangedRun>,
    /// The caller's index of each.
    indices: Vec<usize>,
    n_entered: usize,
    /// Whose rows are computed, in order.
    spans: Vec<RowSpan>,
    /// `[rows of the spans, d_model]`
    resid: Option<Tensor>,
    /// Keys and values of the one run there is, by layer, where they are wanted.
    keeps: Option<Vec<(PosTensor, PosTensor)>>,
}

/// Rows behind others that may not be there yet.
fn behind(rows: Option<Tensor>, more: Vec<Tensor>) -> Result<Option<Tensor>, EngineError> {
    let pieces: Vec<Tensor> = rows.into_iter().chain(more).collect();
    Ok(match pieces.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(Tensor::cat(&pieces, 0)?),
    })
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, clean: &'a Trace, batch: &[(usize, &'a ChangedRun)]) -> Self {
        let mut batch = batch.to_vec();
        batch.sort_by_key(|(_, run)| (run.entry.is_none(), run.entry));
        let (indices, runs) = batch.into_iter().unzip();
        Self {
            model,
            clean,
            runs,
            indices,
            n_entered: 0,
            spans: Vec::new(),
            resid: None,
            keeps: None,
        }
    }

    fn run(&mut self, watch: Watch<'_>, each: EachDone<'_>) -> Result<(), EngineError> {
        for layer in 0..self.model.spec.n_layers {
            watch.cancel.check()?;
            self.layer(layer)?;
        }
        self.logits(each)
    }

    /// The runs that enter here, as spans of all their rows or, behind the keys of the top layer, of their targets.
    fn entering(&mut self, layer: usize, stage: Stage) -> Vec<RowSpan> {
        let first = self.n_entered;
        while let Some(run) = self.runs.get(self.n_entered)
            && run.entry == Some((layer, stage))
        {
            self.n_entered += 1;
        }
        let spans = (first..self.n_entered)
            .map(|run| RowSpan { run, positions: self.runs[run].first..self.runs[run].n_pos() });
        if self.is_top(layer) && stage > Stage::Resid {
            spans.flat_map(|span| self.targets_of(&span)).collect()
        } else {
            spans.collect()
        }
    }

    fn is_top(&self, layer: usize) -> bool {
        layer + 1 == self.model.spec.n_layers
    }

    /// The rows of a span that are a target's.
    fn targets_of(&self, span: &RowSpan) -> Vec<RowSpan> {
        let targets = self.runs[span.run].targets.iter().copied();
        let mut targets: Vec<usize> = targets.filter(|at| span.positions.contains(at)).collect();
        targets.sort_unstable();
        targets.dedup();
        let one = |at| RowSpan { run: span.run, positions: at..at + 1 };
        targets.into_iter().map(one).collect()
    }

    /// The clean run's rows of some spans.
    fn clean_rows(x: &PosTensor, spans: &[RowSpan]) -> Result<Vec<Tensor>, EngineError> {
        let rows = |span: &RowSpan| x.narrow(span.positions.start, span.positions.len())?.tensor();
        spans.iter().map(rows).collect()
    }

    fn layer(&mut self, layer: usize) -> Result<(), EngineError> {
        let (model, way) = (self.model, self.model.compute.way);
        let (block, shape) = (&model.blocks[layer], model.block_shape(layer));
        let mut cached: Option<Arc<LayerTrace>> = None;
        let clean_trace = self.clean;
        let mut clean = |spans: &[RowSpan], pick: fn(&LayerTrace) -> &PosTensor| {
            if spans.is_empty() {
                return Ok(Vec::new());
            }
            if cached.is_none() {
                cached = Some(clean_trace.layer(layer, model)?);
            }
            match &cached {
                Some(layer) => Self::clean_rows(pick(layer), spans),
                None => Ok(Vec::new()),
            }
        };

        let (mut resid, z) = self.attention(layer, &mut clean)?;
        let entering = self.entering(layer, Stage::Z);
        let z = behind(z, clean(&entering, |l| &l.z)?)?;
        resid = behind(resid, clean(&entering, |l| &l.resid_pre)?)?;
        self.spans.extend(entering);
        let apply = |walk: &Self, hook, x| apply(&walk.runs, &walk.spans, (layer, hook), x);
        let (mut mlp_in, mut resid_mid) = (None, None);
        if let (Some(resid), Some(z)) = (resid, z) {
            let z = apply(self, Hook::Z, z)?;
            let attn_out = apply(self, Hook::AttnOut, block.attn_out(&z, way)?.1)?;
            let mid = apply(self, Hook::ResidMid, add(&resid, &attn_out, way)?)?;
            mlp_in = Some(block.mlp_in(&mid, way)?);
            resid_mid = Some(mid);
        }

        let entering = self.entering(layer, Stage::MlpIn);
        let mlp_in = behind(mlp_in, clean(&entering, |l| &l.mlp_in)?)?;
        let resid_mid = behind(resid_mid, clean(&entering, |l| &l.resid_mid)?)?;
        self.spans.extend(entering);
        let mut mlp_out = None;
        if let Some(mlp_in) = mlp_in {
            let mlp_in = apply(self, Hook::Pre, mlp_in)?;
            let mlp_in = apply(self, Hook::PreLinear, mlp_in)?;
            let neurons = apply(self, Hook::Post, post(&mlp_in, shape.mlp, way)?)?;
            mlp_out = Some(block.mlp_out(&neurons, way)?.1);
        }

        let entering = self.entering(layer, Stage::MlpOut);
        let mlp_out = behind(mlp_out, clean(&entering, |l| &l.mlp_out)?)?;
        let resid_mid = behind(resid_mid, clean(&entering, |l| &l.resid_mid)?)?;
        self.spans.extend(entering);
        if let (Some(resid_mid), Some(mlp_out)) = (resid_mid, mlp_out) {
            let mlp_out = apply(self, Hook::MlpOut, mlp_out)?;
            self.resid = Some(apply(self, Hook::ResidPost, add(&resid_mid, &mlp_out, way)?)?);
        }
        Ok(())
    }

    /// Logits of every run's targets, from its own last residuals or the clean ones.
    fn logits(&mut self, each: EachDone<'_>) -> Result<(), EngineError> {
        let mut rows_of: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.runs.len()];
        let mut first = 0;
        for span in &self.spans {
            rows_of[span.run].extend(span.positions.clone().zip(first..));
            first += span.positions.len();
        }
        let mut rest = 0..self.runs.len();
        while !rest.is_empty() {
            let (mut rows, start) = (Vec::new(), rest.start);
            for at in rest.clone() {
                let run = self.runs[at];
                if at > start && rows.len() + run.targets.len() > LOGIT_ROWS {
                    break;
                }
                for target in &run.targets {
                    let own = rows_of[at].iter().find(|(position, _)| position == target);
                    rows.push(match (own, &self.resid) {
                        (Some((_, row)), Some(resid)) => resid.narrow(0, *row, 1)?,
                        _ => self.clean.resid_final.narrow(*target, 1)?.tensor()?,
                    });
                }
                rest.start = at + 1;
            }
            if rows.is_empty() {
                continue;
            }
            let mut found = self.model.logit_rows(&Tensor::cat(&rows, 0)?)?.into_iter();
            let done = (start..rest.start).map(|at| {
                let logits: Vec<_> = found.by_ref().take(self.runs[at].targets.len()).collect();
                let is_finite = logits.iter().flatten().all(|logit| logit.is_finite());
                (self.indices[at], if is_finite { Ok(logits) } else { Err(overflow()) })
            });
            each(done.collect())?;
        }
        Ok(())
    }
}

fn overflow() -> EngineError {
    EngineError::BadRequest(
        "the change makes the model's numbers overflow; take smaller values".to_owned(),
    )
}
