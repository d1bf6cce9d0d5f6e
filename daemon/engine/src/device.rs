//! Where numbers are computed: the device, the dtype, and which of the two ways through each hot spot.

use crate::{error::EngineError, memory};
use candle_core::{DType, Device};
use std::{str::FromStr, sync::OnceLock};

/// The two ways through every hot spot; tests run the parity suite through both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// candle's tensor operations: any device, any float type.
    Plain,
    /// This crate's kernels on packed weights: CPU, f32.
    Kernels,
}

/// The devices a person can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// The first NVIDIA GPU (feature `cuda`).
    Cuda,
    /// The Apple GPU (feature `metal`).
    Metal,
}

impl DeviceKind {
    /// A GPU where this build can use one and it answers, else the CPU.
    pub fn best() -> Self {
        if cuda().is_ok() {
            Self::Cuda
        } else if candle_core::utils::metal_is_available() {
            Self::Metal
        } else {
            Self::Cpu
        }
    }

    /// As a person writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

impl FromStr for DeviceKind {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            "metal" => Ok(Self::Metal),
            _ => Err(EngineError::BadRequest(format!(
                "no device `{text}`; devices are cpu, cuda and metal"
            ))),
        }
    }
}

/// Device, dtype of the weights, and way: everything that decides how, but not what, is computed.
///
/// Weights in bf16 (8 bits of precision, half the memory) are widened to f32 for every product, a matrix at a time, and
/// everything else is f32, because products that round their results to bf16 as well move logits by up to 0.5 and scores by
/// up to a fifth. So a model published in bf16 gives the numbers of f32, and one decoded from a quantised file differs by
/// what rounding its weights does: logits by up to 0.12, scores by up to 7 % of the largest (SmolLM2, Gemma 3).
#[derive(Clone, Debug)]
pub struct Compute {
    /// Which device.
    pub kind: DeviceKind,
    /// candle's handle of it.
    pub device: Device,
    /// What weights are kept in; activations are f32 (f64 where weights are).
    pub dtype: DType,
    /// Which way through the hot spots.
    pub way: Way,
}

impl Compute {
    /// The CPU with this crate's kernels: the default.
    pub fn cpu() -> Self {
        Self { kind: DeviceKind::Cpu, device: Device::Cpu, dtype: DType::F32, way: Way::Kernels }
    }

    /// The CPU with plain tensor operations, weights in f32 or f64: the reference; in bf16: what a GPU does with them.
    pub fn cpu_plain(dtype: DType) -> Self {
        Self { dtype, way: Way::Plain, ..Self::cpu() }
    }

    /// Opens a device. `dtype`: `f32`, `f64` (CPU, plain way), `bf16` (GPU); by default bf16 on a GPU and f32 on the CPU.
    ///
    /// # Errors
    /// The device is absent or not in this build; the dtype is unknown or does not fit the device.
    pub fn open(kind: DeviceKind, dtype: Option<&str>) -> Result<Self, EngineError> {
        let device = match kind {
            DeviceKind::Cpu => Device::Cpu,
            DeviceKind::Cuda => cuda().map_err(|reason| not_to_be_had(&reason))?,
            DeviceKind::Metal => Device::new_metal(0)
                .map_err(|e| not_to_be_had(&format!("no metal: {}", line(&e))))?,
        };
        let on_cpu = kind == DeviceKind::Cpu;
        let dtype = match dtype {
            None if on_cpu => DType::F32,
            None => DType::BF16,
            Some("f32") => DType::F32,
            Some("f64") if on_cpu => DType::F64,
            Some("bf16") if !on_cpu => DType::BF16,
            Some(other) => {
                return Err(EngineError::BadRequest(format!(
                    "dtype `{other}` does not fit device {}; cpu takes f32 and f64, a GPU f32 and bf16",
                    kind.name()
                )));
            }
        };
        let way = if on_cpu && dtype == DType::F32 { Way::Kernels } else { Way::Plain };
        Ok(Self { kind, device, dtype, way })
    }

    /// What activations are kept in.
    pub fn activation_dtype(&self) -> DType {
        if self.dtype == DType::F64 { DType::F64 } else { DType::F32 }
    }

    /// The dtype as a person writes it.
    pub fn dtype_name(&self) -> &'static str {
        self.dtype.as_str()
    }

    /// Bytes that are free where weights and traces lie: on the device, or in the machine's memory.
    pub fn free_bytes(&self) -> u64 {
        cuda_free_bytes(&self.device).unwrap_or_else(memory::free_bytes)
    }
}

/// The first NVIDIA GPU, asked once a process: opening one takes a while, and tensors of two openings do not mix.
///
/// # Errors
/// Why there is none: not in this build, no GPU answers, or it does not run what this build was compiled for.
pub fn cuda() -> Result<Device, String> {
    static OPENED: OnceLock<Result<Device, String>> = OnceLock::new();
    OPENED.get_or_init(open_cuda).clone()
}

/// One stream for all threads: candle's default, one stream per thread, has no order between them.
#[cfg(feature = "cuda")]
fn open_cuda() -> Result<Device, String> {
    // A GPU that the kernels were not compiled for opens, and then refuses the first of them.
    let answers = |device: &Device| {
        candle_core::Tensor::ones(1, DType::F32, device)?.affine(1.0, 1.0)?.to_vec1::<f32>()
    };
    let open = || -> candle_core::Result<Device> {
        let device = Device::new_cuda_with_stream(0)?;
        track_nothing(&device)?;
        answers(&device).map(|_| device)
    };
    open().map_err(|e| format!("no NVIDIA GPU answers ({})", line(&e)))
}

/// Without the events by which several streams would wait for one another, an operation starts in half the time.
#[cfg(feature = "cuda")]
#[expect(
    unsafe_code,
    reason = "whoever gives up the events must order the streams, and there is one"
)]
fn track_nothing(device: &Device) -> candle_core::Result<()> {
    // SAFETY: all tensors of the process are made, used and freed on the one stream of [`cuda`], in the order of the calls.
    unsafe { device.as_cuda_device()?.disable_event_tracking() };
    Ok(())
}

#[cfg(not(feature = "cuda"))]
fn open_cuda() -> Result<Device, String> {
    Err("this build has no cuda (--features cuda)".to_owned())
}

#[cfg(feature = "cuda")]
fn cuda_free_bytes(device: &Device) -> Option<u64> {
    let stream = device.as_cuda_device().ok()?.cuda_stream();
    stream.context().mem_get_info().ok().map(|(free, _)| free as u64)
}

#[cfg(not(feature = "cuda"))]
fn cuda_free_bytes(_: &Device) -> Option<u64> {
    None
}

fn not_to_be_had(reason: &str) -> EngineError {
    EngineError::Device(format!("{reason}; --device cpu always works"))
}

/// What an error says, without a backtrace, and of the driver's errors the name alone.
fn line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let name = line.strip_prefix("DriverError(").and_then(|rest| rest.split_once(','));
    name.map_or(line, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_the_default_only_where_one_answers() {
        assert_eq!(DeviceKind::best() == DeviceKind::Cuda, cuda().is_ok());
        if let Err(reason) = cuda() {
            let error = Compute::open(DeviceKind::Cuda, None).unwrap_err().to_string();
            assert_eq!(error, format!("device: {reason}; --device cpu always works"));
        }
    }
}
