//! Interventions carried out on the forward pass of `hooked_forward`, one after another as their definitions say, and on the
//! engine: what they are asked for is here, what is compared is in the files that use it.

use crate::{
    frozen_forward::Rows,
    hooked_forward::{Point, forward},
};
use limpid_engine::{
    changed_batch::Done,
    changed_run::ChangedRun,
    error::EngineError,
    hook_name::Hook,
    intervention::{Change, Intervention, Site},
    model::Model,
    model_pool::Loaded,
    pos_tensor::to_host,
    trace::Trace,
};
use limpid_tests::watched;
use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

/// A token of the changed prompt.
struct Token {
    id: u32,
    /// The position of the unchanged prompt that it comes with: it is gone when the prompt is cut before that position.
    place: Option<usize>,
    /// The position that it is itself, where it is one.
    own: Option<usize>,
}

/// The changed prompt. Insertions come with the token before them; a replacement by as many tokens keeps their positions.
fn edited(ids: &[u32], changes: &[Intervention]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for at in 0..=ids.len() {
        for change in changes {
            if let Intervention::Replace { tokens: Range { start, end }, with } = change
                && (*start, *end) == (at, at)
            {
                let place = at.checked_sub(1);
                tokens.extend(with.iter().map(|&id| Token { id, place, own: None }));
            }
        }
        let Some(&id) = ids.get(at) else { break };
        let over = changes.iter().find_map(|change| match change {
            Intervention::Delete { tokens } if tokens.contains(&at) => Some((tokens, &[][..])),
            Intervention::Replace { tokens, with } if tokens.contains(&at) => {
                Some((tokens, with.as_slice()))
            }
            _ => None,
        });
        match over {
            None => tokens.push(Token { id, place: Some(at), own: Some(at) }),
            Some((span, with)) if span.start == at => {
                let last = span.end - 1;
                tokens.extend(with.iter().enumerate().map(|(index, &id)| Token {
                    id,
                    place: Some((at + index).min(last)),
                    own: (with.len() == span.len()).then_some(at + index),
                }));
            }
            Some(_) => {}
        }
    }
    tokens
}

/// The changed prompt's ids.
pub(crate) fn edited_ids(ids: &[u32], changes: &[Intervention]) -> Vec<u32> {
    edited(ids, changes).iter().map(|token| token.id).collect()
}

/// Every value of a run of which nothing is changed, as the engine takes values over.
struct Recorded(Vec<(usize, Hook, Rows)>);

impl Recorded {
    fn new(model: &Model, ids: &[u32]) -> Self {
        let mut all = Vec::new();
        forward(model, ids, &mut |layer, point, x| {
            if let Point::At(hook) = point {
                // Rows of patterns are given as f32, whatever the model is computed in.
                let narrow = |x: &f64| match hook {
                    Hook::Pattern => f64::from(*x as f32),
                    _ => *x,
                };
                let rows = x.iter().map(|row| row.iter().map(narrow).collect());
                all.push((layer, hook, rows.collect()));
            }
        });
        Self(all)
    }

    fn at(&self, layer: usize, hook: Hook) -> &Rows {
        let is_there = |(l, h, _): &&(usize, Hook, Rows)| (*l, *h) == (layer, hook);
        &self.0.iter().find(is_there).unwrap().2
    }
}

fn n_parts(model: &Model, hook: Hook) -> usize {
    match hook {
        Hook::Q | Hook::Z => model.spec.n_heads,
        Hook::K | Hook::V => model.spec.n_key_value_heads,
        Hook::Pre | Hook::PreLinear | Hook::Post => model.spec.d_mlp,
        _ => 1,
    }
}

/// Carries interventions out on a model in f64.
pub(crate) struct ByHand<'a> {
    model: &'a Model,
    recorded: RefCell<BTreeMap<Vec<u32>, Rc<Recorded>>>,
}

impl<'a> ByHand<'a> {
    pub(crate) fn on(model: &'a Model) -> Self {
        Self { model, recorded: RefCell::default() }
    }

    fn recorded(&self, ids: &[u32]) -> Rc<Recorded> {
        let mut recorded = self.recorded.borrow_mut();
        let record = || Rc::new(Recorded::new(self.model, ids));
        Rc::clone(recorded.entry(ids.to_vec()).or_insert_with(record))
    }

    /// Logits of the changed run at the positions that predict what `targets` did.
    pub(crate) fn logits(&self, ids: &[u32], changes: &[Intervention], targets: &[usize]) -> Rows {
        let donors: Vec<Option<Rc<Recorded>>> = changes
            .iter()
            .map(|change| match change {
                Intervention::Patch { from, .. } => Some(self.recorded(from.token_ids())),
                _ => None,
            })
            .collect();
        let tokens = edited(ids, changes);
        let mut hooked = |layer: usize, point: Point, x: &mut Rows| {
            for (change, donor) in changes.iter().zip(&donors) {
                carry_out(self.model, &tokens, (change, donor.as_deref()), (layer, point), x);
            }
        };
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let logits = forward(self.model, &ids, &mut hooked);
        let is_before = |token: &&Token, target| token.place.is_none_or(|place| place <= target);
        let n_up_to = |target| tokens.iter().filter(|token| is_before(token, target)).count();
        targets.iter().map(|&target| logits[n_up_to(target) - 1].clone()).collect()
    }
}

