//! A changed run is the run that it stands for, bit for bit on the kernels: whatever runs beside it, from whichever kind of
//! trace it starts, on however many threads; and where nothing changes, the clean one.

use crate::{
    changed_by_hand::{answers, clean_logits, described, edited_ids, logits_of, planned},
    interventions::{delete, edge, edit, hooks, knockout, other_ids, parts, patch, replace, site},
};
use limpid_engine::{
    cancel::CancelToken,
    changed_batch::Done,
    device::{Compute, Way},
    error::EngineError,
    forward::Watch,
    hook_name::Hook,
    intervention::{Change, Intervention},
    model_pool::Loaded,
    trace::CapturePlan,
};
use limpid_tests::{
    dice::Dice,
    max_difference,
    tiny::{FAMILIES, Tiny},
    trace, watched, way_name, ways,
};
use std::sync::Arc;

const LAST: usize = 13;

/// Some of each kind, departing at every stage of every layer.
fn several(loaded: &Loaded) -> Vec<Vec<Intervention>> {
    let (spec, ids) = (&loaded.model.spec, Tiny::open(&loaded.name).ids());
    let from = Arc::new(trace(loaded, &other_ids(&ids)));
    let mut lists: Vec<Vec<Intervention>> = vec![
        vec![],
        vec![knockout(0..1)],
        vec![knockout(4..9)],
        vec![delete(2..4)],
        vec![replace(5..6, &[1, 2, 3])],
        vec![replace(14..14, &[7])],
        vec![knockout(LAST..LAST + 1)],
    ];
    for layer in 0..spec.n_layers {
        lists.push(vec![edge(layer, 1, LAST, 3)]);
        for (nth, hook) in hooks(spec).into_iter().enumerate() {
            let position = [None, Some(0), Some(6), Some(LAST)][(nth + layer) % 4];
            let site = site(layer, hook, None, position);
            lists.push(vec![patch(site, &from)]);
            if hook != Hook::Pattern {
                lists.push(vec![edit(site, Change::Scale(0.5))]);
            }
        }
    }
    lists
}

fn on_every_family(compute: &Compute, check: impl Fn(&str, &Loaded, &[u32])) {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let name = format!("{family} {}", way_name(compute));
        check(&name, &tiny.load(compute), &tiny.ids());
    }
}

#[test]
fn an_empty_list_changes_no_bit() {
    for compute in ways() {
        on_every_family(&compute, |name, loaded, ids| {
            let clean = trace(loaded, ids);
            for target in [0, 6, LAST] {
                let got = logits_of(loaded, &clean, &[vec![]], &[target]);
                assert!(got[0] == [clean_logits(loaded, &clean, target)], "{name}");
            }
        });
    }
}

#[test]
fn changes_to_what_is_there_already_change_no_bit() {
    for compute in ways() {
        on_every_family(&compute, |name, loaded, ids| {
            let clean = Arc::new(trace(loaded, ids));
            let mut lists = vec![vec![replace(3..6, &ids[3..6])]];
            for hook in hooks(&loaded.model.spec) {
                let index = parts(&loaded.model.spec, hook).map(|(n, _)| n - 1);
                for site in [
                    site(1, hook, None, None),
                    site(2, hook, index, Some(5)),
                    site(0, hook, index, None),
                ] {
                    lists.push(vec![patch(site, &clean)]);
                    if hook != Hook::Pattern {
                        lists.push(vec![edit(site, Change::Scale(1.0))]);
                    }
                }
            }
            let want = clean_logits(loaded, &clean, LAST);
            for (list, got) in lists.iter().zip(logits_of(loaded, &clean, &lists, &[LAST])) {
                let name = format!("{name} {}", described(list));
                match loaded.model.compute.way {
                    Way::Kernels => assert!(got[0] == want, "{name}"),
                    Way::Plain => assert!(max_difference(&got[0], &want) < 1e-4, "{name}"),
                }
            }
        });
    }
}

