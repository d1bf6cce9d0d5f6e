//! Changes of values in rows that belong to several runs: which rows they are, and the changed rows.

use crate::{changed_run::ChangedRun, error::EngineError, hook_name::Hook};
use candle_core::Tensor;
use std::ops::Range;

/// What happens to some columns of some rows.
#[derive(Clone, Debug)]
pub(crate) enum RowChange {
    /// Multiplied.
    Scale(f32),
    /// `[1, columns]` in the place of each row.
    Set(Tensor),
    /// `[1, columns]` added to each row.
    Add(Tensor),
    /// `[positions, columns]`: each position's own, from `first` on; others stay as they are.
    Rows {
        /// The values.
        rows: Tensor,
        /// Position of the first row.
        first: usize,
    },
}

/// A change at one hook of one layer.
#[derive(Clone, Debug)]
pub(crate) struct RowEdit {
    pub(crate) layer: usize,
    pub(crate) hook: Hook,
    pub(crate) columns: Range<usize>,
    /// Positions of the changed prompt.
    pub(crate) positions: Range<usize>,
    pub(crate) change: RowChange,
}

/// Rows of one run at positions side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowSpan {
    /// Index of the run.
    pub(crate) run: usize,
    /// Their positions.
    pub(crate) positions: Range<usize>,
}

impl RowEdit {
    /// The changed rows.
    fn apply(&self, rows: &Tensor, span: &RowSpan) -> Result<Tensor, EngineError> {
        let mut positions = self.positions.start.max(span.positions.start)
            ..self.positions.end.min(span.positions.end);
        if let RowChange::Rows { rows, first } = &self.change {
            positions.start = positions.start.max(*first);
            positions.end = positions.end.min(first + rows.dims2()?.0);
        }
        if positions.is_empty() {
            return Ok(rows.clone());
        }
        let n = positions.len();
        let first = positions.start - span.positions.start;
        let (n_rows, n_cols) = rows.dims2()?;
        let Range { start, end } = self.columns;
        let part = rows.narrow(0, first, n)?;
        let own = part.narrow(1, start, end - start)?;
        let new = match &self.change {
            RowChange::Scale(factor) => own.affine(f64::from(*factor), 0.0)?,
            RowChange::Set(row) => row.broadcast_as(own.shape())?.contiguous()?,
            RowChange::Add(row) => own.broadcast_add(row)?,
            RowChange::Rows { rows, first } => rows.narrow(0, positions.start - first, n)?,
        };
        let part = between(&part, new, start..end, n_cols, 1)?;
        between(rows, part, first..first + n, n_rows, 0)
    }
}

/// `new` in the place of `range` along an axis of length `n`.
fn between(
    old: &Tensor,
    new: Tensor,
    range: Range<usize>,
    n: usize,
    axis: usize,
) -> Result<Tensor, EngineError> {
    let mut pieces = Vec::with_capacity(3);
    if range.start > 0 {
        pieces.push(old.narrow(axis, 0, range.start)?);
    }
    pieces.push(new);
    if range.end < n {
        pieces.push(old.narrow(axis, range.end, n - range.end)?);
    }
    match pieces.as_slice() {
        [whole] => Ok(whole.clone()),
        pieces => Ok(Tensor::cat(pieces, axis)?),
    }
}

/// Applies what the runs change at a hook.
///
/// *Shapes*: x `[rows of the spans, in order; any width]` -> the same; the very tensor where nothing changes.
pub(crate) fn apply(
    runs: &[&ChangedRun],
    spans: &[RowSpan],
    (layer, hook): (usize, Hook),
    x: Tensor,
) -> Result<Tensor, EngineError> {
    let (mut pieces, mut row, mut untouched) = (Vec::new(), 0, 0);
    for span in spans {
        let n = span.positions.len();
        let is_here = |edit: &&RowEdit| edit.layer == layer && edit.hook == hook;
        let edits: Vec<&RowEdit> = runs[span.run].edits.iter().filter(is_here).collect();
        if !edits.is_empty() {
            if untouched < row {
                pieces.push(x.narrow(0, untouched, row - untouched)?);
            }
            let rows = x.narrow(0, row, n)?;
            pieces.push(edits.iter().try_fold(rows, |rows, edit| edit.apply(&rows, span))?);
            untouched = row + n;
        }
        row += n;
    }
    if pieces.is_empty() {
        return Ok(x);
    }
    if untouched < row {
        pieces.push(x.narrow(0, untouched, row - untouched)?);
    }
    Ok(Tensor::cat(&pieces, 0)?)
}
