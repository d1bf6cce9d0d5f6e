//! Rotary positions of one row: pairs (i, i + half) of each head turned by the position's angles.

#[cfg(test)]
mod tests;

/// Turns the first `2 * cos.len()` dimensions of every head of `x` into `out`; `back`: by minus the angle.
#[inline(always)]
pub fn turn(x: &[f32], d_head: usize, cos: &[f32], sin: &[f32], back: bool, out: &mut [f32]) {
    let half = cos.len();
    let sign = if back { -1.0 } else { 1.0 };
    for (x, out) in x.chunks_exact(d_head).zip(out.chunks_exact_mut(d_head)) {
        let (first, rest) = x.split_at(half);
        let (second, kept) = rest.split_at(half);
        let (out_first, out_rest) = out.split_at_mut(half);
        let (out_second, out_kept) = out_rest.split_at_mut(half);
        for i in 0..half {
            let (a, b, c, s) = (first[i], second[i], cos[i], sign * sin[i]);
            out_first[i] = a * c - b * s;
            out_second[i] = b * c + a * s;
        }
        out_kept.copy_from_slice(kept);
    }
}