#[test]
fn runs_side_by_side_have_the_bits_they_have_alone() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let (clean, lists) = (trace(loaded, ids), several(loaded));
        let runs = planned(loaded, &clean, &lists, &[LAST]);
        assert!(loaded.model.batch_len(&runs) < runs.len(), "{name}: one batch does not show it");
        let alone: Vec<_> = runs
            .iter()
            .map(|run| answers(loaded, &clean, std::slice::from_ref(run)).remove(0).unwrap())
            .collect();
        let together = answers(loaded, &clean, &runs);
        assert!(together.into_iter().map(Result::unwrap).eq(alone.iter().cloned()), "{name}");
        let mut dice = Dice(5);
        for _ in 0..4 {
            let order: Vec<usize> = (0..2 * runs.len()).map(|_| dice.below(runs.len())).collect();
            let shuffled: Vec<_> = order.iter().map(|&at| runs[at].clone()).collect();
            for (at, got) in order.into_iter().zip(answers(loaded, &clean, &shuffled)) {
                assert!(got.unwrap() == alone[at], "{name} {}", described(&lists[at]));
            }
        }
    });
}

#[test]
fn more_runs_than_a_batch_takes_are_all_answered() {
    let tiny = Tiny::open("llama");
    let loaded = tiny.load(&Compute::cpu());
    let clean = trace(&loaded, &tiny.ids());
    let one = |at: usize| vec![edge(at % 3, at / 3 % 4, LAST, at % LAST)];
    let lists: Vec<_> = (0..1300).map(one).collect();
    let runs = planned(&loaded, &clean, &lists, &[LAST]);
    assert_eq!(loaded.model.batch_len(&runs), 512, "one row each: runs are counted, too");
    let got = logits_of(&loaded, &clean, &lists, &[LAST]);
    // 3 layers, 4 heads and 13 keys come round after 156 runs.
    assert!((156..1300).all(|at| got[at] == got[at - 156]));
    assert_ne!(got[0], got[1]);
}

#[test]
fn runs_side_by_side_are_close_to_themselves_alone_on_the_plain_way() {
    for compute in ways().into_iter().filter(|compute| compute.way == Way::Plain) {
        on_every_family(&compute, |name, loaded, ids| {
            let (clean, lists) = (trace(loaded, ids), several(loaded));
            let together = logits_of(loaded, &clean, &lists, &[LAST]);
            for (list, together) in lists.iter().zip(together) {
                let alone = logits_of(loaded, &clean, std::slice::from_ref(list), &[LAST]);
                let difference = max_difference(&together.concat(), &alone.concat().concat());
                assert!(difference < 1e-4, "{name} {}: {difference}", described(list));
            }
        });
    }
}

#[test]
fn other_tokens_have_the_bits_of_a_run_of_their_own() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let clean = trace(loaded, ids);
        let mut lists: Vec<_> = (0..=LAST).map(|at| vec![delete(at..at + 1)]).collect();
        for with in [&[5][..], &[6, 7], &[8, 9, 10], &[40, 41, 42, 43, 44]] {
            lists.extend([0..2, 4..6, 12..14, 3..4, 0..14].map(|at| vec![replace(at, with)]));
            lists.extend([0..0, 8..8, 14..14].map(|at| vec![replace(at, with)]));
        }
        lists.push(vec![delete(0..3), replace(6..7, &[1, 2]), delete(9..10)]);
        for (list, got) in lists.iter().zip(logits_of(loaded, &clean, &lists, &[LAST])) {
            let other = trace(loaded, &edited_ids(ids, list));
            let want = clean_logits(loaded, &other, other.n_tokens() - 1);
            assert!(got[0] == want, "{name} {}", described(list));
        }
    });
}

#[test]
fn the_last_residual_of_another_prompt_gives_its_prediction() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let other = other_ids(ids);
        let (clean, from) = (trace(loaded, ids), Arc::new(trace(loaded, &other)));
        let here = |position| patch(site(2, Hook::ResidPost, None, position), &from);
        let lists = [vec![here(None)], vec![here(Some(LAST))], vec![replace(0..14, &other)]];
        let want = clean_logits(loaded, &from, LAST);
        for got in logits_of(loaded, &clean, &lists, &[LAST]) {
            assert!(got[0] == want, "{name}");
        }
        let back = [
            replace(0..14, &other),
            patch(site(2, Hook::ResidPost, None, None), &Arc::new(clean.clone())),
        ];
        let got = logits_of(loaded, &clean, &[back.to_vec()], &[LAST]);
        assert!(got[0][0] == clean_logits(loaded, &clean, LAST), "{name} and back");
    });
}

