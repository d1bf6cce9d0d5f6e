//! Tokens written behind a changed run are those of running the whole text again, changed in the same way, after each of them.

use crate::{
    changed_by_hand::{ByHand, clean_logits, described, logits_of},
    gradients::narrow,
    interventions::{delete, edge, edit, hooks, knockout, other_ids, patch, replace, site},
};
use candle_core::DType;
use limpid_engine::{
    cancel::CancelToken,
    changed_run::ChangedRun,
    continuation::{Continuation, StoppedBy, Wanted},
    decode::Decode,
    device::{Compute, Way},
    error::EngineError,
    hook_name::Hook,
    intervention::{Change, Intervention},
    model_pool::Loaded,
    sampling::Sampling,
    trace::Trace,
};
use limpid_tests::{
    max_difference,
    tiny::{FAMILIES, Tiny},
    trace, watched, way_name, ways,
};
use std::sync::Arc;

/// Lists that hold for tokens that are written, and some that end with the prompt.
fn lists() -> Vec<Vec<Intervention>> {
    let off = |hook, index| edit(site(1, hook, index, None), Change::Set(vec![0.0]));
    vec![
        vec![],
        vec![off(Hook::Z, Some(2))],
        vec![off(Hook::MlpOut, None)],
        vec![edit(site(0, Hook::Post, Some(9), None), Change::Set(vec![4.0]))],
        vec![edit(site(2, Hook::Pre, None, None), Change::Scale(1.5))],
        vec![edit(site(1, Hook::K, Some(0), None), Change::Scale(-1.0))],
        vec![edit(site(0, Hook::V, None, None), Change::Scale(0.5))],
        vec![edit(site(2, Hook::Q, Some(3), None), Change::Set(vec![0.0]))],
        vec![edit(site(1, Hook::ResidPre, None, None), Change::Scale(0.7))],
        vec![edit(site(2, Hook::ResidMid, None, None), Change::Add(vec![0.2; 32]))],
        vec![edit(site(2, Hook::ResidPost, None, None), Change::Add(vec![-0.4; 32]))],
        vec![edit(site(0, Hook::AttnOut, None, None), Change::Scale(0.0))],
        vec![knockout(0..1)],
        vec![knockout(2..5)],
        // Nothing of the prompt sees it; what is written does not either.
        vec![knockout(9..10)],
        vec![edit(site(1, Hook::Z, Some(0), Some(4)), Change::Scale(3.0))],
        vec![edit(site(2, Hook::Post, None, Some(9)), Change::Scale(0.0))],
        vec![edge(1, 2, 9, 3)],
        vec![delete(3..5), off(Hook::Z, Some(1))],
        vec![delete(9..10), knockout(0..1)],
        vec![replace(2..3, &[8, 9, 10]), off(Hook::MlpOut, None)],
        vec![replace(10..10, &[30, 31]), knockout(6..7), off(Hook::Z, Some(3))],
        vec![knockout(1..2), off(Hook::Z, Some(0)), off(Hook::Post, Some(3))],
    ]
}

const N_PROMPT: usize = 10;

/// Logits behind the prompt and `written`, all of it run again.
fn run_again(loaded: &Loaded, ids: &[u32], written: &[u32], list: &[Intervention]) -> Vec<f32> {
    let text = [ids, written].concat();
    let clean = trace(loaded, &text);
    logits_of(loaded, &clean, &[list.to_vec()], &[text.len() - 1]).remove(0).remove(0)
}

fn behind(loaded: &Loaded, clean: &Trace, list: &[Intervention]) -> (Decode, Vec<f32>) {
    let (model, last) = (&loaded.model, clean.n_tokens() - 1);
    let run = ChangedRun::new(model, clean, list, &[last]).unwrap();
    watched(|watch| Decode::behind_changed(model, clean, run, 2, watch)).unwrap()
}

