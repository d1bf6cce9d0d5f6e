//! Interventions that act together: random lists of them against the same by hand, and what their order may and may not change.

use crate::{
    changed_by_hand::{ByHand, answers, clean_logits, described, logits_of, planned},
    interventions::{
        delete, direction, edge, edit, hooks, knockout, other_ids, parts, patch, replace, site,
    },
};
use candle_core::DType;
use limpid_engine::{
    changed_run::ChangedRun,
    device::Compute,
    hook_name::Hook,
    intervention::{Change, Intervention, Site},
    model_spec::ModelSpec,
    trace::Trace,
};
use limpid_tests::{
    dice::Dice,
    tiny::{FAMILIES, Tiny},
    trace, ways,
};
use std::sync::Arc;

fn random_site(dice: &mut Dice, spec: &ModelSpec, n_tokens: usize) -> Site {
    let hooks = hooks(spec);
    let (layer, hook) = (dice.below(spec.n_layers), hooks[dice.below(hooks.len())]);
    let index = parts(spec, hook).filter(|_| dice.below(2) == 0).map(|(n, _)| dice.below(n));
    let position = (dice.below(2) == 0).then(|| dice.below(n_tokens));
    Site { layer, hook, index, position }
}

fn random_change(dice: &mut Dice, spec: &ModelSpec, from: &Arc<Trace>) -> Intervention {
    let n = from.n_tokens();
    let start = dice.below(n);
    let end = (start + 1 + dice.below(3)).min(n);
    match dice.below(10) {
        0 => knockout(start..end),
        1 => {
            edge(dice.below(spec.n_layers), dice.below(spec.n_heads), n - 1 - start / 2, start / 2)
        }
        2 if dice.below(2) == 0 => delete(start..end),
        3 => {
            let with: Vec<u32> = (start..end).map(|at| (at * 7 + 3) as u32).collect();
            replace(start..end, &with)
        }
        4 if dice.below(3) == 0 => replace(start..start, &[11, 12][..1 + start % 2]),
        5 | 6 => patch(random_site(dice, spec, n), from),
        _ => {
            let site = random_site(dice, spec, n);
            let n_columns = match (parts(spec, site.hook), site.index) {
                (None, _) => spec.d_model,
                (Some((_, width)), Some(_)) => width,
                (Some((n, width)), None) => n * width,
            };
            let change = match dice.below(4) {
                0 => Change::Scale(dice.below(5) as f32 / 2.0 - 1.0),
                1 => Change::Set(vec![dice.below(5) as f32 - 2.0]),
                2 => Change::Set(direction(n_columns)),
                _ => Change::Add(direction(n_columns)),
            };
            if site.hook == Hook::Pattern { patch(site, from) } else { edit(site, change) }
        }
    }
}

/// Lists that the engine takes: of those that contradict themselves it says so, which is shown elsewhere.
fn random_lists(
    dice: &mut Dice,
    spec: &ModelSpec,
    from: &Arc<Trace>,
    plan: impl Fn(&[Intervention]) -> bool,
) -> Vec<Vec<Intervention>> {
    let mut lists = Vec::new();
    for _ in 0..150 {
        let n = 2 + dice.below(5);
        let list: Vec<_> = (0..n).map(|_| random_change(dice, spec, from)).collect();
        if plan(&list) {
            lists.push(list);
        }
    }
    assert!(lists.len() >= 60, "only {} lists are taken", lists.len());
    lists
}

#[test]
fn random_lists_are_what_they_are_by_hand() {
    for (seed, family) in FAMILIES.into_iter().enumerate() {
        let tiny = Tiny::open(family);
        let exact = tiny.load(&Compute::cpu_plain(DType::F64));
        let by_hand = ByHand::on(&exact.model);
        for compute in ways().into_iter().chain([Compute::cpu_plain(DType::F64)]) {
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            let from = Arc::new(trace(&loaded, &other_ids(&ids)));
            let clean = trace(&loaded, &ids);
            let targets = [3, 13];
            let takes = |list: &[Intervention]| {
                ChangedRun::new(&loaded.model, &clean, list, &targets).is_ok()
            };
            let lists = random_lists(&mut Dice(seed as u64), &loaded.model.spec, &from, takes);
            let tolerance = if compute.dtype == DType::F64 { 2e-7 } else { 5e-4 };
            let gots = logits_of(&loaded, &clean, &lists, &targets);
            for (list, got) in lists.iter().zip(gots) {
                let want = by_hand.logits(&ids, list, &targets);
                for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                    let error = (f64::from(*got) - want).abs() / (1.0 + want.abs());
                    assert!(error <= tolerance, "{family} {}: {got} for {want}", described(list));
                }
            }
        }
    }
}

