//! Mutated model files: whatever a stranger's file holds, the readers answer with a result. Nothing panics, and no allocation is
//! out of proportion to the file: on Linux each target runs in a process whose address space is bounded, so that an absurd
//! allocation ends it. `LIMPID_FUZZ_INPUTS` sets the number of inputs of each target.
#![expect(clippy::print_stdout, reason = "how many inputs were read is the point of a long run")]
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

#[path = "written_files/gguf.rs"]
mod gguf;
#[path = "written_files/json.rs"]
mod json;
#[path = "written_files/mutation.rs"]
mod mutation;
#[path = "written_files/model.rs"]
mod written_model;

use gguf::{GgufBytes, Written};
use limpid_engine::{
    cancel::CancelToken,
    device::Compute,
    error::EngineError,
    forward::Watch,
    memory::MemoryBudget,
    model_pool,
    model_store::{ModelFiles, Weights},
    tensor_file::{TensorFile, gguf::GgufFile, safetensors::SafetensorsFiles},
    tokenizer::{Specials, Tokenizer},
    trace::CapturePlan,
};
use mutation::{Random, mutate};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Marks the process that reads the files.
const INSIDE: &str = "LIMPID_FUZZ_INSIDE";
/// Address space of that process, KiB: the program, its threads' stacks and room for what small files need.
const ADDRESS_SPACE_KIB: u64 = 128 << 10;
/// Longest message; what a file says is not repeated at length.
const MAX_MESSAGE: usize = 2 << 10;
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const SHARD: &str = "model-00001-of-00001.safetensors";

/// Runs a test of this program in a process of its own with little address space.
fn with_little_space(test: &str) -> Output {
    let script = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" --exact {test} --nocapture");
    Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        // Arenas and stacks of more threads would reserve address space that nothing uses.
        .env("MALLOC_ARENA_MAX", "1")
        .env("RAYON_NUM_THREADS", "2")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

/// Whether this is that process, or the system has no such bound.
fn is_inside() -> bool {
    cfg!(not(target_os = "linux")) || std::env::var_os(INSIDE).is_some()
}

/// Runs `body` in a process with little address space.
fn bounded(test: &str, body: impl Fn()) {
    if is_inside() {
        return body();
    }
    let output = with_little_space(test);
    let [said, errors] = [&output.stdout, &output.stderr].map(|o| String::from_utf8_lossy(o));
    assert!(output.status.success(), "{test}: {}\n{said}\n{errors}", output.status);
    println!("{}", said.lines().find(|line| line.contains(" inputs, ")).unwrap_or_default());
}

#[cfg(target_os = "linux")]
#[test]
fn an_absurd_allocation_would_end_the_process() {
    if is_inside() {
        let reserved: Vec<u8> = Vec::with_capacity((ADDRESS_SPACE_KIB << 10) as usize);
        assert_eq!(std::hint::black_box(reserved).len(), 0);
        return;
    }
    let output = with_little_space("an_absurd_allocation_would_end_the_process");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("memory allocation of"));
}

/// Runs `read` on inputs that `make` makes of a number; it answers whether the file was taken.
fn fuzz(
    name: &str,
    make: impl Fn(&mut Random, u64) -> Vec<u8>,
    read: impl Fn(&Path) -> Result<(), EngineError>,
) {
    let n: u64 =
        std::env::var("LIMPID_FUZZ_INPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut n_taken = 0;
    for index in 0..n {
        let mut random = Random(index.wrapping_mul(0x5851_F42D_4C95_7F2D));
        std::fs::write(&path, make(&mut random, index)).unwrap();
        match catch_unwind(AssertUnwindSafe(|| read(&path))) {
            Ok(Ok(())) => n_taken += 1,
            Ok(Err(error)) => {
                let message = error.to_string();
                let is_one_line = !message.contains(char::is_control);
                assert!(
                    message.len() < MAX_MESSAGE && is_one_line,
                    "input {index} of {name}: {} bytes: {message:.300}",
                    message.len()
                );
            }
            Err(_) => panic!("input {index} of {name} panicked"),
        }
    }
    assert!(n_taken < n, "no mutation was refused");
    println!("{name}: {n} inputs, {n_taken} still valid");
}

/// Mutations of these files in turn; the files themselves are valid.
fn mutations<'a>(
    seeds: &'a [Written],
    read: &impl Fn(&Path) -> Result<(), EngineError>,
) -> impl Fn(&mut Random, u64) -> Vec<u8> + 'a {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed");
    for seed in seeds {
        std::fs::write(&path, &seed.bytes).unwrap();
        read(&path).unwrap_or_else(|e| panic!("the seed itself must be valid: {e}"));
    }
    |random, index| mutate(&seeds[index as usize % seeds.len()], random)
}

