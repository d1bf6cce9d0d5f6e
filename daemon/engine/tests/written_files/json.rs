//! Mutated JSON: values replaced, moved, removed and nested, texts broken as bytes.

use crate::mutation::{ABSURD, Random};
use serde_json::{Map, Value};

/// Texts that some key somewhere understands.
const WORDS: &[&str] = &[
    "llama",
    "gpt2",
    "gemma3_text",
    "silu",
    "gelu",
    "gelu_new",
    "relu",
    "default",
    "linear",
    "llama3",
    "full_attention",
    "sliding_attention",
    "per_frequency",
    "",
    "\u{1b}[31m",
    "\n",
    "F32",
    "BF16",
    "F8_E4M3",
    "model.safetensors",
    "../model.safetensors",
];

/// Keys that the readers look at, beside those of the file itself.
const KEYS: &[&str] = &[
    "model_type",
    "head_dim",
    "num_key_value_heads",
    "num_attention_heads",
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "rope_theta",
    "rope_scaling",
    "rope_parameters",
    "rope_type",
    "type",
    "factor",
    "factors",
    "low_freq_factor",
    "high_freq_factor",
    "partial_rotary_factor",
    "original_max_position_embeddings",
    "layer_types",
    "sliding_window",
    "sliding_window_pattern",
    "query_pre_attn_scalar",
    "attention_bias",
    "mlp_bias",
    "tie_word_embeddings",
    "hidden_act",
    "hidden_activation",
    "n_embd",
    "n_head",
    "n_layer",
    "n_inner",
    "n_positions",
    "n_ctx",
    "rms_norm_eps",
    "layer_norm_epsilon",
    "full_attention",
    "sliding_attention",
    "rope_local_base_freq",
    "final_logit_softcapping",
    "__metadata__",
    "dtype",
    "shape",
    "data_offsets",
    "weight_map",
];

/// An object changed in one to five places, now and then broken as text, and now and then another JSON value altogether.
pub(crate) fn mutated(seed: &Value, random: &mut Random) -> Vec<u8> {
    if random.below(20) == 0 {
        return value(random, 4).to_string().into_bytes();
    }
    let mut config = seed.clone();
    for _ in 0..=random.below(4) {
        change(&mut config, random);
    }
    let mut bytes = config.to_string().into_bytes();
    if random.below(8) == 0 {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = random.next() as u8,
            _ => drop(bytes.splice(at..at, b"[".repeat(1 + random.below(300)))),
        }
    }
    bytes
}

fn change(config: &mut Value, random: &mut Random) {
    let object = match config {
        Value::Object(object) => object,
        Value::Array(items) if !items.is_empty() && random.below(4) > 0 => {
            let at = random.below(items.len());
            return change(&mut items[at], random);
        }
        other => {
            *other = match other.as_u64() {
                Some(n) if random.below(2) == 0 => near(n, random),
                _ => value(random, 2),
            };
            return;
        }
    };
    let own: Vec<String> = object.keys().cloned().collect();
    let known = |random: &mut Random| match own.get(random.below(own.len() + 1)) {
        Some(key) => key.clone(),
        None => KEYS[random.below(KEYS.len())].to_owned(),
    };
    let key = known(random);
    match random.below(6) {
        0 => drop(object.remove(&key)),
        1 => {
            let other = known(random);
            let moved = object.get(&key).cloned().unwrap_or_default();
            object.insert(other, moved);
        }
        2 | 3 => drop(object.insert(key, number(random))),
        4 => match object.get_mut(&key) {
            Some(inner @ (Value::Object(_) | Value::Array(_))) => change(inner, random),
            Some(Value::Number(n)) if n.is_u64() => {
                let near = near(n.as_u64().unwrap_or_default(), random);
                object.insert(key, near);
            }
            _ => drop(object.insert(KEYS[random.below(KEYS.len())].to_owned(), number(random))),
        },
        _ => drop(object.insert(key, value(random, 3))),
    }
}

/// A number that is off by one or two.
fn near(n: u64, random: &mut Random) -> Value {
    Value::from(n.wrapping_add([1, 2, u64::MAX, u64::MAX - 1][random.below(4)]))
}

fn number(random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::from(-(random.below(1000) as i64)),
        1 => Value::from(random.next() as f64 / u64::MAX as f64 * 2.0),
        2 => Value::from([1e308, -1e308, 1e-308, 0.0, -0.0, 0.5, 1.5, 3.0][random.below(8)]),
        3 => Value::from(random.below(200)),
        4 => Value::from(1u64 << random.below(64)),
        _ => Value::from(ABSURD[random.below(ABSURD.len())]),
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 | 3 => number(random),
        4 => Value::from(WORDS[random.below(WORDS.len())]),
        5 | 6 => {
            let entries = (0..random.below(5))
                .map(|_| (KEYS[random.below(KEYS.len())].to_owned(), value(random, depth - 1)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        _ => (0..random.below(6)).map(|_| value(random, depth - 1)).collect(),
    }
}
