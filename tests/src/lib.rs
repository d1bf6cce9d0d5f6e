//! What the test programs share: golden files, models by name, a server as a process. Nothing here asserts.

pub mod dice;
pub mod lsp_process;
pub mod tiny;

use candle_core::DType;
use limpid_engine::{
    cancel::CancelToken,
    device::{Compute, DeviceKind},
    forward::Watch,
    memory::MemoryBudget,
    model_pool::{self, Loaded},
    model_store::{ModelFiles, Weights},
    trace::{CapturePlan, Trace},
};
use safetensors::SafeTensors;
use std::path::{Path, PathBuf};

/// The `tests` folder.
pub fn folder() -> PathBuf {
    // Where it is now, not where it was built: a test program may be carried to a machine with a GPU.
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// A device that `LIMPID_TEST_DEVICE` names, to be tested or timed instead of being left out.
///
/// # Panics
/// When there is no such device.
pub fn test_device(dtype: Option<&str>) -> Option<Compute> {
    let kind = std::env::var("LIMPID_TEST_DEVICE").ok()?;
    let open = |kind: DeviceKind| Compute::open(kind, dtype);
    Some(kind.parse().and_then(open).unwrap_or_else(|e| panic!("LIMPID_TEST_DEVICE: {e}")))
}

/// Every way that must give the golden numbers: both on the CPU, and the test device in f32.
pub fn ways() -> Vec<Compute> {
    let mut ways = vec![Compute::cpu(), Compute::cpu_plain(DType::F32)];
    ways.extend(test_device(Some("f32")));
    ways
}

/// A way as a failed test names it.
pub fn way_name(compute: &Compute) -> String {
    format!("{} {} {:?}", compute.kind.name(), compute.dtype_name(), compute.way)
}

/// A file or folder under `tests/golden`.
pub fn golden(path: &str) -> PathBuf {
    folder().join("golden").join(path)
}

/// A golden JSON file.
///
/// # Panics
/// When it is not there: the goldens are committed.
pub fn golden_json(path: &str) -> serde_json::Value {
    let text = std::fs::read(golden(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A golden safetensors file, read.
#[derive(Debug)]
pub struct Tensors(Vec<u8>);

impl Tensors {
    /// Reads a file.
    ///
    /// # Panics
    /// When it is not there.
    pub fn open(path: &Path) -> Self {
        Self(std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let file = SafeTensors::deserialize(&self.0).unwrap_or_else(|e| panic!("{name}: {e}"));
        file.tensor(name).ok().map(|tensor| tensor.data().to_vec())
    }

    /// An f32 tensor's values, if there is one of that name.
    pub fn get(&self, name: &str) -> Option<Vec<f32>> {
        let bytes = self.bytes(name)?;
        Some(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    /// An f32 tensor's values.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.get(name).unwrap_or_else(|| panic!("no golden tensor {name}"))
    }

    /// Token ids stored as int64.
    ///
    /// # Panics
    /// When there are none.
    pub fn input_ids(&self) -> Vec<u32> {
        let bytes = self.bytes("input_ids").unwrap_or_else(|| panic!("no input_ids"));
        bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as u32).collect()
    }
}

/// Loads a model from its files.
///
/// # Panics
/// When it cannot be loaded.
pub fn load(weights: Weights, compute: &Compute) -> Loaded {
    let files = ModelFiles { name: "test".to_owned(), weights };
    let opened = model_pool::open(&files).unwrap_or_else(|e| panic!("{e}"));
    model_pool::load(opened, compute, MemoryBudget(u64::MAX), &|_, _| {})
        .unwrap_or_else(|e| panic!("{e}"))
}

/// A real model that `tests/run` has fetched into `tests/.cache`, or that lies in the folder `LIMPID_TEST_MODELS`.
///
/// # Panics
/// When it is not there: `bash tests/run` fetches it.
pub fn real_model(file: &str) -> Weights {
    let folder = std::env::var_os("LIMPID_TEST_MODELS")
        .map_or_else(|| folder().join(".cache/home/models"), PathBuf::from);
    let path = folder.join(file);
    assert!(path.is_file(), "{} is missing; `bash tests/run` fetches it", path.display());
    Weights::Gguf(path)
}

/// File name of the default model.
pub const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
/// File name of Gemma 3 270M.
pub const GEMMA3: &str = "gemma-3-270m.Q4_K_M.gguf";

/// Runs `f` with a watch that nobody cancels.
pub fn watched<T>(f: impl FnOnce(Watch<'_>) -> T) -> T {
    let cancel = CancelToken::default();
    f(Watch { cancel: &cancel, progress: &|_, _| {} })
}

/// A whole trace.
///
/// # Panics
/// When the forward pass fails.
pub fn trace(loaded: &Loaded, ids: &[u32]) -> Trace {
    watched(|watch| loaded.model.forward(ids, None, CapturePlan::Whole, watch))
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Largest absolute difference.
///
/// # Panics
/// When the lengths differ.
pub fn max_difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len(), "lengths differ");
    got.iter().zip(want).map(|(got, want)| (got - want).abs()).fold(0.0, f32::max)
}

/// Largest absolute difference over the largest absolute value wanted.
pub fn relative_difference(got: &[f32], want: &[f32]) -> f32 {
    let scale = want.iter().fold(0f32, |max, value| max.max(value.abs()));
    max_difference(got, want) / scale.max(f32::MIN_POSITIVE)
}
