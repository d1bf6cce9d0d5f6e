//! The same logits as candle-transformers' own models on the same weights.

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::llama::{Cache, Config, Llama, LlamaEosToks};
use limpid_engine::{device::Compute, model_store::Weights, pos_tensor::to_host};
use limpid_tests::{Tensors, golden, load, max_difference, trace};

#[test]
fn llama_has_candles_logits() {
    let folder = golden("tiny/llama");
    let loaded = load(Weights::Folder(folder.clone()), &Compute::cpu());
    let ids = Tensors::open(&folder.join("golden.safetensors")).input_ids();
    let spec = &loaded.model.spec;
    let config = Config {
        hidden_size: spec.d_model,
        intermediate_size: spec.d_mlp,
        vocab_size: spec.d_vocab,
        num_hidden_layers: spec.n_layers,
        num_attention_heads: spec.n_heads,
        num_key_value_heads: spec.n_key_value_heads,
        use_flash_attn: false,
        rms_norm_eps: spec.norm.eps,
        rope_theta: spec.rotaries[0].theta as f32,
        bos_token_id: None,
        eos_token_id: Some(LlamaEosToks::Single(2)),
        rope_scaling: None,
        max_position_embeddings: spec.n_ctx,
        tie_word_embeddings: false,
    };
    let weights =
        candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
    let builder = candle_nn::VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
    let model = Llama::load(builder, &config).unwrap();
    let mut cache = Cache::new(false, DType::F32, &config, &Device::Cpu).unwrap();
    let input = Tensor::new(ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let want = to_host(&model.forward(&input, 0, &mut cache).unwrap()).unwrap();
    let ours = trace(&loaded, &ids);
    let last = ours.resid_after(spec.n_layers).narrow(ids.len() - 1, 1).unwrap().tensor().unwrap();
    let got = to_host(&loaded.model.logits(&last).unwrap()).unwrap();
    assert!(max_difference(&got, &want) < 1e-4);
}
