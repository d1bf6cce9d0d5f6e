//! Model files that are well formed, cut off, or contradict themselves: what the readers give and what they say.
//! Random mutations are in `fuzz_files`.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

#[path = "written_files/gguf.rs"]
mod gguf;

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor},
};
use gguf::{GgufBytes, Written};
use limpid_engine::tensor_file::{TensorFile, gguf::GgufFile, safetensors::SafetensorsFiles};
use std::path::PathBuf;

fn write(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn refusal(file: Written) -> String {
    let (_folder, path) = write("m.gguf", &file.bytes);
    GgufFile::open(&path).unwrap_err().to_string()
}

fn small() -> GgufBytes {
    GgufBytes::new(3)
        .text("general.architecture", "llama")
        .texts("texts", &["a", "b"])
        .i32s("whole", &[1, -2])
        .f32s("scores", &[0.5])
        .flag("flag", true)
        .tensor("w", &[3, 2], 0, &[0; 24])
        .tensor("v", &[32], 2, &[0; 18])
}

#[test]
fn metadata_is_read_by_type() {
    let (_folder, path) = write("m.gguf", &small().u32("n", 7).finish().bytes);
    let file = GgufFile::open(&path).unwrap();
    assert_eq!(file.text("general.architecture"), Some("llama"));
    assert_eq!(file.texts("texts"), Some(&["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(file.numbers("whole"), Some(&[1.0, -2.0][..]));
    assert_eq!(file.numbers("scores"), Some(&[0.5][..]));
    assert_eq!((file.number("n"), file.flag("flag")), (Some(7.0), Some(true)));
    assert_eq!((file.text("n"), file.number("flag"), file.flag("absent")), (None, None, None));
}

#[test]
fn a_gguf_file_cut_at_any_byte_is_refused() {
    let whole = small().finish().bytes;
    let (_folder, path) = write("m.gguf", &whole);
    assert!(GgufFile::open(&path).is_ok());
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = GgufFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("m.gguf: "), "{cut}: {error}");
    }
}

#[test]
fn a_safetensors_file_cut_at_any_byte_is_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
    let mut whole = (header.len() as u64).to_le_bytes().to_vec();
    whole.extend_from_slice(header.as_bytes());
    whole.extend([0; 24]);
    let (_folder, path) = write("model.safetensors", &whole);
    assert!(SafetensorsFiles::open(std::slice::from_ref(&path)).is_ok());
    for cut in 0..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = SafetensorsFiles::open(std::slice::from_ref(&path)).unwrap_err().to_string();
        assert!(error.contains("model.safetensors: header: "), "{cut}: {error}");
    }
}

#[test]
fn every_quantised_type_is_read_as_candle_dequantises_it() {
    let kinds = [
        (2, GgmlDType::Q4_0, "Q4_0"),
        (3, GgmlDType::Q4_1, "Q4_1"),
        (6, GgmlDType::Q5_0, "Q5_0"),
        (7, GgmlDType::Q5_1, "Q5_1"),
        (8, GgmlDType::Q8_0, "Q8_0"),
        (10, GgmlDType::Q2K, "Q2_K"),
        (11, GgmlDType::Q3K, "Q3_K"),
        (12, GgmlDType::Q4K, "Q4_K"),
        (13, GgmlDType::Q5K, "Q5_K"),
        (14, GgmlDType::Q6K, "Q6_K"),
    ];
    let values: Vec<f32> = (0..5 * 512).map(|i| ((i * 37 % 101) as f32 - 50.0) / 17.0).collect();
    let matrix = Tensor::from_vec(values, (5, 512), &Device::Cpu).unwrap();
    for (kind, candle, name) in kinds {
        let stored = QTensor::quantize(&matrix, candle).unwrap();
        let expected: Vec<Vec<f32>> = stored.dequantize(&Device::Cpu).unwrap().to_vec2().unwrap();
        let file = GgufBytes::new(3)
            .tensor("odd", &[3], 0, &[0; 12])
            .tensor("w", &[512, 5], kind, &stored.data().unwrap())
            .finish();
        let (_folder, path) = write("m.gguf", &file.bytes);
        let file = GgufFile::open(&path).unwrap();
        let info = file.info("w").unwrap();
        assert_eq!((info.shape.as_slice(), info.dtype.as_str()), (&[5, 512][..], name));
        let mut rows = vec![0.0; 2 * 512];
        file.read_rows("w", 2, &mut rows).unwrap();
        assert_eq!(rows, [expected[2].clone(), expected[3].clone()].concat(), "{name}");
        assert!(file.read_rows("w", 4, &mut rows).is_err(), "row 5 does not exist");
        assert!(file.read_rows("w", usize::MAX, &mut rows).is_err());
    }
}

