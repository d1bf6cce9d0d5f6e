//! Mutated model files: whatever a stranger's file holds, the readers answer with a result. Nothing panics, and no
//! allocation is out of proportion to the file. `LIMPID_FUZZ_INPUTS` sets the number of inputs of each test.
#![expect(clippy::print_stdout, reason = "how many inputs were read is the point of a long run")]
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

#[path = "written_files/gguf.rs"]
mod gguf;

use gguf::{GgufBytes, Written};
use limpid_engine::{
    tensor_file::{TensorFile, gguf::GgufFile, safetensors::SafetensorsFiles},
    tokenizer::{Specials, Tokenizer},
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The largest single allocation that reading a file of a few KiB may ask for: the tokenizer's own tables, with room.
const MAX_ALLOCATION: usize = 16 << 20;
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, remembering the largest request.
struct Watching;

#[expect(unsafe_code, reason = "a global allocator cannot be written without")]
// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LARGEST.fetch_max(new_size, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// splitmix64: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

const ABSURD: &[u64] = &[
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

fn mutate(seed: &Written, random: &mut Random) -> Vec<u8> {
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

/// Runs `read` on mutations of the seeds; it answers whether the file was taken.
fn fuzz(name: &str, seeds: &[Written], read: impl Fn(&Path) -> bool) {
    let n: u64 =
        std::env::var("LIMPID_FUZZ_INPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    // One at a time: the watched allocations are the whole process's.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    for seed in seeds {
        std::fs::write(&path, &seed.bytes).unwrap();
        assert!(read(&path), "the seed itself must be valid");
    }
    let mut n_taken = 0;
    for index in 0..n {
        let mut random = Random(index.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let bytes = mutate(&seeds[index as usize % seeds.len()], &mut random);
        std::fs::write(&path, &bytes).unwrap();
        LARGEST.store(0, Ordering::Relaxed);
        match catch_unwind(AssertUnwindSafe(|| read(&path))) {
            Ok(taken) => n_taken += u64::from(taken),
            Err(_) => panic!("input {index} of {name} panicked"),
        }
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(
            largest <= MAX_ALLOCATION,
            "input {index} of {name}: an allocation of {largest} bytes"
        );
    }
    assert!(n_taken < n, "no mutation was refused");
    println!("{name}: {n} inputs, {n_taken} still valid");
}

fn read_everything(file: &dyn TensorFile) {
    for name in file.names() {
        let info = file.info(name).unwrap();
        let mut out = vec![0.0; info.n_rows() * info.row_len()];
        file.read_rows(name, 0, &mut out).unwrap();
        assert!(file.read_rows(name, usize::MAX, &mut [0.0; 256]).is_err());
    }
}

fn tokenizer_seeds() -> Vec<Written> {
    let alphabet = (0u32..256)
        .filter_map(|b| char::from_u32(if !(33..=126).contains(&b) { b + 256 } else { b }));
    let mut pieces: Vec<String> = alphabet.map(String::from).collect();
    pieces.extend(["he", "ll", "hell", "Ġhe", "<|end|>"].map(str::to_owned));
    let mut types = vec![1; pieces.len()];
    *types.last_mut().unwrap() = 3;
    let byte_level = GgufBytes::new(3)
        .text("general.architecture", "llama")
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.tokens", &pieces)
        .i32s("tokenizer.ggml.token_type", &types)
        .texts("tokenizer.ggml.merges", &["h e", "l l", "he ll"])
        .u32("tokenizer.ggml.bos_token_id", 260)
        .u32("tokenizer.ggml.eos_token_id", 260)
        .flag("tokenizer.ggml.add_bos_token", true)
        .finish();
    let mut pieces = ["<unk>", "<s>", "</s>", "\n\n"].map(str::to_owned).to_vec();
    pieces.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    pieces.extend(["▁", "h", "e", "l", "o", "he", "ll", "▁he", "hello", "▁▁"].map(str::to_owned));
    let mut types = vec![1; pieces.len()];
    types[..4].copy_from_slice(&[2, 3, 3, 4]);
    types[4..260].fill(6);
    let scores: Vec<f32> = (0..pieces.len()).map(|id| -(id as f32)).collect();
    let sentence_piece = GgufBytes::new(2)
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &pieces)
        .f32s("tokenizer.ggml.scores", &scores)
        .i32s("tokenizer.ggml.token_type", &types)
        .u32("tokenizer.ggml.bos_token_id", 1)
        .u32("tokenizer.ggml.unknown_token_id", 0)
        .flag("tokenizer.ggml.add_space_prefix", false)
        .finish();
    vec![byte_level, sentence_piece]
}

#[test]
fn any_gguf_file_is_read_or_refused() {
    let seed = GgufBytes::new(3)
        .text("general.architecture", "llama")
        .u32("general.alignment", 32)
        .flag("flag", true)
        .texts("texts", &["a", "bc", ""])
        .i32s("numbers", &[1, -2, 3])
        .tensor("f32", &[3, 2], 0, &[1; 24])
        .tensor("f16", &[4], 1, &[2; 8])
        .tensor("bf16", &[2, 1, 2], 30, &[3; 8])
        .tensor("q4_0", &[32, 2], 2, &[4; 36])
        .tensor("q4_1", &[32], 3, &[5; 20])
        .tensor("q8_0", &[64], 8, &[6; 68])
        .tensor("q4_k", &[256], 12, &[7; 144])
        .tensor("q6_k", &[256], 14, &[8; 210])
        .finish();
    fuzz("tensors.gguf", &[seed], |path| match GgufFile::open(path) {
        Ok(file) => {
            read_everything(&file);
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 8 << 10);
            false
        }
    });
}

#[test]
fn any_tokenizer_in_a_gguf_file_is_built_or_refused() {
    let text = "hello  hell 17\n\né\u{1F600}<|end|></s>";
    fuzz("tokenizer.gguf", &tokenizer_seeds(), |path| {
        let Ok(tokenizer) = GgufFile::open(path).and_then(|file| Tokenizer::from_gguf(&file))
        else {
            return false;
        };
        for specials in [Specials::Parse, Specials::Plain] {
            for token in tokenizer.encode(text, specials).unwrap_or_default() {
                tokenizer.token_bytes(token.id);
                assert!(
                    token.span.is_none_or(|span| span.start <= span.end && span.end <= text.len())
                );
            }
        }
        true
    });
}

#[test]
fn any_safetensors_file_is_read_or_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[1],"data_offsets":[32,40]},"__metadata__":{"format":"pt"}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend([7; 40]);
    let seed = Written { bytes, fields: vec![(0, 8)] };
    fuzz("model.safetensors", &[seed], |path| match SafetensorsFiles::open(&[path.to_owned()]) {
        Ok(file) => {
            read_everything(&file);
            true
        }
        Err(_) => false,
    });
}
