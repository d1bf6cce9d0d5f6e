//! The turn of one row against complex numbers in f64; partial turns; the way back.

use crate::kernels::rotary::turn;
use proptest::prelude::{ProptestConfig, prop, proptest};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn pairs_turn_like_complex_numbers_and_the_rest_stays(
        half in 0usize..9,
        kept in 0usize..7,
        n_heads in 1usize..4,
        seed in prop::collection::vec((-5f32..5.0, -5f32..5.0, -7f64..7.0), 64),
    ) {
        let d_head = 2 * half + kept;
        if d_head == 0 {
            return Ok(());
        }
        let value = |at: usize, pick: fn(&(f32, f32, f64)) -> f32| pick(&seed[at % seed.len()]);
        let x: Vec<f32> = (0..n_heads * d_head).map(|at| value(at, |s| s.0)).collect();
        let y: Vec<f32> = (0..n_heads * d_head).map(|at| value(at, |s| s.1)).collect();
        let cos: Vec<f32> = (0..half).map(|pair| seed[pair].2.cos() as f32).collect();
        let sin: Vec<f32> = (0..half).map(|pair| seed[pair].2.sin() as f32).collect();
        let turned = |x: &[f32], back: bool| {
            let mut out = vec![f32::NAN; x.len()];
            turn(x, d_head, &cos, &sin, back, &mut out);
            out
        };
        for back in [false, true] {
            let out = turned(&x, back);
            for (x, out) in x.chunks_exact(d_head).zip(out.chunks_exact(d_head)) {
                for pair in 0..half {
                    let (a, b) = (f64::from(x[pair]), f64::from(x[pair + half]));
                    let angle = if back { -seed[pair].2 } else { seed[pair].2 };
                    let (re, im) = (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin());
                    assert!((f64::from(out[pair]) - re).abs() < 2e-6, "{pair}");
                    assert!((f64::from(out[pair + half]) - im).abs() < 2e-6, "{pair}");
                }
                assert_eq!(&out[2 * half..], &x[2 * half..]);
            }
        }
        let there_and_back = turned(&turned(&x, false), true);
        for (x, again) in x.iter().zip(there_and_back) {
            assert!((x - again).abs() < 4e-6);
        }
        // Turning back is the transpose: (R x) . y = x . (R^T y).
        let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
        let (there, back) = (dot(&turned(&x, false), &y), dot(&x, &turned(&y, true)));
        assert!((there - back).abs() < 1e-4, "{there} {back}");
    }
}
