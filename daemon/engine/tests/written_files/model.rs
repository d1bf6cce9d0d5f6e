//! Tiny whole models of every family, as GGUF files and as folders, for tests that damage them. Weights are a fixed pattern.

use crate::gguf::{GgufBytes, Written};
use std::path::{Path, PathBuf};

const D_MODEL: u64 = 8;
const N_HEADS: u64 = 2;
const D_HEAD: u64 = 4;
const D_MLP: u64 = 16;
const D_VOCAB: u64 = 12;
const N_CTX: u64 = 16;

/// The families as GGUF files name them.
pub(crate) const GGUF_FAMILIES: [&str; 3] = ["llama", "gpt2", "gemma3"];

/// The folders of the golden tiny models, one for each family.
#[allow(dead_code, reason = "not every test program damages folders")]
pub(crate) const FOLDERS: [&str; 3] = ["llama", "gpt2", "gemma3_text"];

#[allow(dead_code, reason = "not every test program damages folders")]
pub(crate) fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tiny").join(family)
}

/// Name and shape, outermost axis first, of every tensor of a one-layer model.
pub(crate) fn tensors(family: &str) -> Vec<(&'static str, Vec<u64>)> {
    let (d, m) = (D_MODEL, D_MLP);
    let mut all = vec![
        ("token_embd.weight", vec![D_VOCAB, d]),
        ("output_norm.weight", vec![d]),
        ("blk.0.attn_norm.weight", vec![d]),
        ("blk.0.attn_output.weight", vec![d, d]),
        ("blk.0.ffn_norm.weight", vec![d]),
        ("blk.0.ffn_up.weight", vec![m, d]),
        ("blk.0.ffn_down.weight", vec![d, m]),
    ];
    if family == "gpt2" {
        all.extend([
            ("position_embd.weight", vec![N_CTX, d]),
            ("output_norm.bias", vec![d]),
            ("blk.0.attn_norm.bias", vec![d]),
            ("blk.0.attn_output.bias", vec![d]),
            ("blk.0.ffn_norm.bias", vec![d]),
            ("blk.0.ffn_up.bias", vec![m]),
            ("blk.0.ffn_down.bias", vec![d]),
            ("blk.0.attn_qkv.weight", vec![3 * d, d]),
            ("blk.0.attn_qkv.bias", vec![3 * d]),
        ]);
        return all;
    }
    all.extend([
        ("blk.0.attn_q.weight", vec![d, d]),
        ("blk.0.attn_k.weight", vec![D_HEAD, d]),
        ("blk.0.attn_v.weight", vec![D_HEAD, d]),
        ("blk.0.ffn_gate.weight", vec![m, d]),
    ]);
    if family == "gemma3" {
        all.extend([
            ("blk.0.attn_q_norm.weight", vec![D_HEAD]),
            ("blk.0.attn_k_norm.weight", vec![D_HEAD]),
            ("blk.0.post_attention_norm.weight", vec![d]),
            ("blk.0.post_ffw_norm.weight", vec![d]),
        ]);
    }
    all
}

/// A GGUF file of a family with these tensors.
pub(crate) fn gguf(family: &str, tensors: &[(&str, Vec<u64>)]) -> Written {
    let key = |name: &str| format!("{family}.{name}");
    let n_key_value_heads = if family == "gpt2" { N_HEADS } else { 1 };
    let mut file = GgufBytes::new(3).text("general.architecture", family);
    for (name, value) in [
        ("embedding_length", D_MODEL),
        ("block_count", 1),
        ("attention.head_count", N_HEADS),
        ("attention.head_count_kv", n_key_value_heads),
        ("attention.key_length", D_HEAD),
        ("feed_forward_length", D_MLP),
        ("context_length", N_CTX),
    ] {
        file = file.u32(&key(name), value as u32);
    }
    for (name, shape) in tensors {
        let n: u64 = shape.iter().product();
        let value = |i: u64| ((i * 37 + name.len() as u64 * 11) % 17) as f32 / 17.0 - 0.4;
        let data: Vec<u8> = (0..n).flat_map(|i| value(i).to_le_bytes()).collect();
        let inner_first: Vec<u64> = shape.iter().rev().copied().collect();
        file = file.tensor(name, &inner_first, 0, &data);
    }
    file.finish()
}
