//! Each kind of intervention, on every tiny family and both ways of computing, against a forward pass in which it is carried
//! out by hand: at every layer, at every hook, for parts of it, for single positions, and from another prompt.

use crate::changed_by_hand::{ByHand, answers, clean_logits, described, planned};
use candle_core::DType;
use limpid_engine::{
    device::{Compute, Way},
    hook_name::Hook,
    intervention::{Change, Intervention, Site},
    model_pool::Loaded,
    model_spec::ModelSpec,
    trace::Trace,
};
use limpid_tests::{
    max_difference,
    tiny::{FAMILIES, Tiny},
    trace, way_name, ways,
};
use std::{ops::Range, sync::Arc};

/// Relative to 1 and the logit: the engine hands logits out in f32.
const EXACT: f64 = 2e-7;
/// The same where it computes in f32.
const SINGLE: f64 = 2e-4;

pub(crate) fn knockout(tokens: Range<usize>) -> Intervention {
    Intervention::Knockout { tokens }
}

pub(crate) fn edge(layer: usize, head: usize, query: usize, key: usize) -> Intervention {
    Intervention::EdgeKnockout { layer, head, query, key }
}

pub(crate) fn delete(tokens: Range<usize>) -> Intervention {
    Intervention::Delete { tokens }
}

pub(crate) fn replace(tokens: Range<usize>, with: &[u32]) -> Intervention {
    Intervention::Replace { tokens, with: with.to_vec() }
}

pub(crate) fn site(
    layer: usize,
    hook: Hook,
    index: Option<usize>,
    position: Option<usize>,
) -> Site {
    Site { layer, hook, index, position }
}

pub(crate) fn edit(site: Site, change: Change) -> Intervention {
    Intervention::Edit { site, change }
}

pub(crate) fn patch(site: Site, from: &Arc<Trace>) -> Intervention {
    Intervention::Patch { site, from: Arc::clone(from) }
}

/// Values of a site, none like another.
pub(crate) fn direction(n: usize) -> Vec<f32> {
    (0..n).map(|at| ((at * 37 + 11) % 29) as f32 / 14.0 - 1.0).collect()
}

/// Heads or neurons at a hook, and the width of each.
pub(crate) fn parts(spec: &ModelSpec, hook: Hook) -> Option<(usize, usize)> {
    match hook {
        Hook::Q | Hook::Z => Some((spec.n_heads, spec.d_head)),
        Hook::K | Hook::V => Some((spec.n_key_value_heads, spec.d_head)),
        Hook::Pattern => Some((spec.n_heads, 0)),
        Hook::Pre | Hook::PreLinear | Hook::Post => Some((spec.d_mlp, 1)),
        _ => None,
    }
}

pub(crate) fn hooks(spec: &ModelSpec) -> Vec<Hook> {
    Hook::ALL.into_iter().filter(|hook| hook.exists_in(spec)).collect()
}

/// The same length, other tokens.
pub(crate) fn other_ids(ids: &[u32]) -> Vec<u32> {
    ids.iter().map(|id| (id * 5 + 17) % 96).collect()
}

/// Compares lists of interventions on each way with the same by hand, at each list of targets.
fn check(tiny: &Tiny, targets: &[&[usize]], lists: impl Fn(&Loaded) -> Vec<Vec<Intervention>>) {
    let exact = tiny.load(&Compute::cpu_plain(DType::F64));
    let (ids, by_hand) = (tiny.ids(), ByHand::on(&exact.model));
    let want = |list: &Vec<Intervention>| by_hand.logits(&ids, list, &targets.concat());
    let wants: Vec<_> = lists(&exact).iter().map(want).collect();
    let others: Vec<(Loaded, f64)> =
        ways().iter().map(|compute| (tiny.load(compute), SINGLE)).collect();
    let all = others.iter().map(|(loaded, tolerance)| (loaded, *tolerance));
    for (loaded, tolerance) in all.chain([(&exact, EXACT)]) {
        let (clean, lists, mut first) = (trace(loaded, &ids), lists(loaded), 0);
        for targets in targets {
            let runs = planned(loaded, &clean, &lists, targets);
            let gots = answers(loaded, &clean, &runs);
            for ((list, got), want) in lists.iter().zip(gots).zip(&wants) {
                let way = way_name(&loaded.model.compute);
                let name = || format!("{} {way} {targets:?} {}", loaded.name, described(list));
                let got = got.unwrap_or_else(|e| panic!("{}: {e}", name()));
                assert_eq!(got.len(), targets.len());
                let want = &want[first..first + targets.len()];
                for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                    let error = (f64::from(*got) - want).abs() / (1.0 + want.abs());
                    assert!(error <= tolerance, "{}: {got} for {want}", name());
                }
            }
            first += targets.len();
        }
    }
}

