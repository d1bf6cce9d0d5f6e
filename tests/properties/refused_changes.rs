//! Interventions that cannot be done are refused in words that say what to do instead, before anything is run; one whose numbers
//! overflow is an error of its own and leaves the runs beside it as they are.

use crate::{
    changed_by_hand::{answers, described, logits_of, planned},
    interventions::{delete, edge, edit, hooks, knockout, other_ids, patch, replace, site},
};
use limpid_engine::{
    changed_run::ChangedRun,
    device::{Compute, Way},
    hook_name::Hook,
    intervention::{Change, Intervention},
    model_pool::Loaded,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{
    max_difference,
    tiny::{FAMILIES, Tiny},
    trace, watched, way_name, ways,
};
use std::sync::Arc;

fn refused(loaded: &Loaded, ids: &[u32], list: &[Intervention], targets: &[usize], says: &str) {
    let clean = trace(loaded, ids);
    let name = described(list);
    let error = ChangedRun::new(&loaded.model, &clean, list, targets)
        .err()
        .unwrap_or_else(|| panic!("{name} is taken"));
    assert!(error.to_string().contains(says), "{name}: `{error}` does not say `{says}`");
    let code = if says.contains("context window") { "context-window" } else { "bad-request" };
    assert_eq!(error.code(), code, "{name}: {error}");
}

/// Refused of the tiny llama: 3 layers of width 32, 4 heads of 8, 2 of them for keys, 64 neurons, 96 tokens, 14 in the prompt.
fn of_llama(list: &[Intervention], says: &str) {
    let tiny = Tiny::open("llama");
    refused(&tiny.load(&Compute::cpu()), &tiny.ids(), list, &[13], says);
}

#[test]
fn tokens_that_do_not_exist() {
    let out = "a span ends behind its start and at most at 14, the end of the prompt";
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    for tokens in [14..15, 13..15, 3..3, 5..4, usize::MAX - 1..usize::MAX] {
        of_llama(&[knockout(tokens.clone())], out);
        of_llama(&[delete(tokens)], out);
    }
    let out = "a span ends at or behind its start and at most at 14";
    of_llama(&[replace(15..15, &[1])], out);
    of_llama(&[replace(13..15, &[1, 2])], out);
    of_llama(&[replace(2..2, &[])], "nothing is replaced by nothing; give tokens");
    of_llama(&[replace(2..3, &[5, 96])], "token id 96 is out of range; the model has ids 0 to 95");
    let long = [7u32; 60];
    of_llama(&[replace(3..3, &long)], "the model's context window is 64; shorten the prompt");
}

#[test]
fn parts_that_do_not_exist() {
    let scale = |site| edit(site, Change::Scale(0.0));
    for (hook, n, what) in [
        (Hook::Z, 4, "head"),
        (Hook::Q, 4, "head"),
        (Hook::K, 2, "head"),
        (Hook::V, 2, "head"),
        (Hook::Post, 64, "neuron"),
        (Hook::Pre, 64, "neuron"),
        (Hook::PreLinear, 64, "neuron"),
    ] {
        let says = format!("{what} {n} is out of range; the layer has {what}s 0 to {}", n - 1);
        of_llama(&[scale(site(1, hook, Some(n), None))], &says);
    }
    let says = "head 4 is out of range; the layer has heads 0 to 3";
    of_llama(&[edge(0, 4, 5, 3)], says);
    let (tiny, other) = (Tiny::open("llama"), other_ids(&Tiny::open("llama").ids()));
    let from = Arc::new(trace(&tiny.load(&Compute::cpu()), &other));
    of_llama(&[patch(site(0, Hook::Pattern, Some(4), None), &from)], says);

    let says = "layer 3 is out of range; the model has layers 0 to 2";
    of_llama(&[scale(site(3, Hook::Z, None, None))], says);
    of_llama(&[edge(3, 0, 5, 3)], says);
    let says = "position 14 is out of range; the prompt has positions 0 to 13";
    of_llama(&[scale(site(0, Hook::Z, None, Some(14)))], says);
    of_llama(&[edge(0, 0, 14, 3)], says);
    for hook in [Hook::ResidPre, Hook::ResidMid, Hook::ResidPost, Hook::AttnOut, Hook::MlpOut] {
        let says = format!("{} has no heads or neurons; leave the index out", hook.name(1));
        of_llama(&[scale(site(1, hook, Some(0), None))], &says);
    }
    let gpt2 = Tiny::open("gpt2");
    let list = [scale(site(1, Hook::PreLinear, None, None))];
    let says = "the model has no blocks.1.mlp.hook_pre_linear";
    refused(&gpt2.load(&Compute::cpu()), &gpt2.ids(), &list, &[13], says);
}

#[test]
fn values_that_are_none() {
    let here = |change| edit(site(1, Hook::Z, Some(2), None), change);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let says = format!("value 0 is {value}; values are finite numbers");
        of_llama(&[here(Change::Scale(value))], &says);
        of_llama(&[here(Change::Set(vec![value]))], &says);
        let mut eight = vec![0.5; 8];
        eight[3] = value;
        let says = format!("value 3 is {value}; values are finite numbers");
        of_llama(&[here(Change::Set(eight.clone()))], &says);
        of_llama(&[here(Change::Add(eight))], &says);
    }
    of_llama(
        &[here(Change::Set(vec![1.0; 7]))],
        "there are 7 values; it takes 8, or one for all of them",
    );
    of_llama(&[here(Change::Set(vec![]))], "there are 0 values; it takes 8, or one for all");
    of_llama(&[here(Change::Add(vec![1.0]))], "there are 1 values; it takes 8");
    let all = |n| edit(site(1, Hook::ResidPost, None, Some(3)), Change::Add(vec![1.0; n]));
    of_llama(&[all(8)], "there are 8 values; it takes 32");
    let pattern = edit(site(1, Hook::Pattern, None, None), Change::Set(vec![0.0]));
    of_llama(&[pattern], "a pattern is changed by edge_knockout or patch, not by values");
}

