//! Where numbers are computed: the device, the dtype, and which of the two ways through each hot spot.

use crate::error::EngineError;
use candle_core::{DType, Device};
use std::str::FromStr;

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
    /// A GPU where this build can use one, else the CPU.
    pub fn best() -> Self {
        if candle_core::utils::cuda_is_available() {
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

    /// The CPU with plain tensor operations, in f32 or f64: the reference.
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
            DeviceKind::Cuda => open_cuda()?,
            DeviceKind::Metal => Device::new_metal(0).map_err(|e| {
                EngineError::Device(format!(
                    "metal is not to be had: {}; use --device cpu",
                    first_line(&e)
                ))
            })?,
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
}

/// One stream for all threads: candle's default, one stream per thread, has no order between them.
#[cfg(feature = "cuda")]
fn open_cuda() -> Result<Device, EngineError> {
    Device::new_cuda_with_stream(0).map_err(|e| {
        EngineError::Device(format!("cuda is not to be had: {}; use --device cpu", first_line(&e)))
    })
}

#[cfg(not(feature = "cuda"))]
fn open_cuda() -> Result<Device, EngineError> {
    Err(EngineError::Device(
        "this build has no cuda; build with --features cuda, or use --device cpu".to_owned(),
    ))
}

fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
