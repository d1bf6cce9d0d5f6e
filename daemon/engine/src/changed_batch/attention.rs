//! The first half of a layer for many changed runs: residuals in, the heads' outputs out, and what each run's queries see.

use crate::{
    attention_of_runs::{AllKeys, QuerySpan, RunKeys, attention_of_runs},
    changed_batch::{Walk, behind},
    changed_run::Stage,
    error::EngineError,
    hook_name::Hook,
    pos_tensor::PosTensor,
    row_edits::{RowSpan, apply},
    trace::LayerTrace,
};
use candle_core::Tensor;
use std::ops::Range;

/// The clean run's rows of some spans, by which activation.
pub(super) type CleanRows<'a> = &'a mut dyn FnMut(
    &[RowSpan],
    fn(&LayerTrace) -> &PosTensor,
) -> Result<Vec<Tensor>, EngineError>;

impl Walk<'_> {
    /// From the residuals to the heads' outputs: both for the rows that go on.
    pub(super) fn attention(
        &mut self,
        layer: usize,
        clean: CleanRows<'_>,
    ) -> Result<(Option<Tensor>, Option<Tensor>), EngineError> {
        let (model, way) = (self.model, self.model.compute.way);
        let (block, shape) = (&model.blocks[layer], model.block_shape(layer));
        let entering = self.entering(layer, Stage::Resid);
        let mut more = Vec::new();
        for span in &entering {
            let run = self.runs[span.run];
            let ids = &run.token_ids[span.positions.clone()];
            // Rows whose tokens are the clean prompt's are its residuals, bit for bit.
            more.push(match layer {
                0 => model.embed(ids, span.positions.start)?,
                _ => {
                    let resid = self.clean.resid_after(layer);
                    resid.narrow(span.positions.start, span.positions.len())?.tensor()?
                }
            });
        }
        self.spans.extend(entering);
        let resid = behind(self.resid.take(), more)?;
        let (mut own_keys, mut q, mut resid_kept) = (None, None, None);
        let mut spans = self.spans.clone();
        if let Some(resid) = resid {
            let apply = |hook, x| apply(&self.runs, &self.spans, (layer, hook), x);
            let resid = apply(Hook::ResidPre, resid)?;
            let positions: Vec<u32> = self
                .spans
                .iter()
                .flat_map(|span| span.positions.clone().map(|position| position as u32))
                .collect();
            let rotary = model.rotary_rows(layer, &positions)?;
            let projected = block.project(&shape, &resid, rotary.as_ref(), way)?;
            let queries = apply(Hook::Q, projected.q)?;
            own_keys = Some((apply(Hook::K, projected.k)?, apply(Hook::V, projected.v)?));
            (q, resid_kept) = (Some(queries), Some(resid));
            if self.is_top(layer) {
                let rows: Vec<u32> = self.target_rows();
                let rows = Tensor::new(rows, &model.compute.device)?;
                let select = |x: Option<Tensor>| {
                    x.map(|x| x.contiguous()?.index_select(&rows, 0)).transpose()
                };
                (q, resid_kept) = (select(q)?, select(resid_kept)?);
                spans = self.spans.iter().flat_map(|span| self.targets_of(span)).collect();
            }
        }
        let runs = self.run_keys(layer);
        let (clean_k, clean_v) = self.clean.layers[layer].keys_and_values();
        self.keep(own_keys.as_ref(), clean_k, clean_v)?;

        let entering = self.entering(layer, Stage::Attention);
        let q = behind(q, clean(&entering, |l| &l.q)?)?;
        let resid = behind(resid_kept, clean(&entering, |l| &l.resid_pre)?)?;
        spans.extend(entering);
        self.spans = spans;
        let Some(q) = q else { return Ok((None, None)) };
        let runs = self.with_entered(layer, runs);
        let queries: Vec<QuerySpan> = self
            .spans
            .iter()
            .map(|span| QuerySpan {
                run: span.run,
                n_rows: span.positions.len(),
                first_query: span.positions.start,
            })
            .collect();
        let (clean_k, clean_v) = (clean_k.tensor()?, clean_v.tensor()?);
        let own = match own_keys {
            Some(own) => own,
            None => (clean_k.narrow(0, 0, 0)?, clean_v.narrow(0, 0, 0)?),
        };
        let keys = AllKeys { clean: (&clean_k, &clean_v), own: (&own.0, &own.1) };
        let z = attention_of_runs(&q, keys, &runs, &queries, &shape.attention, way)?;
        Ok((resid, Some(z)))
    }

    /// Rows of targets among the rows of all spans.
    fn target_rows(&self) -> Vec<u32> {
        let (mut rows, mut first) = (Vec::new(), 0);
        for span in &self.spans {
            let row = |of: RowSpan| (first + of.positions.start - span.positions.start) as u32;
            rows.extend(self.targets_of(span).into_iter().map(row));
            first += span.positions.len();
        }
        rows
    }

    /// What each run with rows of its own sees.
    fn run_keys(&self, layer: usize) -> Vec<RunKeys> {
        let mut first = 0;
        let of = |span: &RowSpan| {
            let rows = first..first + span.positions.len();
            first = rows.end;
            self.keys_of(layer, span.run, span.positions.start, rows)
        };
        self.spans.iter().map(of).collect()
    }

    /// And what those see that enter with nothing but clean keys.
    fn with_entered(&self, layer: usize, mut runs: Vec<RunKeys>) -> Vec<RunKeys> {
        for run in runs.len()..self.n_entered {
            runs.push(self.keys_of(layer, run, self.runs[run].n_pos(), 0..0));
        }
        runs
    }

    fn keys_of(&self, layer: usize, run: usize, n_clean: usize, rows: Range<usize>) -> RunKeys {
        let run = self.runs[run];
        RunKeys { n_clean, rows, hidden: run.hidden_at(layer), forced: run.forced_at(layer) }
    }

    /// Keeps the keys and values of this layer, where they are wanted.
    fn keep(
        &mut self,
        own: Option<&(Tensor, Tensor)>,
        clean_k: &PosTensor,
        clean_v: &PosTensor,
    ) -> Result<(), EngineError> {
        let Some(keeps) = &mut self.keeps else { return Ok(()) };
        let run = self.runs[0];
        let whole = |own: Option<&Tensor>, clean: &PosTensor| match own {
            Some(own) if run.first == 0 => Ok(PosTensor::new(own.clone())),
            Some(own) => PosTensor::extend(Some((clean, run.first)), own.clone()),
            None => clean.narrow(0, run.n_pos()),
        };
        keeps.push((whole(own.map(|o| &o.0), clean_k)?, whole(own.map(|o| &o.1), clean_v)?));
        Ok(())
    }
}
