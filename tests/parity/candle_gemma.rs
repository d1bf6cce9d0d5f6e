//! The same logits as candle-transformers' own Gemma 3 on the same weights. candle-transformers 0.11.1 computes another
//! model, or none, in four cases. The first three are asserted here as they are; the tests go around them:
//! - a full layer with more than one key head fails on prompts of more than one token (its cache is handed values that are
//!   not contiguous);
//! - its mask lets a query of a sliding layer see one key too many: `query - key <= window` in place of `<`, so it shows
//!   itself in prompts longer than the window;
//! - scores are scaled by the root of `head_dim`, whatever `query_pre_attn_scalar` says (the two are equal in every
//!   released model but the 27B);
//! - its config has no place for the linear rotary factor of the full layers (8 in the 4B and larger).

use crate::{
    candle_models::{dequantised, hugging_face_name, input, last_logits},
    real_models::ids,
    tolerances,
};
use candle_core::{DType, Device};
use candle_nn::{Activation, VarBuilder};
use candle_transformers::models::gemma3::{Config, Model};
use limpid_engine::{device::Compute, pos_tensor::to_host};
use limpid_tests::{GEMMA3, golden, golden_json, load, max_difference, real_model, tiny::Tiny};
use serde_json::Value;

/// The tiny model's window.
const WINDOW: usize = 5;

/// The tiny model as candle can express it: no rotary factor, scores scaled by the root of `head_dim`.
struct Twin {
    ours: Tiny,
    theirs: Config,
}

impl Twin {
    fn new(sliding_window: usize) -> Self {
        let ours = Tiny::with_config("gemma3_text", "config.v4.json")
            .set("rope_scaling", Value::Null)
            .set("query_pre_attn_scalar", 8);
        let theirs = Config {
            attention_bias: false,
            head_dim: 8,
            hidden_activation: Activation::GeluPytorchTanh,
            hidden_size: 32,
            intermediate_size: 64,
            num_attention_heads: 4,
            num_hidden_layers: 3,
            num_key_value_heads: 2,
            rms_norm_eps: 1e-6,
            rope_theta: 1e6,
            rope_local_base_freq: 1e4,
            vocab_size: 96,
            final_logit_softcapping: None,
            attn_logit_softcapping: None,
            query_pre_attn_scalar: 8,
            sliding_window,
            sliding_window_pattern: 3,
            max_position_embeddings: 64,
        };
        Self { ours, theirs }
    }

    /// Only the first of the two key heads, so that candle takes full layers.
    fn with_one_key_head(mut self) -> Self {
        self.theirs.num_key_value_heads = 1;
        self.ours = self.ours.set("num_key_value_heads", 1);
        for layer in 0..3 {
            for module in ["k_proj", "v_proj"] {
                let name = format!("model.layers.{layer}.self_attn.{module}.weight");
                let mut values = self.ours.values(&name);
                values.truncate(8 * 32);
                self.ours = self.ours.add(&name, &[8, 32], values);
            }
        }
        self
    }

    /// No full layer, so that candle takes two key heads.
    fn all_sliding(mut self) -> Self {
        self.theirs.sliding_window_pattern = 4;
        self.ours = self.ours.set("layer_types", vec!["sliding_attention"; 3]);
        self
    }

    fn model(&self) -> Model {
        let path = golden("tiny/gemma3_text/model.safetensors");
        let mut weights = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
        if self.theirs.num_key_value_heads == 1 {
            for (_, weight) in weights.iter_mut().filter(|(name, _)| {
                name.ends_with("k_proj.weight") || name.ends_with("v_proj.weight")
            }) {
                *weight = weight.narrow(0, 0, 8).unwrap();
            }
        }
        let builder = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        Model::new(false, &self.theirs, builder).unwrap()
    }

    /// Largest difference of the last position's logits for each length of the golden prompt, from 1.
    fn differences(&self) -> Vec<f32> {
        let mut model = self.model();
        let (loaded, ids) = (self.ours.load(&Compute::cpu()), self.ours.ids());
        let difference = |n: usize| {
            max_difference(&last_logits(&loaded, &ids[..n]), &logits(&mut model, &ids[..n]))
        };
        (1..=ids.len()).map(difference).collect()
    }
}