fn on_every_family(lists: impl Fn(&Loaded) -> Vec<Vec<Intervention>>) {
    for family in FAMILIES {
        check(&Tiny::open(family), &[&[13], &[2, 7, 13]], &lists);
    }
    // Windows that end before, at and behind what is changed.
    check(&Tiny::open("gemma3_text").set("sliding_window", 3), &[&[9]], &lists);
}

fn alone(all: impl IntoIterator<Item = Intervention>) -> Vec<Vec<Intervention>> {
    all.into_iter().map(|change| vec![change]).collect()
}

/// What may stand at a site that is edited: all of it, one part, one position, one part at one position.
fn places(spec: &ModelSpec, layer: usize, hook: Hook, position: usize) -> Vec<Site> {
    let mut all = Vec::new();
    for position in [None, Some(position)] {
        all.push(site(layer, hook, None, position));
        if let Some((n, _)) = parts(spec, hook) {
            all.push(site(layer, hook, Some(n - 1), position));
            all.push(site(layer, hook, Some(layer % n), position));
        }
    }
    all
}

fn n_columns(spec: &ModelSpec, site: Site) -> usize {
    match (parts(spec, site.hook), site.index) {
        (None, _) => spec.d_model,
        (Some((_, width)), Some(_)) => width,
        (Some((n, width)), None) => n * width,
    }
}

#[test]
fn tokens_that_are_not_seen() {
    on_every_family(|_| {
        let n = 14;
        let one = (0..n).map(|at| at..at + 1);
        let spans = [0..2, 3..7, 1..n - 1, n - 2..n, 0..n, 2..8];
        let mut lists = alone(one.chain(spans).map(knockout));
        lists.push(vec![knockout(1..3), knockout(2..5), knockout(9..10)]);
        lists
    });
}

#[test]
fn one_query_that_does_not_see_one_key() {
    on_every_family(|loaded| {
        let spec = &loaded.model.spec;
        let mut lists = Vec::new();
        for layer in 0..spec.n_layers {
            for (query, key) in
                [(13, 0), (13, 12), (13, 13), (5, 3), (5, 5), (1, 1), (1, 0), (2, 1)]
            {
                lists.push(vec![edge(layer, (layer + query) % spec.n_heads, query, key)]);
            }
            // All heads; all keys but one.
            lists.push((0..spec.n_heads).map(|head| edge(layer, head, 7, 6)).collect());
            lists.push((0..=7).filter(|&key| key != 6).map(|key| edge(layer, 1, 7, key)).collect());
        }
        lists
    });
}

#[test]
fn tokens_that_are_deleted_or_replaced() {
    on_every_family(|_| {
        let n = 14;
        let mut lists = alone((0..n).map(|at| delete(at..at + 1)));
        lists.extend(alone([delete(1..n - 1), delete(3..7), delete(1..2), delete(3..n)]));
        for with in [&[5][..], &[6, 7], &[8, 9, 10], &[40, 41, 42, 43, 44]] {
            lists.extend(alone([0..2, 4..6, n - 2..n, 3..4, 9..10].map(|at| replace(at, with))));
            lists.extend(alone([0..0, 1..1, 8..8, n..n].map(|at| replace(at, with))));
        }
        lists.push(vec![replace(0..n, &[50, 51, 52, 53])]);
        lists.push(vec![replace(2..2, &[60]), delete(2..4), replace(4..4, &[61, 62])]);
        lists.push(vec![replace(5..5, &[60]), replace(5..5, &[61]), replace(5..6, &[62])]);
        lists.push(vec![replace(n..n, &[63]), delete(12..14), replace(3..5, &[1, 2, 3])]);
        lists
    });
}