#[test]
fn edges_that_cannot_be_masked() {
    of_llama(&[edge(0, 0, 3, 5)], "position 3 does not see 5, which is behind it");
    of_llama(&[edge(0, 0, 0, 0)], "position 0 sees itself only; that edge cannot be masked");
    let left_none = "is left no key to see; leave it at least one";
    let all: Vec<_> = (0..=5).map(|key| edge(2, 1, 5, key)).collect();
    of_llama(&all, &format!("position 5 of L2H1 {left_none}"));
    of_llama(&[knockout(0..5), edge(2, 1, 5, 5)], left_none);
    of_llama(&[delete(0..3), edge(2, 1, 3, 3)], &format!("position 0 of L2H1 {left_none}"));
    let narrow = Tiny::open("gemma3_text").set("sliding_window", 2);
    let loaded = narrow.load(&Compute::cpu());
    let list = [edge(1, 3, 8, 8), edge(1, 3, 8, 7)];
    refused(&loaded, &narrow.ids(), &list, &[13], &format!("position 8 of L1H3 {left_none}"));
    // The top layer has no window.
    let clean = trace(&loaded, &narrow.ids());
    assert!(
        ChangedRun::new(&loaded.model, &clean, &[edge(2, 3, 8, 8), edge(2, 3, 8, 7)], &[13])
            .is_ok()
    );
}

#[test]
fn changes_that_contradict_each_other() {
    of_llama(&[delete(0..14)], "every token is deleted; leave at least one");
    of_llama(&[delete(0..7), delete(7..14)], "every token is deleted; leave at least one");
    for other in [delete(4..6), replace(4..6, &[1]), replace(4..6, &[1, 2]), replace(4..4, &[1])] {
        let says = "are both deleted or replaced and overlap; join them";
        of_llama(&[delete(3..5), other.clone()], says);
        of_llama(&[other, delete(3..5)], says);
    }
    let gone =
        "position 4 is deleted or replaced by the same set of interventions; name one that stays";
    for change in [delete(3..5), replace(3..5, &[1, 2, 3]), replace(4..5, &[])] {
        of_llama(&[change.clone(), knockout(4..5)], gone);
        of_llama(&[change.clone(), edge(0, 0, 9, 4)], gone);
        of_llama(&[change.clone(), edge(0, 0, 4, 1)], gone);
        of_llama(&[change, edit(site(0, Hook::Z, None, Some(4)), Change::Scale(0.0))], gone);
    }
}

#[test]
fn targets_that_are_not_there() {
    let tiny = Tiny::open("llama");
    let loaded = tiny.load(&Compute::cpu());
    let ids = tiny.ids();
    let says = "target position 14 is out of range; the prompt has positions 0 to 13";
    refused(&loaded, &ids, &[], &[14], says);
    let says = "no token is left at or before the target position 0; leave at least one";
    refused(&loaded, &ids, &[delete(0..1)], &[0], says);
    let says = "no token is left at or before the target position 2; leave at least one";
    refused(&loaded, &ids, &[delete(0..3)], &[2, 9], says);
    assert!(ChangedRun::new(&loaded.model, &trace(&loaded, &ids), &[delete(0..3)], &[3]).is_ok());
}