fn read_everything(file: &dyn TensorFile) -> Result<(), EngineError> {
    for name in file.names() {
        let info = file.info(name).unwrap();
        let mut out = vec![0.0; info.n_rows() * info.row_len()];
        file.read_rows(name, 0, &mut out)?;
        assert!(file.read_rows(name, usize::MAX, &mut [0.0; 256]).is_err());
    }
    Ok(())
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
    let read = |path: &Path| read_everything(&GgufFile::open(path)?);
    bounded("any_gguf_file_is_read_or_refused", || {
        fuzz("tensors.gguf", mutations(std::slice::from_ref(&seed), &read), read);
    });
}

#[test]
fn any_tokenizer_in_a_gguf_file_is_built_or_refused() {
    let text = "hello  hell 17\n\né\u{1F600}<|end|></s>";
    let seeds = [mutation::byte_level_tokenizer(), mutation::sentence_piece_tokenizer()];
    let read = |path: &Path| {
        let tokenizer = Tokenizer::from_gguf(&GgufFile::open(path)?)?;
        for specials in [Specials::Parse, Specials::Plain] {
            for token in tokenizer.encode(text, specials)? {
                tokenizer.token_bytes(token.id);
                assert!(
                    token.span.is_none_or(|span| span.start <= span.end && span.end <= text.len())
                );
            }
        }
        Ok(())
    };
    bounded("any_tokenizer_in_a_gguf_file_is_built_or_refused", || {
        fuzz("tokenizer.gguf", mutations(&seeds, &read), read);
    });
}

#[test]
fn any_safetensors_file_is_read_or_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[1],"data_offsets":[32,40]},"__metadata__":{"format":"pt"}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend([7; 40]);
    let seed = Written { bytes, fields: vec![(0, 8)] };
    let read = |path: &Path| read_everything(&SafetensorsFiles::open(&[path.to_owned()])?);
    bounded("any_safetensors_file_is_read_or_refused", || {
        fuzz("model.safetensors", mutations(std::slice::from_ref(&seed), &read), read);
    });
}

/// A safetensors file whose header is changed as JSON and is as long as it says, but for one in eight.
fn with_header_mutated(whole: &[u8], random: &mut Random) -> Vec<u8> {
    let (length, rest) = whole.split_at(8);
    let n = u64::from_le_bytes(length.try_into().unwrap()) as usize;
    let (header, data) = rest.split_at(n);
    let header = json::mutated(&serde_json::from_slice(header).unwrap(), random);
    let says = if random.below(8) == 0 { n } else { header.len() };
    [&(says as u64).to_le_bytes()[..], &header, data].concat()
}

#[test]
fn any_safetensors_header_is_read_or_refused() {
    let models = written_model::FOLDERS
        .map(|family| std::fs::read(written_model::folder(family).join(WEIGHTS)).unwrap());
    let make = |random: &mut Random, index: u64| {
        with_header_mutated(&models[index as usize % models.len()], random)
    };
    let read = |path: &Path| read_everything(&SafetensorsFiles::open(&[path.to_owned()])?);
    bounded("any_safetensors_header_is_read_or_refused", || fuzz("header.safetensors", make, read));
}