#[test]
fn values_that_are_scaled_set_and_added_to() {
    on_every_family(|loaded| {
        let spec = &loaded.model.spec;
        let mut lists = Vec::new();
        for layer in 0..spec.n_layers {
            for hook in hooks(spec).into_iter().filter(|hook| *hook != Hook::Pattern) {
                for (nth, site) in places(spec, layer, hook, 6).into_iter().enumerate() {
                    let values = direction(n_columns(spec, site));
                    let changes = [
                        Change::Scale([0.0, -1.5][nth % 2]),
                        Change::Set(vec![[0.0, 3.0][nth % 2]]),
                        Change::Set(values.clone()),
                        Change::Add(values),
                    ];
                    lists.extend(alone(changes.map(|change| edit(site, change))));
                }
            }
        }
        lists
    });
}

#[test]
fn values_at_the_first_and_the_last_position() {
    on_every_family(|loaded| {
        let spec = &loaded.model.spec;
        let sites = [0, 2, 7, 13].into_iter().flat_map(|position| {
            hooks(spec)
                .into_iter()
                .map(move |hook| (position, hook))
                .filter(|(_, hook)| *hook != Hook::Pattern)
        });
        let at = |(position, hook)| {
            let site = site(position % spec.n_layers, hook, None, Some(position));
            edit(site, Change::Set(direction(n_columns(spec, site))))
        };
        alone(sites.map(at))
    });
}

#[test]
fn values_from_another_prompt() {
    on_every_family(|loaded| {
        let (spec, other) = (&loaded.model.spec, other_ids(&Tiny::open(&loaded.name).ids()));
        let from = Arc::new(trace(loaded, &other));
        let mut lists = Vec::new();
        for layer in 0..spec.n_layers {
            for hook in hooks(spec) {
                let sites =
                    places(spec, layer, hook, 7).into_iter().chain(places(spec, layer, hook, 0));
                lists.extend(alone(sites.map(|site| patch(site, &from))));
            }
        }
        lists
    });
}

#[test]
fn values_from_this_prompt_in_another() {
    let changed_is_clean = |loaded: &Loaded| {
        let (spec, ids) = (&loaded.model.spec, Tiny::open(&loaded.name).ids());
        let from = Arc::new(trace(loaded, &ids));
        let mut lists = Vec::new();
        for layer in 0..spec.n_layers {
            for hook in hooks(spec) {
                for site in places(spec, layer, hook, 7) {
                    lists.push(vec![replace(0..14, &other_ids(&ids)), patch(site, &from)]);
                }
            }
        }
        lists
    };
    on_every_family(changed_is_clean);
}

#[test]
fn what_is_changed_behind_the_target_is_not_run() {
    let tiny = Tiny::open("gemma3_text");
    for compute in ways() {
        let loaded = tiny.load(&compute);
        let clean = trace(&loaded, &tiny.ids());
        let want = clean_logits(&loaded, &clean, 6);
        let behind = [
            vec![knockout(6..9)],
            vec![knockout(0..7)],
            vec![edge(0, 0, 9, 3)],
            vec![delete(7..9)],
            vec![replace(8..8, &[3])],
            vec![edit(site(1, Hook::Z, None, Some(7)), Change::Scale(0.0))],
        ];
        let runs = planned(&loaded, &clean, &behind, &[6]);
        for (list, got) in behind.iter().zip(answers(&loaded, &clean, &runs)) {
            let (got, name) = (got.unwrap().remove(0), described(list));
            match compute.way {
                Way::Kernels => assert_eq!(got, want, "{name}"),
                Way::Plain => assert!(max_difference(&got, &want) < 1e-5, "{name}"),
            }
        }
        assert!(runs.iter().all(|run| run.cost(loaded.model.spec.n_layers) == 0));
    }
}
