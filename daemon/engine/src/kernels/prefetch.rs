//! A hint to the processor that values will be read soon. Nothing but speed depends on it.

/// Values in a cache line.
const LINE: usize = 16;

/// Asks for values to be brought near.
#[inline(always)]
pub(super) fn prefetch(values: &[f32]) {
    for line in values.chunks(LINE) {
        prefetch_line(line);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch_line(line: &[f32]) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    #[expect(unsafe_code, reason = "the safe SIMD crate has no prefetch")]
    // SAFETY: the pointer comes from a slice, so it is in bounds, and a prefetch reads nothing that the program can see.
    unsafe {
        _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
    }
}

/// Elsewhere there is no stable hint; the processor finds out by itself.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn prefetch_line(_: &[f32]) {}