#[test]
fn plain_types_are_read_by_row() {
    let bytes = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let floats: Vec<u8> =
        [0.5f32, -1.0, 3.25, 7.0, 8.0, 9.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let file = GgufBytes::new(2)
        .tensor("f32", &[3, 2], 0, &floats)
        .tensor("f16", &[2], 1, &bytes(&[0x3C00, 0xC000]))
        .tensor("bf16", &[2], 30, &bytes(&[0x3F80, 0xC000]))
        .finish();
    let (_folder, path) = write("m.gguf", &file.bytes);
    let file = GgufFile::open(&path).unwrap();
    assert_eq!(file.names(), ["bf16", "f16", "f32"]);
    let mut row = [0.0; 3];
    file.read_rows("f32", 1, &mut row).unwrap();
    assert_eq!(row, [7.0, 8.0, 9.0]);
    for name in ["f16", "bf16"] {
        let mut row = [0.0; 2];
        file.read_rows(name, 0, &mut row).unwrap();
        assert_eq!(row, [1.0, -2.0], "{name}");
    }
}

#[test]
fn a_gguf_file_that_contradicts_itself_is_refused_by_field() {
    let with = |at: usize, value: u64| {
        let mut file = small().finish();
        let (at, width) = file.fields[at];
        file.bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        refusal(file)
    };
    assert!(with(0, 9).contains("version: 9 is not supported"));
    assert!(with(1, u64::MAX).contains("tensor count: "));
    assert!(with(2, 1 << 60).contains("metadata count: "));
    assert!(with(3, 1 << 62).contains("metadata key 0: needs "));
    assert!(with(4, 99).contains("general.architecture: has metadata type 99"));
    let twice = small().tensor("w", &[1], 0, &[0; 4]).finish();
    assert!(refusal(twice).contains("w: stands twice in the file"));
    let twice = small().text("general.architecture", "gpt2").finish();
    assert!(refusal(twice).contains("general.architecture: stands twice"));
    let unknown = small().tensor("x", &[1], 77, &[0; 4]).finish();
    assert!(refusal(unknown).contains("x: has type 77, which is not supported"));
    let ragged = small().tensor("x", &[33], 2, &[0; 40]).finish();
    assert!(refusal(ragged).contains("x: shape [33] does not fit type Q4_0"));
    let huge = small().tensor("x", &[1 << 40, 1 << 40], 0, &[0; 4]).finish();
    assert!(refusal(huge).contains("x: shape"));
    let long = small().tensor("x", &[100], 0, &[0; 4]).finish();
    assert!(refusal(long).contains("is it cut off?"));
    let short = small().tensor("x", &[9], 0, &[0; 4]).tensor("y", &[8], 0, &[0; 32]).finish();
    assert!(refusal(short).contains("y: overlaps tensor x"));
    let odd = small().u32("general.alignment", 7).finish();
    assert!(refusal(odd).contains("general.alignment: "));
    let unprintable = small().text("a\u{1b}[31m", "x").finish();
    assert!(refusal(unprintable).contains("holds a control character"));
}

#[test]
fn a_sharded_set_names_what_is_missing() {
    let shard = |name: &str| {
        let header = format!(r#"{{"{name}":{{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}}}"#);
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend(1.5f64.to_le_bytes());
        bytes.extend((-2.0f64).to_le_bytes());
        bytes
    };
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let open = || SafetensorsFiles::open_folder(folder.path());
    assert!(open().unwrap_err().to_string().contains("model.safetensors: is missing"));
    put(
        "model.safetensors.index.json",
        br#"{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}"#,
    );
    put("1.safetensors", &shard("a"));
    assert!(open().unwrap_err().to_string().contains("2.safetensors"));
    put("2.safetensors", &shard("c"));
    assert!(open().unwrap_err().to_string().ends_with("b: is in none of the shards"));
    put("2.safetensors", &shard("a"));
    assert!(open().unwrap_err().to_string().ends_with("a: stands in two shards"));
    put("2.safetensors", &shard("b"));
    let files = open().unwrap();
    let mut row = [0.0; 2];
    files.read_rows("b", 0, &mut row).unwrap();
    assert_eq!(row, [1.5, -2.0]);
    assert!(files.path("b").ends_with("2.safetensors"));
    put("model.safetensors.index.json", br#"{"weight_map":{"a":"../1.safetensors"}}"#);
    assert!(open().unwrap_err().to_string().contains("must name a file in the same folder"));
}
