//! Answers of several tokens: one token is the single target, more are the sum of theirs, routes start at each of them with
//! an even share, and a foil answer is taken away. Slopes of a sum are in `finite_differences`.

use limpid_analysis::{
    attribution::{Attributions, Method},
    objective::ObjectiveKind,
    route_prune::Prune,
    views::inspection::{Inspector, Question, Top},
};
use limpid_engine::{device::Compute, model_pool::Loaded, trace::Trace};
use limpid_tests::{
    relative_difference,
    tiny::{FAMILIES, Tiny},
    trace, watched,
};
use std::{ops::Range, sync::Arc};

const METHODS: [Method; 5] = [
    Method::Atp,
    Method::AtpLinear,
    Method::AtpTrue,
    Method::GradientXInputLinear,
    Method::LogitAttribution,
];

fn question(answer: Range<usize>) -> Question {
    Question { answer: Some(answer), top: Top::All, ..Question::DEFAULT }
}

fn inspector(loaded: &Arc<Loaded>, trace: &Arc<Trace>, question: &Question) -> Inspector {
    let (loaded, trace) = (Arc::clone(loaded), Arc::clone(trace));
    watched(|watch| Inspector::new(loaded, trace, question, [], watch)).unwrap()
}

fn attributions(inspector: &Inspector) -> Attributions {
    watched(|watch| inspector.attributions(watch)).unwrap().clone()
}

/// Everything that is a score, in lists.
fn scores(of: &Attributions) -> Vec<Vec<f32>> {
    let mut all: Vec<Vec<f32>> = METHODS.iter().map(|method| of.tokens(*method, &[])).collect();
    all.extend([
        of.true_pass.heads.concat(),
        of.true_pass.neurons.concat(),
        of.linear_pass.heads.concat(),
        of.head_logits.concat(),
        of.neuron_logits.concat(),
    ]);
    all
}

fn on_all(check: impl Fn(&str, &Arc<Loaded>, &Arc<Trace>)) {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = Arc::new(tiny.load(&Compute::cpu()));
        let trace = Arc::new(trace(&loaded, &tiny.ids()));
        check(family, &loaded, &trace);
    }
}

#[test]
fn an_answer_of_one_token_is_that_target() {
    on_all(|family, loaded, trace| {
        let at = trace.n_tokens() / 2;
        let answer = inspector(loaded, trace, &question(at..at + 1));
        let single = Question {
            position: Some(at - 1),
            target: Some(trace.token_ids()[at]),
            objective: Some(ObjectiveKind::LogProb),
            top: Top::All,
            ..Question::DEFAULT
        };
        let single = inspector(loaded, trace, &single);
        let (got, want) = (attributions(&answer), attributions(&single));
        assert_eq!(got.value, want.value, "{family}");
        assert_eq!(scores(&got), scores(&want), "{family}");
        assert_eq!(answer.input_flows(), single.input_flows(), "{family}");
        let target = answer.target();
        assert_eq!((target.position, target.id), (at - 1, trace.token_ids()[at]));
        let span = target.answer.unwrap();
        assert_eq!((span.start, span.end, span.logprob), (at, at + 1, want.value as f32));
        assert!(single.target().answer.is_none());
    });
}

