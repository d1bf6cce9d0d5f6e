//! What measuring costs, on SmolLM2 over 128 tokens of real text: every single-token knock-out, all heads off one by one at the last
//! position and at all positions, each as a multiple of one forward pass with the last position's logits, timed before and behind it.
//! `cargo bench -p limpid-tests --bench effects` prints a table; `-- peers` the same as JSON for `tests/peers`. Not criterion: one
//! round of the longest is a hundred forward passes, and its own repetition.
#![expect(clippy::unwrap_used, reason = "a benchmark: what cannot be run ends it")]
#![expect(clippy::print_stdout, reason = "a benchmark: its table is its answer")]

use limpid_analysis::{
    effects::CleanRun,
    objective::{Objective, ObjectiveKind},
};
use limpid_engine::{
    changed_run::ChangedRun,
    device::Compute,
    hook_name::Hook,
    intervention::{Change, Intervention, Site},
    model_pool::Loaded,
    pos_tensor::to_host,
    tokenizer::Specials,
    trace::Trace,
};
use limpid_tests::{SMOLLM2, folder, load, real_model, test_device, trace, watched};
use std::{hint::black_box, time::Instant};

/// As in the binary.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_TOKENS: usize = 128;

struct Case {
    loaded: Loaded,
    ids: Vec<u32>,
    trace: Trace,
    clean: CleanRun,
}

impl Case {
    fn new() -> Self {
        let dtype = std::env::var("LIMPID_TEST_DTYPE").ok();
        let compute = test_device(dtype.as_deref()).unwrap_or_else(Compute::cpu);
        let loaded = load(real_model(SMOLLM2), &compute);
        let text = std::fs::read_to_string(folder().join("../LICENSE-APACHE")).unwrap();
        let tokens = loaded.tokenizer().unwrap().encode(&text, Specials::Plain).unwrap();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).take(N_TOKENS).collect();
        let trace = trace(&loaded, &ids);
        let (position, kind) = (N_TOKENS - 1, ObjectiveKind::LogOdds);
        let objective = Objective { position, target: 5, foil: None, kind };
        let logits = last_logits(&loaded, &trace);
        Self { clean: CleanRun::new(&[objective], &[logits]), loaded, ids, trace }
    }

    /// Seconds of one forward pass: the median of five.
    fn forward(&self) -> f64 {
        let mut rounds = [0f64; 5].map(|_| {
            let started = Instant::now();
            black_box(last_logits(&self.loaded, &trace(&self.loaded, &self.ids)));
            started.elapsed().as_secs_f64()
        });
        rounds.sort_by(f64::total_cmp);
        rounds[2]
    }

    /// Seconds that measuring every one of these takes.
    fn measure(&self, changes: &[Intervention]) -> f64 {
        let started = Instant::now();
        let plan = |change: &Intervention| {
            let change = std::slice::from_ref(change);
            ChangedRun::new(&self.loaded.model, &self.trace, change, &[N_TOKENS - 1]).unwrap()
        };
        let runs: Vec<ChangedRun> = changes.iter().map(plan).collect();
        watched(|watch| {
            let model = &self.loaded.model;
            self.clean.measure_runs(model, &self.trace, &runs, watch, &mut |_, outcome| {
                black_box(outcome.map(|_| ()))
            })
        })
        .unwrap();
        started.elapsed().as_secs_f64()
    }
}

fn last_logits(loaded: &Loaded, trace: &Trace) -> Vec<f32> {
    let top = trace.resid_after(loaded.model.spec.n_layers);
    let last = top.narrow(trace.n_tokens() - 1, 1).unwrap().tensor().unwrap();
    to_host(&loaded.model.logits(&last).unwrap()).unwrap()
}

fn heads(loaded: &Loaded, position: Option<usize>) -> Vec<Intervention> {
    let spec = &loaded.model.spec;
    let off = |(layer, head)| {
        let site = Site { layer, hook: Hook::Z, index: Some(head), position };
        Intervention::Edit { site, change: Change::Set(vec![0.0]) }
    };
    let all = (0..spec.n_layers).flat_map(|layer| (0..spec.n_heads).map(move |head| (layer, head)));
    all.map(off).collect()
}

fn main() {
    let case = Case::new();
    let knockouts: Vec<Intervention> =
        (0..N_TOKENS - 1).map(|at| Intervention::Knockout { tokens: at..at + 1 }).collect();
    let jobs = [
        ("knockouts", knockouts),
        ("heads_last", heads(&case.loaded, Some(N_TOKENS - 1))),
        ("heads_all", heads(&case.loaded, None)),
    ];
    let is_peer = std::env::args().any(|arg| arg == "peers");
    let mut rows = serde_json::Map::new();
    // The first passes warm up.
    case.forward();
    for (name, changes) in &jobs {
        let before = case.forward();
        let seconds = case.measure(changes);
        let forward = f64::midpoint(before, case.forward());
        let row = serde_json::json!({
            "runs": changes.len(),
            "seconds": seconds,
            "forward": forward,
            "forwards": seconds / forward,
        });
        if !is_peer {
            println!(
                "{name:12} {:>4} runs {seconds:>8.2} s  one forward {:>6.1} ms  = {:>6.2} forwards, {:.2} a run",
                changes.len(),
                forward * 1e3,
                seconds / forward,
                seconds / forward / changes.len() as f64
            );
        }
        rows.insert((*name).to_owned(), row);
    }
    if is_peer {
        println!("{}", serde_json::Value::Object(rows));
    }
}