#[test]
fn the_first_token_is_knocked_out_as_it_is_deleted_where_positions_are_relative() {
    for compute in ways() {
        on_every_family(&compute, |name, loaded, ids| {
            let clean = trace(loaded, ids);
            let lists = [vec![knockout(0..1)], vec![delete(0..1)]];
            let got = logits_of(loaded, &clean, &lists, &[1, 6, LAST]);
            let difference = max_difference(&got[0].concat(), &got[1].concat());
            assert_eq!(difference < 1e-4, loaded.name != "gpt2", "{name}: {difference}");
        });
    }
}

#[test]
fn a_lean_trace_and_a_whole_one_give_the_same_bits() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let forward = |ids: &[u32], plan| {
            watched(|watch| loaded.model.forward(ids, None, plan, watch)).unwrap()
        };
        let (lean, whole) = (forward(ids, CapturePlan::Lean), forward(ids, CapturePlan::Whole));
        let lists = several(loaded);
        let want = logits_of(loaded, &whole, &lists, &[4, LAST]);
        assert!(logits_of(loaded, &lean, &lists, &[4, LAST]) == want, "{name}");
        let patches = |plan| -> Vec<_> {
            let from = Arc::new(forward(&other_ids(ids), plan));
            let hooks = hooks(&loaded.model.spec).into_iter();
            hooks.map(|hook| vec![patch(site(1, hook, None, None), &from)]).collect()
        };
        let want = logits_of(loaded, &whole, &patches(CapturePlan::Whole), &[LAST]);
        assert!(logits_of(loaded, &lean, &patches(CapturePlan::Lean), &[LAST]) == want, "{name}");
    });
}

#[test]
fn several_targets_of_one_run_have_the_bits_of_each_alone() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let (clean, lists) = (trace(loaded, ids), several(loaded));
        let targets = [2, 5, 6, 9, LAST];
        let together = logits_of(loaded, &clean, &lists, &targets);
        for (nth, target) in targets.into_iter().enumerate() {
            let alone = logits_of(loaded, &clean, &lists, &[target]);
            for ((list, together), alone) in lists.iter().zip(&together).zip(alone) {
                assert!(together[nth] == alone[0], "{name} {target} {}", described(list));
            }
        }
    });
}

#[test]
fn threads_change_no_bit_of_changed_runs() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let (clean, lists) = (trace(loaded, ids), several(loaded));
        let with = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| logits_of(loaded, &clean, &lists, &[4, LAST]))
        };
        let one = with(1);
        assert!([2, 3].into_iter().all(|n_threads| with(n_threads) == one), "{name}");
    });
}

#[test]
fn a_cancelled_job_stops_and_the_next_has_the_bits_it_would_have_had() {
    on_every_family(&Compute::cpu(), |name, loaded, ids| {
        let (clean, lists) = (trace(loaded, ids), several(loaded));
        let runs = planned(loaded, &clean, &lists, &[LAST]);
        let want = logits_of(loaded, &clean, &lists, &[LAST]);
        let first = loaded.model.batch_len(&runs);
        let cancel = CancelToken::default();
        let stop = |done: usize, of: usize| {
            assert_eq!(of, runs.len());
            if done >= first {
                cancel.cancel();
            }
        };
        let mut told: Vec<Done> = Vec::new();
        let mut each = |done: Vec<Done>| {
            told.extend(done);
            Ok(())
        };
        let watch = Watch { cancel: &cancel, progress: &stop };
        let stopped = loaded.model.run_changed(&clean, &runs, watch, &mut each);
        assert!(matches!(stopped, Err(EngineError::Cancelled)), "{name}");
        assert_eq!(told.len(), first, "{name}: the first batch was told, and no other");
        assert!(told.into_iter().all(|(run, got)| got.unwrap() == want[run]), "{name}");
        let refused = watched(|watch| {
            let mut each = |_| Err(EngineError::BadRequest("enough".to_owned()));
            loaded.model.run_changed(&clean, &runs, watch, &mut each)
        });
        assert_eq!(refused.unwrap_err().to_string(), "enough");
        assert!(logits_of(loaded, &clean, &lists, &[LAST]) == want, "{name}");
    });
}
