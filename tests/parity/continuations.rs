//! A continuation is what running the whole text again after each token gives: bit for bit on the kernels, and by the golden
//! greedy tokens on real models.

use limpid_engine::{
    cancel::CancelToken,
    continuation::{Continuation, ContinuedToken, Piece, StoppedBy, Wanted},
    decode::Decode,
    device::{Compute, Way},
    error::EngineError,
    model_pool::Loaded,
    pos_tensor::to_host,
    sampling::Sampling,
    tokenizer::Specials,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{
    GEMMA3, SMOLLM2, golden_json, load, max_difference, real_model,
    tiny::{FAMILIES, Tiny},
    trace, watched, way_name, ways,
};

pub(crate) fn greedy(max_tokens: usize) -> Wanted {
    Wanted { max_tokens, sampling: Sampling::GREEDY, stop: Vec::new() }
}

fn pieces(loaded: &Loaded, trace: &Trace, wanted: &Wanted) -> (Vec<Piece>, StoppedBy) {
    let cancel = CancelToken::default();
    let mut continuation = Continuation::start(loaded, trace, wanted, u64::MAX).unwrap();
    let mut pieces = Vec::new();
    loop {
        pieces.push(continuation.step(loaded, &cancel).unwrap());
        if let Some(reason) = continuation.stopped_by() {
            return (pieces, reason);
        }
    }
}

fn all(pieces: &[Piece]) -> (Vec<ContinuedToken>, String) {
    let tokens = pieces.iter().flat_map(|piece| piece.tokens.clone()).collect();
    (tokens, pieces.iter().map(|piece| piece.text.as_str()).collect())
}

fn last_logits(loaded: &Loaded, ids: &[u32]) -> Vec<f32> {
    let model = &loaded.model;
    let last = trace(loaded, ids).resid_after(model.spec.n_layers).narrow(ids.len() - 1, 1);
    to_host(&model.logits(&last.unwrap().tensor().unwrap()).unwrap()).unwrap()
}

#[test]
fn each_token_behind_a_prompt_is_the_whole_run() {
    let cancel = CancelToken::default();
    for compute in ways() {
        for family in FAMILIES {
            let tiny = Tiny::open(family);
            let (loaded, ids) = (tiny.load(&compute), tiny.ids());
            for plan in [CapturePlan::Whole, CapturePlan::Lean] {
                let (prompt, rest) = ids.split_at(4);
                let trace = watched(|watch| loaded.model.forward(prompt, None, plan, watch));
                // No room asked for: what grows beyond it must be right too.
                let mut decode = Decode::behind(&loaded.model, &trace.unwrap(), 0).unwrap();
                for (at, &id) in rest.iter().enumerate() {
                    let got = decode.step(&loaded.model, id, &cancel).unwrap();
                    let want = last_logits(&loaded, &ids[..4 + at + 1]);
                    let what = format!("{family} {} {plan:?} {at}", way_name(&compute));
                    match compute.way == Way::Kernels {
                        true => assert_eq!(got, want, "{what}"),
                        false => assert!(max_difference(&got, &want) < 1e-4, "{what}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_cancelled_step_leaves_everything_as_it_was() {
    let tiny = Tiny::open("llama");
    let (loaded, ids) = (tiny.load(&Compute::cpu()), tiny.ids());
    let mut decode = Decode::behind(&loaded.model, &trace(&loaded, &ids[..5]), 3).unwrap();
    let cancelled = CancelToken::default();
    cancelled.cancel();
    let refused = decode.step(&loaded.model, 9, &cancelled);
    assert!(matches!(refused, Err(EngineError::Cancelled)));
    assert_eq!(decode.n_tokens(), 5);
    let got = decode.step(&loaded.model, ids[5], &CancelToken::default()).unwrap();
    assert_eq!(got, last_logits(&loaded, &ids[..6]));
}

#[test]
fn greedy_tokens_of_real_models_are_the_golden_ones() {
    for (file, folder, n_prompts) in [(SMOLLM2, "smollm2", 6), (GEMMA3, "gemma3", 3)] {
        let loaded = load(real_model(file), &Compute::cpu());
        for prompt in 1..=n_prompts {
            let golden = golden_json(&format!("{folder}/greedy_p{prompt}.json"));
            let ids = |field: &str| -> Vec<u32> {
                serde_json::from_value(golden[field].clone()).unwrap()
            };
            let (prompt_ids, want) = (ids("token_ids"), ids("greedy"));
            let (pieces, _) = pieces(&loaded, &trace(&loaded, &prompt_ids), &greedy(want.len()));
            let (tokens, text) = all(&pieces);
            let got: Vec<u32> = tokens.iter().map(|token| token.id).collect();
            let eos = loaded.tokenizer().unwrap().eos();
            let n = want.iter().position(|id| eos.contains(id)).unwrap_or(want.len());
            assert_eq!(got, want[..n], "{folder} p{prompt}");
            assert_eq!(text, loaded.tokenizer().unwrap().decode(&got));
            assert!(tokens.iter().all(|token| token.rank == 1 && token.logprob < 0.0));
        }
    }
}

#[test]
fn a_real_continuation_is_the_whole_run_again_and_again() {
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    let tokenizer = loaded.tokenizer().unwrap();
    let prompt = tokenizer.encode("The capital of France is", Specials::Parse).unwrap();
    let mut ids: Vec<u32> = prompt.iter().map(|token| token.id).collect();
    let bytes = loaded.model.bytes();
    let mut decode = Decode::behind(&loaded.model, &trace(&loaded, &ids), 12).unwrap();
    for id in [7042, 30, 198, 504, 3575, 282] {
        ids.push(id);
        let got = decode.step(&loaded.model, id, &CancelToken::default()).unwrap();
        assert!(got == last_logits(&loaded, &ids), "behind token {id}");
    }
    // Q4_1 and Q8_0 are kept as narrow as they are stored, and a little: scales are there for outputs of 48.
    let narrow = loaded.model.bytes() - bytes;
    assert!((90 << 20..100 << 20).contains(&narrow), "{narrow}");
    // What was read on the narrow weights is what the wide ones gave.
    let (of_prompt, _) = ids.split_at(5);
    let sampled = Wanted {
        max_tokens: 20,
        sampling: Sampling { temperature: 0.9, top_k: Some(50), top_p: Some(0.95), seed: 3 },
        stop: Vec::new(),
    };
    let first = pieces(&loaded, &trace(&loaded, of_prompt), &sampled);
    assert_eq!(first, pieces(&loaded, &trace(&loaded, of_prompt), &sampled));
    let other = Wanted { sampling: Sampling { seed: 4, ..sampled.sampling }, ..sampled };
    assert_ne!(first, pieces(&loaded, &trace(&loaded, of_prompt), &other));
}

#[test]
fn it_ends_where_it_should() {
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    let tokenizer = loaded.tokenizer().unwrap();
    let run = |text: &str, wanted: &Wanted| {
        let prompt = tokenizer.encode(text, Specials::Parse).unwrap();
        let ids: Vec<u32> = prompt.iter().map(|token| token.id).collect();
        let (pieces, reason) = pieces(&loaded, &trace(&loaded, &ids), wanted);
        (all(&pieces), reason)
    };
    let question = "<|im_start|>user\nWhat is 2 + 2? Answer with one number.<|im_end|>\n<|im_start|>assistant\n";
    let ((tokens, text), reason) = run(question, &greedy(100));
    assert_eq!(reason, StoppedBy::Eos, "{text}");
    assert!(!text.contains("<|im_end|>") && tokens.len() < 100);
    let ((tokens, text), reason) = run("The capital of France is", &greedy(10));
    assert_eq!((tokens.len(), reason), (10, StoppedBy::Length));
    // A stop string that begins inside one token and ends inside another.
    let at = text.char_indices().nth(9).unwrap().0;
    let stop = text[at..at + 8].to_owned();
    let cut = text.find(&stop).unwrap();
    let wanted = Wanted { stop: vec!["never".to_owned(), stop], ..greedy(10) };
    let ((stopped_tokens, stopped_text), reason) = run("The capital of France is", &wanted);
    assert_eq!((stopped_text.as_str(), reason), (&text[..cut], StoppedBy::Stop));
    assert_eq!(stopped_tokens[..], tokens[..stopped_tokens.len()]);
}

#[test]
fn the_window_ends_it_and_a_model_without_a_tokenizer_writes_ids() {
    let tiny = Tiny::open("llama");
    let loaded = tiny.load(&Compute::cpu());
    let n_ctx = loaded.model.spec.n_ctx;
    let ids: Vec<u32> = (0..n_ctx as u32 - 2).map(|at| (at * 29 + 3) % 90).collect();
    let (pieces, reason) = pieces(&loaded, &trace(&loaded, &ids), &greedy(n_ctx));
    let (tokens, text) = all(&pieces);
    assert_eq!((tokens.len(), text.as_str(), reason), (3, "", StoppedBy::Window));
}

#[test]
fn what_is_wrong_is_named() {
    let tiny = Tiny::open("llama");
    let (loaded, ids) = (tiny.load(&Compute::cpu()), tiny.ids());
    let trace = trace(&loaded, &ids);
    let n_ctx = loaded.model.spec.n_ctx;
    let stop = |stop: &str| Wanted { stop: vec![stop.to_owned()], ..greedy(1) };
    for (wanted, available, says) in [
        (greedy(0), u64::MAX, format!("`max_tokens` is 0; it is from 1 to {n_ctx}")),
        (greedy(n_ctx + 1), u64::MAX, format!("`max_tokens` is {}; it is from 1", n_ctx + 1)),
        (stop(""), u64::MAX, "`stop` has a string of 0 bytes; each is from 1".to_owned()),
        (stop("x"), u64::MAX, "model `llama` has no tokenizer.json".to_owned()),
        (greedy(2), 100, "a continuation of 14 tokens by 2 needs".to_owned()),
    ] {
        let error = Continuation::start(&loaded, &trace, &wanted, available).unwrap_err();
        assert!(error.to_string().starts_with(&says), "{error}");
    }
}
