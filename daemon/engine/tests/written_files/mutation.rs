//! Mutations that are the same on every machine, and the tokenizers that are mutated.

use crate::gguf::{GgufBytes, Written};

/// splitmix64: the same inputs on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Numbers at which arithmetic and belief go wrong.
pub(crate) const ABSURD: &[u64] = &[
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    9,
    31,
    33,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    1 << 32,
    1 << 40,
    1 << 62,
    (1 << 62) + 1,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 31,
    u64::MAX,
];

/// Changes a file in one to four places: bits, bytes, cuts, repeats, absurd numbers where a reader reads numbers.
pub(crate) fn mutate(seed: &Written, random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.bytes.clone();
    for _ in 0..=random.below(4) {
        let n = bytes.len();
        if n == 0 {
            break;
        }
        let at = random.below(n);
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => {
                bytes.drain(at..(at + random.below(40)).min(n));
            }
            4 => {
                let from = random.below(n);
                let piece = bytes[from..(from + random.below(60)).min(n)].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => {
                let value = ABSURD[random.below(ABSURD.len())].to_le_bytes();
                let width = [1, 2, 4, 8][random.below(4)].min(n - at);
                bytes[at..at + width].copy_from_slice(&value[..width]);
            }
            _ => {
                let Some(&(at, width)) = seed.fields.get(random.below(seed.fields.len())) else {
                    continue;
                };
                let near = (random.next() % 64).wrapping_sub(32);
                let value = ABSURD[random.below(ABSURD.len())]
                    .wrapping_add(near * (random.next() & 1))
                    .to_le_bytes();
                if let Some(field) = bytes.get_mut(at..at + width) {
                    field.copy_from_slice(&value[..width]);
                }
            }
        }
    }
    bytes
}

/// A byte-level tokenizer with a few merges and a special token.
pub(crate) fn byte_level_tokenizer() -> Written {
    let alphabet = (0u32..256)
        .filter_map(|b| char::from_u32(if !(33..=126).contains(&b) { b + 256 } else { b }));
    let mut pieces: Vec<String> = alphabet.map(String::from).collect();
    pieces.extend(["he", "ll", "hell", "Ġhe", "<|end|>"].map(str::to_owned));
    let mut types = vec![1; pieces.len()];
    *types.last_mut().unwrap() = 3;
    GgufBytes::new(3)
        .text("general.architecture", "llama")
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.tokens", &pieces)
        .i32s("tokenizer.ggml.token_type", &types)
        .texts("tokenizer.ggml.merges", &["h e", "l l", "he ll"])
        .u32("tokenizer.ggml.bos_token_id", 260)
        .u32("tokenizer.ggml.eos_token_id", 260)
        .flag("tokenizer.ggml.add_bos_token", true)
        .finish()
}

/// A tokenizer of scored pieces and bytes.
pub(crate) fn sentence_piece_tokenizer() -> Written {
    let mut pieces = ["<unk>", "<s>", "</s>", "\n\n"].map(str::to_owned).to_vec();
    pieces.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    pieces.extend(["▁", "h", "e", "l", "o", "he", "ll", "▁he", "hello", "▁▁"].map(str::to_owned));
    let mut types = vec![1; pieces.len()];
    types[..4].copy_from_slice(&[2, 3, 3, 4]);
    types[4..260].fill(6);
    let scores: Vec<f32> = (0..pieces.len()).map(|id| -(id as f32)).collect();
    GgufBytes::new(2)
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &pieces)
        .f32s("tokenizer.ggml.scores", &scores)
        .i32s("tokenizer.ggml.token_type", &types)
        .u32("tokenizer.ggml.bos_token_id", 1)
        .u32("tokenizer.ggml.unknown_token_id", 0)
        .flag("tokenizer.ggml.add_space_prefix", false)
        .finish()
}