/// Opens, loads and runs a model on three tokens.
fn run(weights: Weights) -> Result<(), EngineError> {
    let opened = model_pool::open(&ModelFiles { name: "fuzzed".to_owned(), weights })?;
    let loaded = model_pool::load(opened, &Compute::cpu(), MemoryBudget(64 << 20), &|_, _| {})?;
    let watch = Watch { cancel: &CancelToken::default(), progress: &|_, _| {} };
    loaded.model.forward(&[1, 5, 2], None, CapturePlan::Whole, watch).map(drop)
}

/// A folder with a copy of one file of a golden folder.
fn copied(place: &Path, family: &str, file: &str, name: &str) -> PathBuf {
    let folder = place.join(family);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(written_model::folder(family).join(file), folder.join(name)).unwrap();
    folder
}

#[test]
fn any_weights_and_any_index_of_shards_are_read_or_refused_by_the_whole_loader() {
    let place = tempfile::tempdir().unwrap();
    let families = written_model::FOLDERS;
    let folders = families.map(|family| copied(place.path(), family, "config.json", "config.json"));
    let models = folders
        .iter()
        .zip(families)
        .map(|(folder, family)| {
            copied(place.path(), family, WEIGHTS, SHARD);
            std::fs::read(folder.join(SHARD)).unwrap()
        })
        .collect::<Vec<_>>();
    let indexes = folders.each_ref().map(|folder| {
        let file = SafetensorsFiles::open(&[folder.join(SHARD)]).unwrap();
        let map: serde_json::Map<_, _> =
            file.names().into_iter().map(|name| (name.to_owned(), SHARD.into())).collect();
        serde_json::json!({ "metadata": { "total_size": 1 }, "weight_map": map })
    });
    let made = std::cell::Cell::new(0);
    let make = |random: &mut Random, index: u64| {
        let index = index as usize;
        made.set(index);
        let family = index / 2 % families.len();
        if index.is_multiple_of(2) {
            with_header_mutated(&models[family], random)
        } else {
            json::mutated(&indexes[family], random)
        }
    };
    let read = |path: &Path| {
        let folder = &folders[made.get() / 2 % families.len()];
        let name = if made.get().is_multiple_of(2) { WEIGHTS } else { INDEX };
        std::fs::rename(path, folder.join(name)).unwrap();
        let read = run(Weights::Folder(folder.clone()));
        std::fs::remove_file(folder.join(name)).unwrap();
        read
    };
    bounded("any_weights_and_any_index_of_shards_are_read_or_refused_by_the_whole_loader", || {
        fuzz("weights", make, read);
    });
}

#[test]
fn any_config_is_read_or_refused_by_the_whole_loader() {
    let families = written_model::FOLDERS;
    let seeds: Vec<serde_json::Value> = families
        .iter()
        .flat_map(|family| ["config.json", "config.v4.json"].map(|name| (family, name)))
        .map(|(family, name)| {
            let text = std::fs::read(written_model::folder(family).join(name)).unwrap();
            serde_json::from_slice(&text).unwrap()
        })
        .collect();
    // The weights of the family that the config was written for, whatever it says now.
    let place = tempfile::tempdir().unwrap();
    let folders = families.map(|family| copied(place.path(), family, WEIGHTS, WEIGHTS));
    let made = std::cell::Cell::new(0);
    let make = |random: &mut Random, index: u64| {
        let seed = index as usize % seeds.len();
        made.set(seed / 2);
        json::mutated(&seeds[seed], random)
    };
    let read = |path: &Path| {
        let folder = &folders[made.get()];
        std::fs::rename(path, folder.join("config.json")).unwrap();
        run(Weights::Folder(folder.clone()))
    };
    bounded("any_config_is_read_or_refused_by_the_whole_loader", || {
        fuzz("config.json", make, read)
    });
}

#[test]
fn any_gguf_model_is_run_or_refused_by_the_whole_loader() {
    let family = |name: &str| written_model::gguf(name, &written_model::tensors(name));
    let seeds = written_model::GGUF_FAMILIES.map(family);
    let read = |path: &Path| run(Weights::Gguf(path.to_owned()));
    bounded("any_gguf_model_is_run_or_refused_by_the_whole_loader", || {
        fuzz("model.gguf", mutations(&seeds, &read), read);
    });
}