/// One of everything, no two at the same values.
fn at_different_sites(from: &Arc<Trace>) -> Vec<Intervention> {
    vec![
        edit(site(0, Hook::ResidPre, None, Some(2)), Change::Add(direction(32))),
        knockout(1..3),
        edit(site(1, Hook::Z, Some(1), None), Change::Scale(0.0)),
        replace(8..10, &[70, 71]),
        edit(site(1, Hook::Z, Some(2), None), Change::Scale(2.0)),
        edge(2, 3, 13, 4),
        edit(site(0, Hook::Post, Some(5), Some(6)), Change::Set(vec![1.5])),
        edit(site(0, Hook::Post, Some(5), Some(7)), Change::Set(vec![-1.5])),
        patch(site(1, Hook::Pattern, Some(0), None), from),
        patch(site(2, Hook::K, Some(0), None), from),
        edit(site(2, Hook::MlpOut, None, Some(13)), Change::Set(vec![0.25])),
    ]
}

#[test]
fn the_order_of_changes_at_different_sites_changes_no_bit() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        for compute in ways() {
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            let from = Arc::new(trace(&loaded, &other_ids(&ids)));
            let list = at_different_sites(&from);
            let mut lists = vec![list.clone(), list.iter().rev().cloned().collect()];
            for by in 1..list.len() {
                let mut list = list.clone();
                list.rotate_left(by);
                list.swap(0, by);
                lists.push(list);
            }
            let clean = trace(&loaded, &ids);
            let of = |list: &Vec<Intervention>| {
                let runs = planned(&loaded, &clean, std::slice::from_ref(list), &[5, 13]);
                answers(&loaded, &clean, &runs).remove(0).unwrap()
            };
            let want = of(&lists[0]);
            assert_ne!(want[1], clean_logits(&loaded, &clean, 13));
            assert!(lists.iter().all(|list| of(list) == want), "{family}");
        }
    }
}

#[test]
fn changes_at_one_site_follow_the_order_of_the_list() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        for compute in ways() {
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            let (clean, model) = (trace(&loaded, &ids), &loaded.model);
            let from = Arc::new(trace(&loaded, &other_ids(&ids)));
            for hook in hooks(&model.spec).into_iter().filter(|hook| *hook != Hook::Pattern) {
                let here = |change| edit(site(1, hook, None, Some(9)), change);
                let (n, width) = parts(&model.spec, hook).unwrap_or((1, model.spec.d_model));
                let first = direction(n * width);
                let other: Vec<f32> = first.iter().map(|value| value * value - 0.3).collect();
                let sum = first.iter().zip(&other).map(|(a, b)| a + b).collect();
                let set = |values: &[f32]| here(Change::Set(values.to_vec()));
                let from_other = patch(site(1, hook, None, Some(9)), &from);
                let lists = [
                    vec![set(&first), here(Change::Add(other.clone()))],
                    vec![here(Change::Add(other)), set(&first)],
                    vec![here(Change::Set(sum))],
                    vec![set(&first)],
                    vec![set(&first), from_other.clone()],
                    vec![from_other],
                ];
                let got = logits_of(&loaded, &clean, &lists, &[13]);
                let name = hook.name(1);
                assert!(got[0] == got[2] && got[1] == got[3], "{family} {name}: the last one wins");
                assert!(got[0] != got[1], "{family} {name}: the order does not matter");
                assert!(got[4] == got[5], "{family} {name}: a patch comes last");
            }
        }
    }
}
