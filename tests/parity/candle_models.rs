//! The same logits as candle-transformers' own Llama on the same weights: tiny ones, and SmolLM2's GGUF file as candle's
//! own reader dequantises it. Gemma 3 is in `candle_gemma`.

use crate::{real_models::ids, tolerances};
use candle_core::{DType, Device, Tensor, quantized::gguf_file::Content};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{
    Cache, Config, Llama, Llama3RopeConfig, Llama3RopeType, LlamaEosToks,
};
use limpid_engine::{
    device::Compute, model_pool::Loaded, model_store::Weights, pos_tensor::to_host,
};
use limpid_tests::{
    SMOLLM2, golden, golden_json, load, max_difference, real_model, tiny::Tiny, trace,
};
use std::{collections::HashMap, fs::File};

/// Our logits at the last position.
pub(crate) fn last_logits(loaded: &Loaded, ids: &[u32]) -> Vec<f32> {
    let trace = trace(loaded, ids);
    let last = trace.resid_after(loaded.model.spec.n_layers).narrow(ids.len() - 1, 1).unwrap();
    to_host(&loaded.model.logits(&last.tensor().unwrap()).unwrap()).unwrap()
}

pub(crate) fn input(ids: &[u32]) -> Tensor {
    Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap()
}

/// A GGUF file's tensors in f32, read by candle, under the names that `rename` gives them. Those it gives none are left out.
pub(crate) fn dequantised(
    file: &str,
    rename: impl Fn(&str) -> Option<String>,
    change: impl Fn(&str, Tensor) -> Tensor,
) -> VarBuilder<'static> {
    let Weights::Gguf(path) = real_model(file) else { panic!("a GGUF file") };
    let mut file = File::open(path).unwrap();
    let content = Content::read(&mut file).unwrap();
    let mut tensors = HashMap::new();
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort();
    for name in names {
        if let Some(renamed) = rename(name) {
            let stored = content.tensor(&mut file, name, &Device::Cpu).unwrap();
            tensors.insert(renamed, change(name, stored.dequantize(&Device::Cpu).unwrap()));
        }
    }
    VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
}

/// The Hugging Face name of a GGUF tensor, given what both call the parts of a layer.
pub(crate) fn hugging_face_name(name: &str, parts: &[(&str, &str)]) -> Option<String> {
    match name {
        "token_embd.weight" => return Some("model.embed_tokens.weight".to_owned()),
        "output_norm.weight" => return Some("model.norm.weight".to_owned()),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("blk.")?.strip_suffix(".weight")?.split_once('.')?;
    let (_, theirs) = parts.iter().find(|(ours, _)| *ours == part)?;
    Some(format!("model.layers.{layer}.{theirs}.weight"))
}

/// A head's rows back in the order of the checkpoint: GGUF keeps the two rows that one angle turns side by side.
fn unpaired(rows: &Tensor, n_heads: usize) -> Tensor {
    let (n, k) = rows.dims2().unwrap();
    let pairs = rows.reshape((n_heads, n / n_heads / 2, 2, k)).unwrap();
    pairs.transpose(1, 2).unwrap().contiguous().unwrap().reshape((n, k)).unwrap()
}

fn llama_logits(builder: VarBuilder<'_>, config: &Config, prompts: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let model = Llama::load(builder, config).unwrap();
    let mut cache = Cache::new(false, DType::F32, config, &Device::Cpu).unwrap();
    let mut logits = |ids: &Vec<u32>| to_host(&model.forward(&input(ids), 0, &mut cache).unwrap());
    prompts.iter().map(|ids| logits(ids).unwrap()).collect()
}

fn tiny_config(rope_theta: f32, rope_scaling: Option<Llama3RopeConfig>) -> Config {
    Config {
        hidden_size: 32,
        intermediate_size: 64,
        vocab_size: 96,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        use_flash_attn: false,
        rms_norm_eps: 1e-5,
        rope_theta,
        bos_token_id: None,
        eos_token_id: Some(LlamaEosToks::Single(2)),
        rope_scaling,
        max_position_embeddings: 64,
        tie_word_embeddings: false,
    }
}

fn check_tiny(tiny: &Tiny, config: &Config) {
    let path = golden("tiny/llama/model.safetensors");
    let weights = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    let builder = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
    let ids = tiny.ids();
    let prompts: Vec<Vec<u32>> = (1..=ids.len()).map(|n| ids[..n].to_vec()).collect();
    let loaded = tiny.load(&Compute::cpu());
    for (ids, want) in prompts.iter().zip(llama_logits(builder, config, &prompts)) {
        let worst = max_difference(&last_logits(&loaded, ids), &want);
        assert!(worst <= tolerances::TINY_LOGITS, "{} tokens: {worst:e}", ids.len());
    }
}

#[test]
fn tiny_llama_has_candles_logits() {
    check_tiny(&Tiny::open("llama"), &tiny_config(1e4, None));
}

/// With a base of 100 the four wavelengths are 6, 20, 63 and 199: kept, interpolated twice, divided.
#[test]
fn tiny_llama_with_llama3_scaling_has_candles_logits() {
    let scaling = Llama3RopeConfig {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 64,
        rope_type: Llama3RopeType::Llama3,
    };
    let tiny = Tiny::with_config("llama", "config.v4.json").set("rope_theta", 100.0).set(
        "rope_scaling",
        serde_json::json!({
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        }),
    );
    check_tiny(&tiny, &tiny_config(100.0, Some(scaling)));
}

#[test]
fn smollm2_has_the_logits_of_candles_llama() {
    let config = Config {
        hidden_size: 576,
        intermediate_size: 1536,
        vocab_size: 49_152,
        num_hidden_layers: 30,
        num_attention_heads: 9,
        num_key_value_heads: 3,
        rope_theta: 1e5,
        max_position_embeddings: 64,
        tie_word_embeddings: true,
        ..tiny_config(0.0, None)
    };
    let parts = [
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];
    let weights = dequantised(
        SMOLLM2,
        |name| hugging_face_name(name, &parts),
        |name, tensor| match name {
            _ if name.contains("attn_q.") => unpaired(&tensor, 9),
            _ if name.contains("attn_k.") => unpaired(&tensor, 3),
            _ => tensor,
        },
    );
    let prompts: Vec<Vec<u32>> = [1, 3, 6]
        .map(|prompt| ids(&golden_json(&format!("smollm2/p{prompt}.json"))))
        .into_iter()
        .flat_map(|ids| [ids[..ids.len() / 2].to_vec(), ids])
        .collect();
    let wants = llama_logits(weights, &config, &prompts);
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    for (ids, want) in prompts.iter().zip(wants) {
        let worst = max_difference(&last_logits(&loaded, ids), &want);
        assert!(worst <= tolerances::LOGITS, "{} tokens: {worst:e}", ids.len());
    }
}