fn logits(model: &mut Model, ids: &[u32]) -> Vec<f32> {
    model.clear_kv_cache();
    to_host(&model.forward(&input(ids), 0).unwrap()).unwrap()
}

fn equal(differences: &[f32]) -> bool {
    differences.iter().all(|difference| *difference <= tolerances::TINY_LOGITS)
}

#[test]
fn tiny_gemma3_has_candles_logits_where_candle_computes_that_model() {
    // One less than the window, because candle sees one key more.
    for twin in [Twin::new(WINDOW - 1).with_one_key_head(), Twin::new(WINDOW - 1).all_sliding()] {
        let all = twin.differences();
        assert!(equal(&all), "{all:?}");
    }
}

#[test]
fn candle_refuses_full_layers_with_two_key_heads() {
    let twin = Twin::new(WINDOW - 1);
    let (mut model, ids) = (twin.model(), twin.ours.ids());
    assert!(model.forward(&input(&ids[..1]), 0).is_ok());
    model.clear_kv_cache();
    let error = model.forward(&input(&ids), 0).unwrap_err().to_string();
    assert!(error.contains("slice-set only supports contiguous tensors"), "{error}");
}

#[test]
fn candle_sees_one_key_too_many_in_prompts_longer_than_the_window() {
    let mut twin = Twin::new(WINDOW).with_one_key_head();
    let all = twin.differences();
    let (within, beyond) = all.split_at(WINDOW);
    assert!(equal(within), "{within:?}");
    assert!(beyond.iter().all(|difference| *difference > 0.01), "{beyond:?}");
    // Which is our model with a window that is wider by one.
    twin.ours = twin.ours.set("sliding_window", WINDOW + 1);
    let wider = twin.differences();
    assert!(equal(&wider), "{wider:?}");
}

#[test]
fn candle_ignores_the_scale_of_scores_that_the_config_names() {
    let mut twin = Twin::new(WINDOW - 1).with_one_key_head();
    twin.theirs.query_pre_attn_scalar = 12;
    let ignored = twin.differences();
    assert!(equal(&ignored), "{ignored:?}");
    twin.ours = twin.ours.set("query_pre_attn_scalar", 12);
    let named = twin.differences();
    assert!(named[1..].iter().all(|difference| *difference > 0.01), "{named:?}");
}

/// The window is 512, the scale is that of the head's width and there is no rotary factor, so candle computes this model
/// in short prompts.
#[test]
fn gemma3_has_the_logits_of_candles_gemma3() {
    let config = Config {
        head_dim: 256,
        hidden_size: 640,
        intermediate_size: 2048,
        num_attention_heads: 4,
        num_hidden_layers: 18,
        num_key_value_heads: 1,
        vocab_size: 262_144,
        sliding_window_pattern: 6,
        query_pre_attn_scalar: 256,
        ..Twin::new(512).theirs
    };
    let parts = [
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("attn_output", "self_attn.o_proj"),
        ("post_attention_norm", "post_attention_layernorm"),
        ("ffn_norm", "pre_feedforward_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ];
    let weights = dequantised(
        GEMMA3,
        |name| hugging_face_name(name, &parts),
        // GGUF holds `1 + w`; candle adds the one itself.
        |name, tensor| if name.ends_with("norm.weight") { (tensor - 1.0).unwrap() } else { tensor },
    );
    let mut model = Model::new(false, &config, weights).unwrap();
    let prompts = [1, 2, 3].map(|prompt| ids(&golden_json(&format!("gemma3/p{prompt}.json"))));
    let wants = prompts.each_ref().map(|ids| logits(&mut model, ids));
    drop(model);
    let loaded = load(real_model(GEMMA3), &Compute::cpu());
    for (ids, want) in prompts.iter().zip(wants) {
        let worst = max_difference(&last_logits(&loaded, ids), &want);
        assert!(worst <= tolerances::LOGITS, "{} tokens: {worst:e}", ids.len());
    }
}
