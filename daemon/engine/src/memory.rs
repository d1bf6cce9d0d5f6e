//! How much memory there is to use: half of what the machine has free, unless somebody says otherwise.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Assumed where the system does not say.
const FREE_IF_UNKNOWN: u64 = 4 << 30;

/// Bytes that a model or a trace may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget(pub u64);

impl MemoryBudget {
    /// Half of what the machine has free now.
    pub fn half_of_free() -> Self {
        Self(free_bytes() / 2)
    }

    /// Reads `LIMPID_MEMORY_BUDGET` syntax: bytes, or a number with `K`, `M`, `G` (powers of 1,024), `1.5G`.
    ///
    /// # Errors
    /// What was wrong with the text.
    pub fn parse(text: &str) -> Result<Self, crate::error::EngineError> {
        let trimmed = text.trim();
        let (number, unit) = match trimmed.char_indices().last() {
            Some((at, 'k' | 'K')) => (&trimmed[..at], 1024.0),
            Some((at, 'm' | 'M')) => (&trimmed[..at], 1024.0 * 1024.0),
            Some((at, 'g' | 'G')) => (&trimmed[..at], 1024.0 * 1024.0 * 1024.0),
            _ => (trimmed, 1.0),
        };
        match number.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Self((number * unit) as u64)),
            _ => Err(crate::error::EngineError::BadRequest(format!(
                "memory budget `{text}` is not a size; write bytes, or a number with K, M or G, like 1.5G"
            ))),
        }
    }
}

/// Bytes the machine could hand out without swapping.
pub fn free_bytes() -> u64 {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    match System::new_with_specifics(what) {
        Ok(system) => {
            let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
            system.available_memory().min(limit)
        }
        Err(error) => {
            tracing::warn!(%error, "cannot tell how much memory is free; assuming {FREE_IF_UNKNOWN} bytes");
            FREE_IF_UNKNOWN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_with_units() {
        assert_eq!(MemoryBudget::parse("1.5G").unwrap(), MemoryBudget(3 << 29));
        assert_eq!(MemoryBudget::parse(" 64 k ").unwrap(), MemoryBudget(65_536));
        assert_eq!(MemoryBudget::parse("12").unwrap(), MemoryBudget(12));
        for wrong in ["", "G", "-1", "many", "1e999"] {
            assert!(MemoryBudget::parse(wrong).is_err(), "{wrong}");
        }
    }
}