#[test]
fn scores_of_an_answer_are_the_sums_over_its_tokens() {
    on_all(|family, loaded, trace| {
        let span = 5..trace.n_tokens();
        let whole = attributions(&inspector(loaded, trace, &question(span.clone())));
        let mut sums: Vec<Vec<f32>> =
            scores(&whole).iter().map(|scores| vec![0.0; scores.len()]).collect();
        let mut value = 0.0;
        for at in span {
            let own = attributions(&inspector(loaded, trace, &question(at..at + 1)));
            value += own.value;
            for (sum, own) in sums.iter_mut().zip(scores(&own)) {
                sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
        }
        assert!((whole.value - value).abs() < 1e-9, "{family}: {} {value}", whole.value);
        for (which, (got, want)) in scores(&whole).iter().zip(&sums).enumerate() {
            let error = relative_difference(got, want);
            assert!(error < 1e-4, "{family} {which}: {error}");
        }
    });
}

#[test]
fn routes_of_an_answer_start_at_each_token_and_lose_nothing() {
    on_all(|family, loaded, trace| {
        let span = 5..9;
        for prune in [Prune::Mass(1.0), Prune::Mass(0.8)] {
            let of_answer = inspector(loaded, trace, &Question { prune, ..question(span.clone()) });
            let findings = of_answer.findings();
            let (graph, pruned) = (&findings.graph, &findings.pruned);
            let total: f32 = graph.embed_flows.iter().sum::<f32>() + graph.lost;
            assert!((total - 1.0).abs() < 1e-4, "{family}: {total}");
            let starts: Vec<usize> = graph.starts.iter().map(|(position, _)| *position).collect();
            assert_eq!(starts, [4, 5, 6, 7], "{family}");
            let wanted = match prune {
                Prune::Mass(share) if share < 1.0 => share,
                _ => total - graph.lost - 1e-4,
            };
            assert!(pruned.shown >= wanted, "{family} {prune}: {}", pruned.shown);
        }
        let of_answer = inspector(loaded, trace, &question(span.clone()));
        let mut mean = vec![0f32; trace.n_tokens()];
        for at in span {
            let own = inspector(loaded, trace, &question(at..at + 1));
            mean.iter_mut().zip(own.input_flows()).for_each(|(sum, own)| *sum += own / 4.0);
        }
        // Parts that are skipped, and nodes that carry too little, differ a little.
        for (got, want) in of_answer.input_flows().iter().zip(&mean) {
            assert!((got - want).abs() < 5e-3, "{family}: {got} {want}");
        }
    });
}

#[test]
fn a_foil_answer_is_taken_away() {
    on_all(|family, loaded, trace| {
        let n_prompt = 9;
        let mut other = trace.token_ids()[..n_prompt].to_vec();
        other.extend([3, 8]);
        let foil = Arc::new(limpid_tests::trace(loaded, &other));
        let span = n_prompt..trace.n_tokens();
        let own = attributions(&inspector(loaded, trace, &question(span.clone())));
        let others = attributions(&inspector(loaded, &foil, &question(n_prompt..n_prompt + 2)));
        let against = inspector(loaded, trace, &question(span.clone()));
        let against = against.against(Arc::clone(&foil)).unwrap();
        let got = attributions(&against);
        assert_eq!(got.value, own.value - others.value, "{family}");
        for method in METHODS {
            let tokens = |of: &Attributions| of.tokens(method, &[]);
            let (got, own, others) = (tokens(&got), tokens(&own), tokens(&others));
            let shared: Vec<f32> =
                own.iter().zip(&others).take(n_prompt).map(|(own, other)| own - other).collect();
            assert!(relative_difference(&got[..n_prompt], &shared) < 1e-4, "{family} {method}");
            assert_eq!(got[n_prompt..], own[n_prompt..], "{family} {method}");
        }
        let heads = |of: &Attributions| of.true_pass.heads.concat();
        let difference: Vec<f32> =
            heads(&own).iter().zip(heads(&others)).map(|(own, other)| own - other).collect();
        assert_eq!(heads(&got), difference, "{family}");
        let target = against.target();
        let wire = target.foil_answer.unwrap();
        let ids: Vec<u32> = wire.tokens.iter().map(|token| token.id).collect();
        assert_eq!((ids, wire.logprob), (vec![3, 8], others.value as f32), "{family}");

        let refused = |question: Question, foil: &Arc<Trace>, says: &str| {
            let error = inspector(loaded, trace, &question).against(Arc::clone(foil)).err();
            let error = error.unwrap().to_string();
            assert!(error.contains(says), "{error}");
        };
        refused(Question::DEFAULT, &foil, "a foil answer needs an answer");
        refused(question(11..12), &foil, "the foil answer has no token");
        refused(question(10..12), &foil, "the foil answer stands behind another prompt");
        refused(question(span.clone()), trace, "are the same tokens");
    });
}

#[test]
fn answers_out_of_range_are_named() {
    let tiny = Tiny::open("llama");
    let loaded = Arc::new(tiny.load(&Compute::cpu()));
    let trace = Arc::new(trace(&loaded, &tiny.ids()));
    let refused = |question: Question, says: &str| {
        let (loaded, trace) = (Arc::clone(&loaded), Arc::clone(&trace));
        let error = watched(|watch| Inspector::new(loaded, trace, &question, [], watch)).err();
        let error = error.unwrap().to_string();
        assert!(error.contains(says), "{error}");
    };
    for (start, end) in [(0, 2), (5, 5), (6, 5), (3, 15), (14, 15)] {
        refused(question(start..end), &format!("answer {start}:{end} is out of range"));
    }
    let both = Question { target: Some(3), ..question(2..4) };
    refused(both, "an answer is explained without target position, token or foil");
    let kind = Question { objective: Some(ObjectiveKind::LogitDiff), ..question(2..4) };
    refused(kind, "objective logit_diff needs a foil");
}
