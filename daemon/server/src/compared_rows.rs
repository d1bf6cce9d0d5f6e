//! Parts of several runs in one table: parts of the same text by where they stand, parts of changed texts by a diff. Pure.
//! What must not live here: models, places, how a run is asked for.

use limpid_protocol::{
    part_row::{PartKind, PartRow},
    views::compare::{CompareCell, CompareRow, Reach, RowChange},
};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::{collections::HashMap, ops::Range, sync::Arc};

/// A part matters where its share is so many times an even one.
const MATTERS: f64 = 1.5;

/// A run that answered.
#[derive(Clone, Debug)]
pub(crate) struct Parted {
    /// Its prompt's text.
    pub(crate) text: Arc<str>,
    /// Its parts, in order.
    pub(crate) parts: Vec<PartRow>,
}

/// A row that is being put together: the part of each run so far, by its place in that run's list.
#[derive(Clone, Debug, Default)]
struct Row {
    places: Vec<Option<usize>>,
    /// The second run has another text here.
    is_changed: bool,
}

/// What tells parts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    /// Where it stands.
    Span(Option<usize>, Option<usize>),
    /// What it says, by a number for each text.
    Says(usize),
    /// Equal to nothing.
    Nothing(usize),
}

/// The table of all runs; one that failed has no cells.
///
/// *Cost*: a diff of the parts a run, and a pass over all parts.
pub(crate) fn compared_rows(runs: &[Option<Parted>]) -> Vec<CompareRow> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let earlier =
            runs[..at].iter().enumerate().filter_map(|(at, run)| Some((at, run.as_ref()?)));
        match run {
            None => rows.iter_mut().for_each(|row| row.places.push(None)),
            Some(run) => rows = with_run(rows, run, at, &earlier.collect::<Vec<_>>()),
        }
    }
    let shares: Vec<Vec<f64>> = runs
        .iter()
        .map(|run| run.as_ref().map_or_else(Vec::new, |run| shares(&run.parts)))
        .collect();
    rows.iter().filter_map(|row| compared_row(row, runs, &shares)).collect()
}

/// The rows with one run more; `earlier` are those that answered before it.
fn with_run(rows: Vec<Row>, run: &Parted, at: usize, earlier: &[(usize, &Parted)]) -> Vec<Row> {
    let of_same_text: Vec<(usize, &Parted)> =
        earlier.iter().filter(|(_, of)| of.text == run.text).copied().collect();
    let is_same_text = !of_same_text.is_empty();
    let part = |row: &Row, among: &[(usize, &Parted)]| {
        among
            .iter()
            .find_map(|(at, of)| Some((row.places[*at]?, *of)))
            .map(|(place, of)| (of.text.clone(), of.parts[place].clone()))
    };
    // A template is no text's part: it stands first, and is paired with nothing else.
    let has_template = |part: Option<&PartRow>| part.is_some_and(|p| p.kind == PartKind::Template);
    let old_first = rows.first().and_then(|row| part(row, earlier)).map(|(_, part)| part);
    let (n_old, n_new) = (
        usize::from(has_template(old_first.as_ref())),
        usize::from(has_template(run.parts.first())),
    );
    let (template, rows) = rows.split_at(n_old);
    let parts = &run.parts[n_new..];
    let mut merged = Merged { rows: Vec::new(), at };
    merged.pairs(&template[..n_old.min(n_new)], 0, false);
    merged.lacked(&template[n_old.min(n_new)..]);
    merged.added(n_old.min(n_new)..n_new);
    let mut numbers = HashMap::new();
    let mut says = |text: &str, part: &PartRow| {
        let n = numbers.len();
        Key::Says(*numbers.entry(meaning(text, part)).or_insert(n))
    };
    let (old, new): (Vec<Key>, Vec<Key>) = if is_same_text {
        let old = rows.iter().enumerate().map(|(index, row)| match part(row, &of_same_text) {
            Some((_, part)) => Key::Span(part.start, part.end),
            None => Key::Nothing(index),
        });
        let new = parts.iter().map(|part| Key::Span(part.start, part.end));
        (old.collect(), new.collect())
    } else {
        let old = rows.iter().enumerate().map(|(index, row)| match part(row, earlier) {
            Some((text, part)) => says(&text, &part),
            None => Key::Nothing(index),
        });
        let old = old.collect();
        (old, parts.iter().map(|part| says(&run.text, part)).collect())
    };
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (olds, news) = (op.old_range(), op.new_range());
        let n_pairs = match op {
            DiffOp::Equal { .. } => olds.len(),
            // At the same place, unless both say where they stand.
            DiffOp::Replace { .. } if !is_same_text => olds.len().min(news.len()),
            DiffOp::Replace { .. } | DiffOp::Delete { .. } | DiffOp::Insert { .. } => 0,
        };
        let is_changed = at == 1 && matches!(op, DiffOp::Replace { .. });
        merged.pairs(&rows[olds.start..olds.start + n_pairs], n_new + news.start, is_changed);
        merged.lacked(&rows[olds.start + n_pairs..olds.end]);
        merged.added(n_new + news.start + n_pairs..n_new + news.end);
    }
    merged.rows
}

