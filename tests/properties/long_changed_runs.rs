//! Changed runs of a prompt longer than a block of queries and a panel of keys, which part from it at different positions, none
//! of them where a block or a panel ends.

use crate::{
    changed_by_hand::{ByHand, answers, clean_logits, described, edited_ids, logits_of, planned},
    gradients::narrow,
    interventions::{delete, edge, edit, knockout, other_ids, patch, replace, site},
};
use candle_core::DType;
use limpid_engine::{device::Compute, hook_name::Hook, intervention::Change};
use limpid_tests::{max_difference, tiny::Tiny, trace, way_name, ways};
use std::sync::Arc;

const N_TOKENS: usize = 131;
const LAST: usize = N_TOKENS - 1;

/// Models whose context window holds the prompt; attention windows end inside blocks and panels.
fn models() -> Vec<Tiny> {
    let gpt2 = Tiny::open("gpt2");
    let short = gpt2.values("transformer.wpe.weight");
    let positions: Vec<f32> = (0..200 * 32).map(|at| short[at % short.len()] * 0.9).collect();
    let long = |tiny: Tiny| tiny.set("max_position_embeddings", 200);
    vec![
        long(Tiny::open("llama")),
        long(Tiny::open("llama_rope_llama3")),
        gpt2.set("n_positions", 200).add("transformer.wpe.weight", &[200, 32], positions),
        long(Tiny::open("gemma3_text")).set("sliding_window", 19),
        long(Tiny::open("gemma3_text")).set("sliding_window", 61),
    ]
}

fn prompt() -> Vec<u32> {
    (0..N_TOKENS as u32).map(|at| (at * at * 7 + at * 13 + 5) % 96).collect()
}

#[test]
fn runs_that_part_at_different_positions_have_the_bits_of_their_own() {
    for tiny in models() {
        let loaded = tiny.load(&Compute::cpu());
        let ids = prompt();
        let clean = trace(&loaded, &ids);
        let lists = [
            vec![replace(37..38, &[1])],
            vec![replace(101..103, &[2, 3])],
            vec![replace(90..91, &[4])],
            vec![delete(73..74)],
            vec![replace(77..77, &[5, 6, 7])],
            vec![replace(LAST..N_TOKENS, &[8])],
        ];
        // Before and behind what is changed; more of them than rows of logits are made at once.
        let targets: Vec<usize> = (60..73).chain(76..N_TOKENS).collect();
        let runs = planned(&loaded, &clean, &lists, &targets);
        assert_eq!(loaded.model.batch_len(&runs), lists.len(), "they run side by side");
        for (list, got) in lists.iter().zip(answers(&loaded, &clean, &runs)) {
            let (changed, got) = (edited_ids(&ids, list), got.unwrap());
            let other = trace(&loaded, &changed);
            let name = format!("{} {}", loaded.name, described(list));
            for (&target, got) in targets.iter().zip(got) {
                // Behind the change, positions have moved; what is put before 77 comes before what 76 predicts.
                let is_moved = target >= 76;
                let at = if is_moved { target + changed.len() - N_TOKENS } else { target };
                assert!(got == clean_logits(&loaded, &other, at), "{name} {target}");
            }
        }
    }
}

#[test]
fn what_is_not_seen_and_what_is_changed_is_so_by_hand() {
    for tiny in models() {
        let exact = tiny.load(&Compute::cpu_plain(DType::F64));
        let by_hand = ByHand::on(&exact.model);
        let ids = prompt();
        let targets = [49, 97, LAST];
        let mut wants = Vec::new();
        for compute in ways() {
            let loaded = tiny.load(&compute);
            let (clean, from) = (trace(&loaded, &ids), Arc::new(trace(&loaded, &other_ids(&ids))));
            let lists = [
                vec![knockout(10..60)],
                vec![knockout(47..49), knockout(95..97)],
                vec![edge(1, 2, 97, 95), edge(2, 1, LAST, 50), edge(0, 0, 49, 48)],
                vec![edit(site(0, Hook::K, Some(1), Some(47)), Change::Set(vec![0.7]))],
                vec![edit(site(1, Hook::Z, Some(3), None), Change::Scale(0.0)), knockout(64..65)],
                vec![patch(site(1, Hook::Pattern, None, None), &from)],
                vec![patch(site(2, Hook::V, None, Some(96)), &from), knockout(95..96)],
                vec![delete(33..65), replace(80..80, &[9; 30]), knockout(100..110)],
            ];
            if wants.is_empty() {
                let want = |list: &Vec<_>| narrow(&by_hand.logits(&ids, list, &targets).concat());
                wants = lists.iter().map(want).collect();
            }
            let gots = logits_of(&loaded, &clean, &lists, &targets);
            for ((list, got), want) in lists.iter().zip(gots).zip(&wants) {
                let difference = max_difference(&got.concat(), want);
                let name = format!("{} {}", loaded.name, way_name(&compute));
                assert!(difference < 2e-4, "{name} {}: {difference}", described(list));
            }
        }
    }
}
