//! Narrow and packed products are the same bits, and what cannot be had back exactly stays wide.

use crate::kernels::{
    Rows, RowsMut,
    narrow::{NarrowMatrix, NarrowRow, widened},
    packed::{PANEL_WIDTH, PackedMatrix},
    product::product,
};

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Rows of codes below `levels` in blocks of `len`, scales rounded by `round`.
fn rows(n: usize, k: usize, len: usize, levels: f32, round: fn(f32) -> f32) -> Vec<NarrowRow> {
    (0..n as u64)
        .map(|row| {
            let blocks: Vec<(f32, f32)> = (noise(k / len, row).iter().zip(noise(k, row + 900)))
                .map(|(scale, min)| (round(*scale), round(min)))
                .collect();
            let codes = noise(k, row + 77);
            let value = |(at, code): (usize, &f32)| {
                let (scale, min) = blocks[at / len];
                ((code + 1.0) / 2.0 * levels).floor().min(levels - 1.0).mul_add(scale, min)
            };
            let values = codes.iter().enumerate().map(value).collect();
            NarrowRow { values, blocks }
        })
        .collect()
}

/// The narrow product, and that of the packed matrix.
fn both(rows: &[NarrowRow], k: usize) -> Option<(u64, Vec<f32>, Vec<f32>)> {
    let n = rows.len();
    let narrow = NarrowMatrix::pack(n, k, |row, out| {
        out.values.copy_from_slice(&rows[row].values);
        out.blocks.clone_from(&rows[row].blocks);
        Ok::<(), ()>(())
    });
    let narrow = narrow.unwrap()?;
    let packed = PackedMatrix::pack(k, &[n], |row, out| {
        out.copy_from_slice(&rows[row].values);
        Ok::<(), ()>(())
    });
    let x = noise(k, 5);
    let (mut got, mut want) = (vec![0f32; n], vec![0f32; n]);
    narrow.product(&x, &mut got);
    let out = RowsMut { data: &mut want, n_rows: 1, n_cols: n, stride: n };
    product(Rows::dense(&x, k), &packed.unwrap(), &(0..1), 0..k, None, out).unwrap();
    Some((narrow.bytes(), got, want))
}

#[test]
fn narrow_and_packed_products_are_the_same_bits() {
    let half = |value: f32| half::f16::from_f32(value).to_f32();
    let (n, k) = (100usize, 128usize);
    let n_weights = (n.div_ceil(PANEL_WIDTH) * PANEL_WIDTH * k) as u64;
    let bf16 = noise(n * k, 3);
    let bf16 = bf16.chunks(k).map(|row| NarrowRow {
        values: row.iter().map(|v| half::bf16::from_f32(*v).to_f32()).collect(),
        blocks: Vec::new(),
    });
    for (what, rows, bits) in [
        ("4 bits", rows(n, k, 32, 16.0, half), 5),
        ("8 bits", rows(n, k, 32, 256.0, half), 9),
        ("4 bits, scales of f32", rows(n, k, 32, 16.0, |value| value), 6),
        ("8 bits, short blocks", rows(n, k, 16, 64.0, |value| value), 12),
        ("bf16", bf16.collect(), 16),
    ] {
        let (n_bytes, got, want) = both(&rows, k).unwrap();
        assert_eq!(got, want, "{what}");
        assert_eq!(8 * n_bytes, bits * n_weights, "{what}");
    }
}

#[test]
fn what_cannot_be_had_back_exactly_stays_wide() {
    let mut bent = rows(60, 64, 32, 16.0, |value| value);
    bent[59].values[63] += 1e-4;
    assert!(both(&bent, 64).is_none());
}

#[test]
fn halves_widen_exactly() {
    for bits in (0..=u16::MAX).filter(|bits| bits & 0x7c00 != 0x7c00) {
        let want = half::f16::from_bits(bits).to_f32();
        assert_eq!(widened(bits).to_bits(), want.to_bits(), "{bits:04x}");
    }
}