/// What one intervention does to the values at one place.
fn carry_out(
    model: &Model,
    tokens: &[Token],
    (change, donor): (&Intervention, Option<&Recorded>),
    (layer, point): (usize, Point),
    x: &mut Rows,
) {
    let now = |old: usize| tokens.iter().position(|token| token.own == Some(old));
    let is_here = |site: &Site| site.layer == layer && point == Point::At(site.hook);
    match change {
        Intervention::Knockout { tokens: span } if point == Point::Scores => {
            let kept: Vec<usize> = span.clone().filter_map(now).collect();
            hide(x, tokens.len(), *kept.first().unwrap(), *kept.last().unwrap());
        }
        Intervention::EdgeKnockout { layer: own, head, query, key }
            if point == Point::Scores && *own == layer =>
        {
            let row = head * tokens.len() + now(*query).unwrap();
            x[row][now(*key).unwrap()] = f64::NEG_INFINITY;
        }
        Intervention::Edit { site, change } if is_here(site) => {
            let position = site.position.map(|position| now(position).unwrap());
            edit(x, n_parts(model, site.hook), site.index, position, change);
        }
        Intervention::Patch { site, .. } if is_here(site) => {
            let from = donor.unwrap().at(layer, site.hook);
            match site.hook {
                Hook::Pattern => patch_pattern(x, model.spec.n_heads, site, from),
                hook => patch(x, n_parts(model, hook), site, from),
            }
        }
        _ => {}
    }
}

fn hide(scores: &mut Rows, n_pos: usize, first: usize, last: usize) {
    for (row, scores) in scores.iter_mut().enumerate() {
        if row % n_pos > last {
            scores[first..=last].fill(f64::NEG_INFINITY);
        }
    }
}

/// Columns of one head or neuron of a row, or all of them.
fn of_part(width: usize, n_parts: usize, index: Option<usize>) -> Range<usize> {
    let part = width / n_parts;
    index.map_or(0..width, |index| index * part..(index + 1) * part)
}

fn edit(
    x: &mut Rows,
    n_parts: usize,
    index: Option<usize>,
    position: Option<usize>,
    change: &Change,
) {
    for (_, row) in x.iter_mut().enumerate().filter(|(at, _)| position.is_none_or(|p| p == *at)) {
        let columns = of_part(row.len(), n_parts, index);
        for (column, value) in row[columns].iter_mut().enumerate() {
            let of = |values: &[f32]| f64::from(values[column.min(values.len() - 1)]);
            *value = match change {
                Change::Scale(factor) => *value * f64::from(*factor),
                Change::Set(values) => of(values),
                Change::Add(values) => *value + of(values),
            };
        }
    }
}

fn patch(x: &mut Rows, n_parts: usize, site: &Site, from: &Rows) {
    for (at, (row, from)) in x.iter_mut().zip(from).enumerate() {
        if site.position.is_none_or(|position| position == at) {
            let columns = of_part(row.len(), n_parts, site.index);
            row[columns.clone()].copy_from_slice(&from[columns]);
        }
    }
}

fn patch_pattern(x: &mut Rows, n_heads: usize, site: &Site, from: &Rows) {
    let n_pos = x.len() / n_heads;
    for (row, from) in from.iter().enumerate() {
        let (head, query) = (row / from.len(), row % from.len());
        let is_there = site.index.is_none_or(|index| index == head)
            && site.position.is_none_or(|position| position == query);
        if is_there {
            let row = &mut x[head * n_pos + query];
            row.fill(0.0);
            row[..from.len()].copy_from_slice(from);
        }
    }
}

/// What the engine plans for each list of interventions.
pub(crate) fn planned(
    loaded: &Loaded,
    clean: &Trace,
    lists: &[Vec<Intervention>],
    targets: &[usize],
) -> Vec<ChangedRun> {
    let plan = |list: &Vec<Intervention>| {
        ChangedRun::new(&loaded.model, clean, list, targets)
            .unwrap_or_else(|e| panic!("{}: {e}", described(list)))
    };
    lists.iter().map(plan).collect()
}

/// What the engine answers to each run, in the order of the runs.
pub(crate) fn answers(
    loaded: &Loaded,
    clean: &Trace,
    runs: &[ChangedRun],
) -> Vec<Result<Vec<Vec<f32>>, EngineError>> {
    let mut done: Vec<Done> = Vec::new();
    watched(|watch| {
        loaded.model.run_changed(clean, runs, watch, &mut |some| {
            done.extend(some);
            Ok(())
        })
    })
    .unwrap();
    done.sort_by_key(|(run, _)| *run);
    assert!(done.iter().map(|(run, _)| *run).eq(0..runs.len()), "each run is answered once");
    done.into_iter().map(|(_, logits)| logits).collect()
}

/// Logits of the targets of each list of interventions, `[list][target][d_vocab]`.
pub(crate) fn logits_of(
    loaded: &Loaded,
    clean: &Trace,
    lists: &[Vec<Intervention>],
    targets: &[usize],
) -> Vec<Vec<Vec<f32>>> {
    let runs = planned(loaded, clean, lists, targets);
    answers(loaded, clean, &runs).into_iter().map(Result::unwrap).collect()
}

/// Logits of the unchanged run at one position.
pub(crate) fn clean_logits(loaded: &Loaded, trace: &Trace, position: usize) -> Vec<f32> {
    let model = &loaded.model;
    let resid = trace.resid_after(model.spec.n_layers).narrow(position, 1).unwrap();
    to_host(&model.logits(&resid.tensor().unwrap()).unwrap()).unwrap()
}

/// A list as a failed test names it.
pub(crate) fn described(list: &[Intervention]) -> String {
    let one = |change: &Intervention| match change {
        Intervention::Patch { site, from } => format!("patch {site:?} from {:?}", from.token_ids()),
        other => format!("{other:?}"),
    };
    list.iter().map(one).collect::<Vec<_>>().join(" + ")
}
