//! A cancelled job leaves no trace: it stops within a layer, and the next answer has the bits it would have had without it.

use limpid_analysis::{route_build::grow, route_prune::Prune};
use limpid_engine::{
    backward::Seed,
    cancel::CancelToken,
    device::Compute,
    error::EngineError,
    forward::Watch,
    model_pool::Loaded,
    norm::Gradients,
    pos_tensor::to_host,
    trace::{CapturePlan, Trace},
};
use limpid_tests::tiny::{FAMILIES, Tiny};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `job`, cancelled when its progress reaches `layer`; gives how many layers it reported.
fn cancelled_at<T>(layer: usize, job: impl FnOnce(Watch<'_>) -> Result<T, EngineError>) -> usize {
    let (cancel, reported) = (CancelToken::default(), AtomicUsize::new(0));
    let progress = |done: usize, _: usize| {
        reported.fetch_add(1, Ordering::Relaxed);
        if done == layer {
            cancel.cancel();
        }
    };
    let result = job(Watch { cancel: &cancel, progress: &progress });
    match result {
        Err(EngineError::Cancelled) => reported.load(Ordering::Relaxed),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it went on after layer {layer}"),
    }
}

fn answered<T>(job: impl FnOnce(Watch<'_>) -> Result<T, EngineError>) -> T {
    job(Watch { cancel: &CancelToken::default(), progress: &|_, _| {} }).unwrap()
}

fn seeds(loaded: &Loaded, position: usize) -> [Seed; 1] {
    let mut g_logits = vec![0f32; loaded.model.spec.d_vocab];
    (g_logits[2], g_logits[7]) = (1.0, -1.0);
    [Seed { position, g_logits }]
}

/// Every answer about a prompt, as bits.
fn answers(loaded: &Loaded, ids: &[u32], prefix: Option<&Trace>, plan: CapturePlan) -> Vec<u32> {
    let model = &loaded.model;
    let trace = answered(|watch| model.forward(ids, prefix, plan, watch));
    let mut values = to_host(&trace.resid_after(model.spec.n_layers).tensor().unwrap()).unwrap();
    for gradients in [Gradients::True, Gradients::Linear] {
        let seeds = seeds(loaded, ids.len() - 1);
        let got = answered(|watch| model.backward(&trace, &seeds, gradients, watch, None));
        values.extend(to_host(&got.embedding).unwrap());
        values.extend(got.knock_out);
    }
    let growth = Prune::DEFAULT.growth();
    let graph = grow(model, &trace, ids.len() - 1, growth, &CancelToken::default()).unwrap();
    values.extend(graph.embed_flows);
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_cancelled_job_stops_within_a_layer_and_leaves_the_next_answer_unchanged() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let ids = tiny.ids();
        for plan in [CapturePlan::Whole, CapturePlan::Lean] {
            let (untouched, loaded) = (tiny.load(&Compute::cpu()), tiny.load(&Compute::cpu()));
            let (model, last) = (&loaded.model, ids.len() - 1);
            let prefix = answered(|watch| model.forward(&ids[..6], None, plan, watch));
            for layer in 0..model.spec.n_layers - 1 {
                let forward = |prefix| {
                    cancelled_at(layer, |watch| model.forward(&ids, prefix, plan, watch).map(drop))
                };
                assert_eq!(forward(None), layer + 1, "{family}");
                assert_eq!(forward(Some(&prefix)), layer + 1, "{family}");
                let trace = answered(|watch| model.forward(&ids, None, plan, watch));
                let seeds = seeds(&loaded, last);
                for gradients in [Gradients::True, Gradients::Linear] {
                    let layers = cancelled_at(layer, |watch| {
                        model.backward(&trace, &seeds, gradients, watch, None)
                    });
                    assert_eq!(layers, layer + 1, "{family}");
                }
                let cancel = CancelToken::default();
                cancel.cancel();
                let grown = grow(model, &trace, last, Prune::DEFAULT.growth(), &cancel);
                assert!(matches!(grown, Err(EngineError::Cancelled)), "{family}");

                let wants = answers(&untouched, &ids, None, plan);
                assert!(answers(&loaded, &ids, None, plan) == wants, "{family} {plan:?}");
                assert!(answers(&loaded, &ids, Some(&prefix), plan) == wants, "{family} {plan:?}");
            }
        }
    }
}
