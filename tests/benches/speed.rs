//! Times on SmolLM2, which `bash tests/run` has fetched, over real text: traced forward, logits, both backward passes, step
//! one of an answer (routes, lens, flow rankings), an edit of the last word, cards; and the start of `limpid inspect` beside
//! candle's reading and dequantising the same file. `cargo bench -p limpid-tests` ends with a table of ratios; `-- peers`
//! prints one round as JSON for `tests/peers`. On the CPU, or where `LIMPID_TEST_DEVICE` (cuda) and `LIMPID_TEST_DTYPE`
//! (f32, bf16) say.
#![expect(clippy::unwrap_used, reason = "a benchmark: what cannot be run ends it")]
#![expect(clippy::print_stdout, reason = "a benchmark: its table is its answer")]

use candle_core::{Device, quantized::gguf_file};
use criterion::{BenchmarkId, Criterion};
use limpid_analysis::{
    attribution::Method,
    views::inspection::{Inspector, Question},
};
use limpid_engine::{
    backward::Seed,
    device::Compute,
    model_pool::Loaded,
    norm::Gradients,
    tokenizer::Specials,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{SMOLLM2, folder, load, real_model, test_device, trace, watched};
use serde_json::{Value, from_value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    hint::black_box,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

/// As in the binary.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [usize; 5] = [64, 128, 256, 512, 1024];
/// Lengths at which other programs are timed too.
const PEER_SIZES: [usize; 4] = [64, 128, 256, 512];

/// The first tokens of a long English text.
fn prompt(loaded: &Loaded, n_tokens: usize) -> Vec<u32> {
    let text = std::fs::read_to_string(folder().join("../LICENSE-APACHE")).unwrap();
    let tokens = loaded.tokenizer().unwrap().encode(&text, Specials::Plain).unwrap();
    tokens.iter().map(|token| token.id).take(n_tokens).collect()
}

/// What is timed at one length.
struct Case {
    loaded: Arc<Loaded>,
    ids: Vec<u32>,
    edited: Vec<u32>,
    whole: Arc<Trace>,
    seeds: [Seed; 1],
    question: Question,
    inspector: Inspector,
}

impl Case {
    fn new(loaded: &Arc<Loaded>, n_tokens: usize) -> Self {
        let ids = prompt(loaded, n_tokens);
        let mut edited = ids.clone();
        edited[n_tokens - 1] = 17;
        let whole = Arc::new(trace(loaded, &ids));
        let mut g_logits = vec![0f32; loaded.model.spec.d_vocab];
        (g_logits[5], g_logits[7]) = (1.0, -1.0);
        let question = Question::DEFAULT;
        let seeds = [Seed { position: n_tokens - 1, g_logits }];
        let loaded = Arc::clone(loaded);
        let inspector = watched(|watch| {
            Inspector::new(Arc::clone(&loaded), Arc::clone(&whole), &question, [], watch).unwrap()
        });
        Self { loaded, ids, edited, whole, seeds, question, inspector }
    }

    /// Runs a stage to its end: a GPU is handed its work long before it has done it.
    fn finish(&self, run: fn(&Self)) {
        run(self);
        self.loaded.model.compute.device.synchronize().unwrap();
    }

    fn forward(&self, prefix: Option<&Trace>, ids: &[u32]) -> Trace {
        let model = &self.loaded.model;
        watched(|watch| model.forward(ids, prefix, CapturePlan::Whole, watch)).unwrap()
    }

    fn logits(&self, trace: &Trace) {
        let model = &self.loaded.model;
        let top = trace.resid_after(model.spec.n_layers).tensor().unwrap();
        black_box(model.logits(&top).unwrap());
    }

    fn backward(&self, gradients: Gradients) {
        let model = &self.loaded.model;
        black_box(watched(|watch| {
            model.backward(&self.whole, &self.seeds, gradients, watch, None).unwrap()
        }));
    }

    /// Routes, lens of the target position, flow rankings.
    fn step_one(&self) {
        watched(|watch| {
            let (loaded, trace) = (Arc::clone(&self.loaded), Arc::clone(&self.whole));
            let inspector = Inspector::new(loaded, trace, &self.question, [], watch).unwrap();
            black_box(inspector.lens(&[self.ids.len() - 1], watch).unwrap());
            black_box(inspector.routes());
        });
    }

    /// Attributions of another target, whose routes are known.
    fn step_two(&self) {
        watched(|watch| {
            let (loaded, trace) = (Arc::clone(&self.loaded), Arc::clone(&self.whole));
            let known = [Arc::clone(self.inspector.findings())];
            let question = Question { target: Some(100), ..self.question.clone() };
            let inspector = Inspector::new(loaded, trace, &question, known, watch).unwrap();
            let attributions = inspector.attributions(watch).unwrap();
            black_box(inspector.attribution(attributions, &[Method::Atp]));
        });
    }
}

/// A card's question; the analysis is not looked up here.
fn about(mut params: Value) -> Value {
    params["subject"] = json!({"analysis": "a"});
    params
}

fn node_card(case: &Case) {
    let at = case.ids.len() - 1;
    let params = about(json!({"node": {"kind": "resid_mid", "layer": 20, "position": at}}));
    black_box(case.inspector.node_card(&from_value(params).unwrap()).unwrap());
}

fn edge_card(case: &Case) {
    let at = case.ids.len() - 1;
    let params = about(json!({
        "from": {"kind": "resid_post", "layer": 19, "position": at - 1},
        "to": {"kind": "resid_mid", "layer": 20, "position": at},
    }));
    black_box(case.inspector.edge_card(&from_value(params).unwrap()).unwrap());
}

fn head_card(case: &Case) {
    let params = about(json!({"layer": 20, "head": 2, "maps": false}));
    black_box(case.inspector.head_card(&from_value(params).unwrap()).unwrap());
}

fn neuron_card(case: &Case) {
    let params = about(json!({"layer": 20, "neuron": 873}));
    black_box(case.inspector.neuron_card(&from_value(params).unwrap()).unwrap());
}

/// What is timed, by name.
const STAGES: [(&str, fn(&Case)); 11] = [
    ("forward", |case| drop(black_box(case.forward(None, &case.ids)))),
    ("forward+logits", |case| case.logits(&case.forward(None, &case.ids))),
    ("step_one", Case::step_one),
    ("linear", |case| case.backward(Gradients::Linear)),
    ("true", |case| case.backward(Gradients::True)),
    ("edit", |case| drop(black_box(case.forward(Some(&case.whole), &case.edited)))),
    ("new_target", Case::step_two),
    ("node", node_card),
    ("edge", edge_card),
    ("head", head_card),
    ("neuron", neuron_card),
];

fn loaded() -> Arc<Loaded> {
    let dtype = std::env::var("LIMPID_TEST_DTYPE").ok();
    let compute = test_device(dtype.as_deref()).unwrap_or_else(Compute::cpu);
    Arc::new(load(real_model(SMOLLM2), &compute))
}

fn speed(criterion: &mut Criterion) {
    let loaded = loaded();
    let mut group = criterion.benchmark_group("smollm2");
    group.sample_size(10);
    for n_tokens in SIZES {
        let case = Case::new(&loaded, n_tokens);
        for (name, run) in STAGES {
            group.bench_function(BenchmarkId::new(name, n_tokens), |b| b.iter(|| case.finish(run)));
        }
    }
    group.bench_function(DEQUANTISE, |b| b.iter(dequantise));
    group.bench_function(START, |b| b.iter(start));
    group.finish();
}

const DEQUANTISE: &str = "candle_dequantise";
const START: &str = "limpid_inspect";

/// candle's own reader: every tensor of the file as f32.
fn dequantise() {
    let mut file = File::open(real_model(SMOLLM2).path()).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let names: BTreeSet<&String> = content.tensor_infos.keys().collect();
    for name in names {
        let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap();
        black_box(tensor.dequantize(&Device::Cpu).unwrap());
    }
}

/// The whole program, from nothing to its answer for five tokens.
fn start() {
    let binary = std::env::current_exe().unwrap().parent().unwrap().join("../limpid");
    let model = real_model(SMOLLM2);
    let mut command = Command::new(binary);
    command.args(["inspect", "--text", "The capital of France is", "--model"]).arg(model.path());
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}

/// Medians that criterion has just written, milliseconds; length 0 where there is none.
fn medians() -> BTreeMap<(&'static str, usize), f64> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| folder().join("../target"), PathBuf::from);
    let place = |name: &str, n_tokens: usize| match n_tokens {
        0 => target.join(format!("criterion/smollm2/{name}/new/estimates.json")),
        _ => target.join(format!("criterion/smollm2/{name}/{n_tokens}/new/estimates.json")),
    };
    let by_length = SIZES.into_iter().flat_map(|n| STAGES.map(|(name, _)| (name, n)));
    let mut medians = BTreeMap::new();
    for (name, n_tokens) in by_length.chain([(DEQUANTISE, 0), (START, 0)]) {
        let Ok(text) = std::fs::read(place(name, n_tokens)) else { continue };
        let estimates: Value = serde_json::from_slice(&text).unwrap();
        let median = estimates["median"]["point_estimate"].as_f64().unwrap() / 1e6;
        medians.insert((name, n_tokens), median);
    }
    medians
}

fn print_table() {
    let medians = medians();
    let of = |name, n_tokens| medians.get(&(name, n_tokens)).copied().unwrap_or(f64::NAN);
    println!("\nmedians in ms, and as a share of forward+logits of the same length");
    print!("{:16}", "");
    SIZES.iter().for_each(|n_tokens| print!("{n_tokens:>18}"));
    println!();
    for (name, _) in STAGES {
        print!("{name:16}");
        for n_tokens in SIZES {
            let ms = of(name, n_tokens);
            print!("{ms:>10.1} {:6.2}x", ms / of("forward+logits", n_tokens));
        }
        println!();
    }
    let (start, dequantise) = (of(START, 0), of(DEQUANTISE, 0));
    println!("{START} {start:.0} ms, {:.2}x {DEQUANTISE} {dequantise:.0} ms", start / dequantise);
}

/// One round for a comparison with other programs: milliseconds by length, the median of three after two that warm up.
fn peers() {
    let loaded = loaded();
    let mut times = BTreeMap::new();
    for n_tokens in PEER_SIZES {
        let case = Case::new(&loaded, n_tokens);
        let mut rounds = [0f64; 5].map(|_| {
            let started = Instant::now();
            case.logits(&case.forward(None, &case.ids));
            started.elapsed().as_secs_f64() * 1e3
        });
        // The first two warm up.
        rounds[2..].sort_by(f64::total_cmp);
        times.insert(n_tokens.to_string(), rounds[3]);
    }
    println!("{}", serde_json::to_string(&times).unwrap());
}

fn main() {
    if std::env::args().any(|arg| arg == "peers") {
        return peers();
    }
    let mut criterion = Criterion::default().configure_from_args();
    speed(&mut criterion);
    criterion.final_summary();
    print_table();
}