#[test]
fn runs_that_cannot_be_patched_from() {
    let tiny = Tiny::open("llama");
    let (loaded, ids) = (tiny.load(&Compute::cpu()), tiny.ids());
    let here = |from: &Arc<_>| patch(site(0, Hook::ResidPre, None, None), from);
    let short = Arc::new(trace(&loaded, &ids[..9]));
    of_llama(
        &[here(&short)],
        "the prompt to patch from has 9 tokens and this one 14; make them as many",
    );
    let own = Arc::new(trace(&loaded, &other_ids(&ids)));
    for change in [delete(3..4), replace(3..5, &[1]), replace(14..14, &[1]), replace(0..0, &[1])] {
        let says = "a patch needs the prompt's own positions; it cannot stand beside deletions";
        of_llama(&[change, here(&own)], says);
    }
    // As many layers as wide, but other heads; and a model of fewer layers.
    let other_heads = Tiny::open("llama_rope_llama3").load(&Compute::cpu());
    let fewer = tiny.set("num_hidden_layers", 2).load(&Compute::cpu());
    for other in [other_heads, fewer] {
        for plan in [CapturePlan::Whole, CapturePlan::Lean] {
            let from = watched(|watch| other.model.forward(&ids, None, plan, watch)).unwrap();
            let from = Arc::new(from);
            for hook in hooks(&loaded.model.spec) {
                let says =
                    "the run to patch from is another model's; run the other prompt on this one";
                of_llama(&[patch(site(0, hook, None, None), &from)], says);
            }
        }
    }
}

/// Runs `huge`, alone and with others, between calm runs that are known to give `want`.
fn check_beside_calm_ones(
    (loaded, clean): (&Loaded, &Trace),
    (calm, want): (&[Vec<Intervention>], &[Vec<f32>]),
    huge: &Intervention,
    is_read: bool,
) {
    let name = format!("{} {} {huge:?}", loaded.name, way_name(&loaded.model.compute));
    let mut lists = calm.to_vec();
    lists.insert(1, vec![huge.clone()]);
    lists.insert(3, vec![knockout(6..7), huge.clone()]);
    let mut got = answers(loaded, clean, &planned(loaded, clean, &lists, &[13]));
    for overflown in [got.remove(3), got.remove(1)].into_iter().filter(|_| is_read) {
        let error = overflown.err().unwrap_or_else(|| panic!("{name}")).to_string();
        assert!(error.contains("overflow; take smaller values"), "{name}: {error}");
    }
    for (got, want) in got.into_iter().map(|got| got.unwrap().concat()).zip(want) {
        match loaded.model.compute.way {
            Way::Kernels => assert!(got == *want, "{name}"),
            Way::Plain => assert!(max_difference(&got, want) < 1e-4, "{name}"),
        }
    }
}

#[test]
fn a_run_whose_numbers_overflow_is_an_error_and_its_neighbours_are_right() {
    let calm = [
        vec![knockout(2..3)],
        vec![edit(site(0, Hook::Z, Some(1), None), Change::Scale(0.0))],
        vec![edit(site(2, Hook::Post, None, Some(13)), Change::Scale(0.5))],
        vec![],
    ];
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        for compute in ways() {
            let loaded = tiny.load(&compute);
            let clean = trace(&loaded, &tiny.ids());
            let alone = |list: &Vec<_>| {
                logits_of(&loaded, &clean, std::slice::from_ref(list), &[13]).concat().concat()
            };
            let want: Vec<Vec<f32>> = calm.iter().map(alone).collect();
            let top = loaded.model.spec.n_layers - 1;
            for layer in 0..=top {
                for hook in [Hook::ResidPre, Hook::V, Hook::ResidMid, Hook::Post, Hook::ResidPost] {
                    for position in [None, Some(4), Some(13)] {
                        let here = site(layer, hook, None, position);
                        let huge = edit(here, Change::Set(vec![1e38]));
                        // In the top layer nobody reads what becomes of position 4 behind its key and value.
                        let is_read = position != Some(4)
                            || layer < top
                            || matches!(hook, Hook::V | Hook::ResidPre);
                        check_beside_calm_ones((&loaded, &clean), (&calm, &want), &huge, is_read);
                    }
                }
            }
        }
    }
}

#[test]
fn scores_as_low_as_a_mask_are_an_error_and_do_not_show_what_is_knocked_out() {
    let tiny = Tiny::open("llama_rope_llama3");
    let loaded = tiny.load(&Compute::cpu());
    let set = |hook, value| edit(site(1, hook, Some(0), None), Change::Set(vec![value]));
    let list = vec![set(Hook::Q, 3e18), set(Hook::K, -3e18), knockout(0..12)];
    let clean = trace(&loaded, &tiny.ids());
    let runs = planned(&loaded, &clean, &[list[..2].to_vec(), list], &[13]);
    let got = answers(&loaded, &clean, &runs);
    assert!(got[0].is_ok(), "without the knock-out there is no mask");
    let error = got[1].as_ref().unwrap_err().to_string();
    assert!(error.contains("overflow; take smaller values"), "{error}");
}