#[test]
fn each_token_behind_a_changed_prompt_is_the_whole_changed_run() {
    for compute in ways() {
        for family in FAMILIES {
            let tiny = Tiny::open(family);
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            let prompt = &ids[..N_PROMPT];
            let clean = trace(&loaded, prompt);
            for list in lists() {
                let (mut decode, mut got) = behind(&loaded, &clean, &list);
                let mut written = Vec::new();
                for id in [3, 41, 41, 90, 17, 3, 55] {
                    let want = run_again(&loaded, prompt, &written, &list);
                    let name = format!("{family} {} {}", way_name(&compute), described(&list));
                    let name = format!("{name} behind {written:?}");
                    match compute.way {
                        Way::Kernels => assert!(got == want, "{name}"),
                        Way::Plain => assert!(max_difference(&got, &want) < 2e-4, "{name}"),
                    }
                    written.push(id);
                    got = decode.step(&loaded.model, id, &CancelToken::default()).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_changed_continuation_chooses_what_the_whole_changed_run_predicts() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        for compute in ways() {
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            let prompt = &ids[..N_PROMPT];
            let clean = trace(&loaded, prompt);
            for list in lists() {
                let wanted = Wanted { max_tokens: 8, sampling: Sampling::GREEDY, stop: Vec::new() };
                let mut continuation = watched(|watch| {
                    Continuation::start_changed(&loaded, &clean, &list, &wanted, (u64::MAX, watch))
                })
                .unwrap();
                let mut tokens = Vec::new();
                while continuation.stopped_by().is_none() {
                    let piece = continuation.step(&loaded, &CancelToken::default()).unwrap();
                    tokens.extend(piece.tokens);
                }
                assert_eq!((tokens.len(), continuation.stopped_by()), (8, Some(StoppedBy::Length)));
                let written: Vec<u32> = tokens.iter().map(|token| token.id).collect();
                for (at, token) in tokens.iter().enumerate() {
                    let logits = run_again(&loaded, prompt, &written[..at], &list);
                    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let name = format!("{family} {} {at}", described(&list));
                    assert!(largest - logits[token.id as usize] <= 2e-4, "{name}");
                    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
                    let logprob = logits[token.id as usize] - largest - sum.ln();
                    assert!((token.logprob - logprob).abs() <= 2e-4, "{name}");
                }
            }
        }
    }
}

#[test]
fn nothing_changed_is_the_plain_continuation() {
    for compute in ways() {
        let tiny = Tiny::open("gemma3_text");
        let (loaded, ids) = (tiny.load(&compute), tiny.ids());
        let clean = trace(&loaded, &ids);
        let (mut changed, got) = behind(&loaded, &clean, &[]);
        let mut plain = Decode::behind(&loaded.model, &clean, 2).unwrap();
        assert!(got == clean_logits(&loaded, &clean, ids.len() - 1));
        for id in [7, 8, 9, 10] {
            let step =
                |of: &mut Decode| of.step(&loaded.model, id, &CancelToken::default()).unwrap();
            assert!(step(&mut changed) == step(&mut plain), "{}", way_name(&compute));
        }
    }
}

#[test]
fn a_patch_ends_with_the_prompt() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let exact = tiny.load(&Compute::cpu_plain(DType::F64));
        let by_hand = ByHand::on(&exact.model);
        for compute in ways() {
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            let clean = trace(&loaded, &ids[..N_PROMPT]);
            let from = Arc::new(trace(&loaded, &other_ids(&ids[..N_PROMPT])));
            for hook in hooks(&loaded.model.spec) {
                let list = [patch(site(1, hook, None, None), &from)];
                let (mut decode, mut got) = behind(&loaded, &clean, &list);
                for n in N_PROMPT..N_PROMPT + 3 {
                    let want = by_hand.logits(&ids[..n], &list, &[n - 1]).concat();
                    let difference = max_difference(&got, &narrow(&want));
                    let name = format!("{family} {} {n}", hook.name(1));
                    assert!(difference < 2e-4, "{name}: {difference}");
                    got = decode.step(&loaded.model, ids[n], &CancelToken::default()).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_cancelled_step_is_taken_up_again() {
    let tiny = Tiny::open("llama");
    let (loaded, ids) = (tiny.load(&Compute::cpu()), tiny.ids());
    let list = [edit(site(1, Hook::Z, Some(2), None), Change::Scale(0.0)), knockout(3..4)];
    let (mut decode, _) = behind(&loaded, &trace(&loaded, &ids[..N_PROMPT]), &list);
    let cancelled = CancelToken::default();
    cancelled.cancel();
    let refused = decode.step(&loaded.model, 9, &cancelled);
    assert!(matches!(refused, Err(EngineError::Cancelled)));
    let got = decode.step(&loaded.model, 9, &CancelToken::default()).unwrap();
    assert!(got == run_again(&loaded, &ids[..N_PROMPT], &[9], &list));
}
