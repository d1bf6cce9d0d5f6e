//! What is not finite is an error that names the hook and its layer: never a zero, never a panic, never a number.

use candle_core::DType;
use limpid_analysis::vocabulary::{lens_cells, predicted_tokens};
use limpid_engine::{
    backward::Seed,
    cancel::CancelToken,
    device::Compute,
    error::EngineError,
    model_pool::Loaded,
    norm::Gradients,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{tiny::Tiny, trace, watched};

fn forward(loaded: &Loaded, ids: &[u32]) -> Result<Trace, EngineError> {
    watched(|watch| loaded.model.forward(ids, None, CapturePlan::Whole, watch))
}

fn hook<T>(result: Result<T, EngineError>) -> String {
    match result {
        Err(EngineError::NotFinite { hook }) => hook,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("no error"),
    }
}

fn ways() -> [Compute; 3] {
    [Compute::cpu(), Compute::cpu_plain(DType::F32), Compute::cpu_plain(DType::F64)]
}

#[test]
fn a_broken_weight_is_named_by_the_layer_it_breaks() {
    let layers = "model.layers";
    for (tensor, hook_of_it) in [
        (format!("{layers}.0.input_layernorm.weight"), "blocks.0.hook_resid_post"),
        (format!("{layers}.0.self_attn.v_proj.weight"), "blocks.0.hook_resid_post"),
        (format!("{layers}.1.self_attn.q_proj.weight"), "blocks.1.hook_resid_post"),
        (format!("{layers}.1.self_attn.k_proj.weight"), "blocks.1.hook_resid_post"),
        (format!("{layers}.1.self_attn.o_proj.weight"), "blocks.1.hook_resid_post"),
        (format!("{layers}.2.mlp.gate_proj.weight"), "blocks.2.hook_resid_post"),
        (format!("{layers}.2.mlp.up_proj.weight"), "blocks.2.hook_resid_post"),
        (format!("{layers}.1.mlp.down_proj.weight"), "blocks.1.hook_resid_post"),
    ] {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let tiny = Tiny::open("llama").change(&tensor, |values| values[7] = value);
            for compute in ways() {
                let got = hook(forward(&tiny.load(&compute), &tiny.ids()));
                assert_eq!(got, hook_of_it, "{tensor} {value} {:?}", compute.way);
            }
        }
    }
}

#[test]
fn a_broken_embedding_is_named_and_only_where_it_is_used() {
    for family in ["llama", "gemma3_text"] {
        let tiny = Tiny::open(family);
        let (ids, d) = (tiny.ids(), tiny.load(&Compute::cpu()).model.spec.d_model);
        let last = ids[ids.len() - 1] as usize;
        let unused = (0..96).find(|id| !ids.contains(id)).unwrap() as usize;
        for value in [f32::NAN, f32::INFINITY] {
            for compute in ways() {
                let with = |id: usize| {
                    let name = "model.embed_tokens.weight";
                    tiny.clone().change(name, |values| values[id * d + 3] = value).load(&compute)
                };
                assert_eq!(hook(forward(&with(last), &ids)), "hook_embed", "{family} {value}");
                assert!(forward(&with(unused), &ids).is_ok(), "{family} {value}");
            }
        }
    }
}

#[test]
fn a_residual_too_large_for_f32_squares_is_no_row_of_zeros() {
    for family in ["llama", "gpt2", "gemma3_text"] {
        let tiny = Tiny::open(family);
        let name =
            if family == "gpt2" { "transformer.wte.weight" } else { "model.embed_tokens.weight" };
        let (ids, d) = (tiny.ids(), tiny.load(&Compute::cpu()).model.spec.d_model);
        let tiny = tiny.change(name, |values| values[ids[2] as usize * d + 3] = 1e25);
        for compute in [Compute::cpu(), Compute::cpu_plain(DType::F32)] {
            let got = hook(forward(&tiny.load(&compute), &ids));
            assert_eq!(got, "blocks.0.hook_resid_post", "{family} {:?}", compute.way);
        }
    }
}

#[test]
fn a_broken_unembedding_is_named_by_everything_that_reads_logits() {
    let tiny = Tiny::open("llama").change("lm_head.weight", |values| values[40] = f32::NAN);
    for compute in ways() {
        let loaded = tiny.load(&compute);
        let (model, trace) = (&loaded.model, forward(&loaded, &tiny.ids()).unwrap());
        let cancel = CancelToken::default();
        assert_eq!(hook(predicted_tokens(model, &trace, &[], &cancel)), "logits");
        let resid = trace.resid_after(1).tensor().unwrap();
        assert_eq!(hook(lens_cells(model, &resid, 5, &cancel)), "logits");
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_named() {
    let tiny = Tiny::open("llama");
    for compute in ways() {
        let loaded = tiny.load(&compute);
        let trace = trace(&loaded, &tiny.ids());
        for value in [f32::NAN, f32::INFINITY, f32::MAX] {
            for gradients in [Gradients::True, Gradients::Linear] {
                let mut g_logits = vec![0f32; loaded.model.spec.d_vocab];
                g_logits[..20].fill(value);
                let seeds = [Seed { position: 9, g_logits }];
                let result =
                    watched(|watch| loaded.model.backward(&trace, &seeds, gradients, watch, None));
                // f64 holds twenty times the largest f32.
                if value == f32::MAX && compute.dtype == DType::F64 {
                    continue;
                }
                let got = hook(result);
                assert!(got.starts_with("the gradient at blocks."), "{got}");
            }
        }
    }
}

#[test]
fn a_scale_of_scores_that_is_not_above_zero_in_f32_is_refused() {
    for (scalar, problem) in [
        (-12.0, "must be above zero, not -12"),
        (0.0, "must be above zero, not 0"),
        (1e-90, "would multiply attention scores by 1e45, which is not an f32"),
        (1e90, "would multiply attention scores by 1e-45, which is not an f32"),
    ] {
        let tiny = Tiny::open("gemma3_text").set("query_pre_attn_scalar", scalar);
        let error = tiny.try_load(&Compute::cpu()).unwrap_err().to_string();
        assert!(error.contains("config.json: query_pre_attn_scalar: "), "{error}");
        assert!(error.contains(problem), "{error}");
    }
}