/// Rows as they are put together, for the run at a place.
struct Merged {
    rows: Vec<Row>,
    at: usize,
}

impl Merged {
    fn pairs(&mut self, rows: &[Row], first_part: usize, is_changed: bool) {
        for (index, row) in rows.iter().enumerate() {
            let mut row = row.clone();
            row.places.push(Some(first_part + index));
            row.is_changed |= is_changed;
            self.rows.push(row);
        }
    }

    fn lacked(&mut self, rows: &[Row]) {
        for row in rows {
            let mut row = row.clone();
            row.places.push(None);
            self.rows.push(row);
        }
    }

    fn added(&mut self, parts: Range<usize>) {
        for part in parts {
            let mut places = vec![None; self.at];
            places.push(Some(part));
            self.rows.push(Row { places, is_changed: false });
        }
    }
}

/// What a part says, whatever stands around it.
fn meaning(text: &str, part: &PartRow) -> (PartKind, Option<String>, String) {
    let span = part.start.zip(part.end).map(|(start, end)| start..end);
    let own = span.and_then(|span| text.get(span)).unwrap_or(&part.text);
    (part.kind, part.name.clone(), own.trim().to_owned())
}

/// A part's score without the prompt's first token.
fn score(part: &PartRow) -> f64 {
    f64::from(part.without_sink.as_ref().map_or(part.attribution, |rest| rest.attribution))
}

/// Shares of all parts' |score|.
fn shares(parts: &[PartRow]) -> Vec<f64> {
    let whole: f64 = parts.iter().map(|part| score(part).abs()).sum();
    let share = |part: &PartRow| if whole > 0.0 { score(part).abs() / whole } else { 0.0 };
    parts.iter().map(share).collect()
}

fn compared_row(row: &Row, runs: &[Option<Parted>], shares: &[Vec<f64>]) -> Option<CompareRow> {
    let parts: Vec<Option<&PartRow>> = row
        .places
        .iter()
        .zip(runs)
        .map(|(place, run)| run.as_ref()?.parts.get((*place)?))
        .collect();
    let first = parts.iter().flatten().next()?;
    let text = first.text.clone();
    // A template is the model's and no part of the text.
    let is_text = first.kind != PartKind::Template;
    let cell = |at: usize| {
        let part = parts[at]?;
        Some(CompareCell {
            tokens: part.tokens.clone(),
            attribution: part.attribution,
            flow: part.flow,
            share: shares[at][row.places[at]?] as f32,
        })
    };
    let matters = |at: usize| {
        let Some(place) = row.places[at] else { return false };
        // The sink alone is no part that could have a share.
        let n = runs[at].iter().flat_map(|run| &run.parts);
        let n = n.filter(|part| part.n_tokens > usize::from(part.is_sink)).count();
        shares[at][place] * n as f64 >= MATTERS
    };
    let answered: Vec<usize> = (0..runs.len()).filter(|at| runs[*at].is_some()).collect();
    let n_matters = answered.iter().filter(|at| matters(**at)).count();
    Some(CompareRow {
        text,
        change: if is_text { change(row, runs) } else { RowChange::Same },
        reach: match n_matters {
            0 => Reach::Nowhere,
            n if n == answered.len() => Reach::Everywhere,
            _ => Reach::Some,
        },
        cells: (0..runs.len()).map(cell).collect(),
    })
}

/// What became of a row from the first run's text to the second's.
fn change(row: &Row, runs: &[Option<Parted>]) -> RowChange {
    let [Some(first), Some(second), ..] = runs else { return RowChange::Same };
    match (row.places[0], row.places[1]) {
        (Some(_), Some(_)) if row.is_changed => RowChange::Changed,
        (Some(_), Some(_)) => RowChange::Same,
        // A part of both texts, into which one model has no token fall.
        (Some(_), None) | (None, Some(_)) if first.text == second.text => RowChange::Same,
        (Some(_), None) => RowChange::Removed,
        (None, _) => RowChange::Added,
    }
}

#[cfg(test)]
mod tests;
