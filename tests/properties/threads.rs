//! The number of threads changes no bit of a forward pass, of logits, or of either backward pass.

use candle_core::Tensor;
use limpid_engine::{
    backward::Seed,
    device::Compute,
    model_pool::Loaded,
    norm::Gradients,
    pos_tensor::{PosTensor, to_host},
};
use limpid_tests::{
    SMOLLM2, load, real_model,
    tiny::{FAMILIES, Tiny},
    trace, watched,
};

fn add(bits: &mut Vec<u32>, values: &[f32]) {
    bits.extend(values.iter().map(|value| value.to_bits()));
}

/// Every number of a run, as bits.
fn everything(loaded: &Loaded, ids: &[u32]) -> Vec<u32> {
    let (model, trace) = (&loaded.model, trace(loaded, ids));
    let mut bits = Vec::new();
    let mut add_tensor = |tensor: &Tensor| add(&mut bits, &to_host(tensor).unwrap());
    for layer in 0..model.spec.n_layers {
        let of = trace.layer(layer, model).unwrap();
        let rows =
            [&of.resid_pre, &of.q, &of.k, &of.v, &of.z, &of.attn_raw, &of.resid_mid, &of.mlp_in];
        rows.into_iter().for_each(|rows: &PosTensor| add_tensor(&rows.tensor().unwrap()));
    }
    let last = trace.resid_after(model.spec.n_layers).tensor().unwrap();
    let logits = model.logits(&last.narrow(0, ids.len() - 2, 2).unwrap()).unwrap();
    add_tensor(&last);
    add_tensor(&logits);
    let mut g_logits = vec![0f32; model.spec.d_vocab];
    (g_logits[3], g_logits[5]) = (1.0, -0.5);
    for gradients in [Gradients::True, Gradients::Linear] {
        for position in [ids.len() / 2, ids.len() - 1] {
            let seeds = [Seed { position, g_logits: g_logits.clone() }];
            let got =
                watched(|watch| model.backward(&trace, &seeds, gradients, watch, None)).unwrap();
            add(&mut bits, &to_host(&got.embedding).unwrap());
            add(&mut bits, &got.knock_out);
            add(&mut bits, &got.heads.concat());
            add(&mut bits, &got.heads_at_target.concat());
            add(&mut bits, &got.neurons.concat());
            add(&mut bits, &got.neurons_at_target.concat());
            bits.extend([(got.biases.to_bits() >> 32) as u32, got.biases.to_bits() as u32]);
        }
    }
    bits
}

fn check(name: &str, loaded: &Loaded, ids: &[u32]) {
    let with = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| everything(loaded, ids))
    };
    let one = with(1);
    for n_threads in [2, 3] {
        assert!(with(n_threads) == one, "{name}: {n_threads} threads");
    }
}

#[test]
fn threads_change_no_bit_of_tiny_models() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        check(family, &tiny.load(&Compute::cpu()), &tiny.ids());
    }
}

#[test]
fn threads_change_no_bit_of_smollm2() {
    // More than one block of query rows.
    let ids: Vec<u32> = (0..41).map(|i| 500 + (i * 7919) % 40_000).collect();
    check(SMOLLM2, &load(real_model(SMOLLM2), &Compute::cpu()), &ids);
}
