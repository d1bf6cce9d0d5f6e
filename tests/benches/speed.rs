//! Times on SmolLM2, which `bash tests/run` has fetched: traced forward, logits, both backward passes, routes, an edit of the
//! last word; medians and ratios to the forward come out of one run. `cargo bench -p limpid-tests`. On the CPU, or where
//! `LIMPID_TEST_DEVICE` (cuda) and `LIMPID_TEST_DTYPE` (f32, bf16) say.
#![expect(clippy::unwrap_used, reason = "a benchmark: what cannot be run ends it")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use limpid_analysis::{route_build::grow, route_prune::Prune};
use limpid_engine::{
    backward::Seed, cancel::CancelToken, device::Compute, norm::Gradients, trace::CapturePlan,
};
use limpid_tests::{SMOLLM2, load, real_model, test_device, trace, watched};
use std::hint::black_box;

const SIZES: [usize; 4] = [64, 128, 256, 512];

fn speed(criterion: &mut Criterion) {
    let dtype = std::env::var("LIMPID_TEST_DTYPE").ok();
    let compute = test_device(dtype.as_deref()).unwrap_or_else(Compute::cpu);
    let loaded = load(real_model(SMOLLM2), &compute);
    // A GPU is handed its work long before it has done it.
    let done = || compute.device.synchronize().unwrap();
    let model = &loaded.model;
    let mut group = criterion.benchmark_group("smollm2");
    group.sample_size(10);
    for n_tokens in SIZES {
        let ids: Vec<u32> = (0..n_tokens as u32).map(|i| 1000 + (i * 7919) % 40_000).collect();
        let mut edited = ids.clone();
        edited[n_tokens - 1] = 17;
        let whole = trace(&loaded, &ids);
        let forward = |prefix, ids: &[u32]| {
            watched(|watch| model.forward(ids, prefix, CapturePlan::Whole, watch)).unwrap()
        };
        let top = || whole.resid_after(model.spec.n_layers).tensor().unwrap();
        let mut g_logits = vec![0f32; model.spec.d_vocab];
        (g_logits[5], g_logits[7]) = (1.0, -1.0);
        let seeds = [Seed { position: n_tokens - 1, g_logits }];
        let backward = |gradients| {
            watched(|watch| model.backward(&whole, &seeds, gradients, watch, None)).unwrap()
        };
        let routes = || {
            let growth = Prune::DEFAULT.growth();
            let graph = grow(model, &whole, n_tokens - 1, growth, &CancelToken::default()).unwrap();
            Prune::DEFAULT.apply(&graph)
        };
        let mut time = |what, run: &dyn Fn()| {
            group.bench_function(BenchmarkId::new(what, n_tokens), |b| {
                b.iter(|| {
                    run();
                    done();
                });
            });
        };
        time("forward", &|| drop(black_box(forward(None, &ids))));
        time("logits", &|| drop(black_box(model.logits(&top()).unwrap())));
        time("edit", &|| drop(black_box(forward(Some(&whole), &edited))));
        time("linear", &|| drop(black_box(backward(Gradients::Linear))));
        time("true", &|| drop(black_box(backward(Gradients::True))));
        time("routes", &|| drop(black_box(routes())));
    }
    group.finish();
}

criterion_group!(benches, speed);
criterion_main!(benches);
