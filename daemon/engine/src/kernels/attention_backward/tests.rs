//! The way back through attention: true gradients against differences of the definition, linear ones against the frozen
//! pattern, and the knock-out estimate against patterns in which the key is masked.

use crate::kernels::attention_backward::{Back, attention_backward};
use crate::kernels::{
    Rows,
    attention::{
        plain_twin::{Case, Plain, cases, dot},
        visible,
    },
};
use proptest::prelude::{ProptestConfig, proptest};

fn back_of(case: &Case, is_true: bool) -> Back {
    let z: Vec<f32> = case.plain().z().iter().map(|z| *z as f32).collect();
    let d_q = case.d_q();
    attention_backward(
        case.rows(),
        Rows::dense(&z, d_q),
        Rows::dense(&case.g_z, d_q),
        &case.shape,
        is_true,
    )
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// The slope of `g_z . z` at each value that `pick` picks.
fn slopes(plain: &Plain, g_z: &[f64], pick: fn(&mut Plain) -> &mut Vec<f64>) -> Vec<f64> {
    let h = 1e-5;
    (0..pick(&mut plain.clone()).len())
        .map(|at| {
            let moved = |by: f64| {
                let mut plain = plain.clone();
                pick(&mut plain)[at] += by;
                dot(&plain.z(), g_z)
            };
            (moved(h) - moved(-h)) / (2.0 * h)
        })
        .collect()
}

/// Relative to the largest value, for gradients.
const GRADIENT: f64 = 1e-5;
/// For the estimate, which divides a difference of products by as little as a hundredth.
const ESTIMATE: f64 = 2e-4;

fn close(what: &str, got: &[f32], want: &[f64], case: &Case) {
    let tolerance = if what == "knock-out" { ESTIMATE } else { GRADIENT };
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1f64, |max, value| max.max(value.abs()));
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(error < tolerance * scale, "{what} {at}: {got} {want} {:?}", case.shape);
    }
}

/// Gradient at the values: `sum_q A[q, s] g_z[q]` over the heads that read them.
fn frozen_g_v(case: &Case) -> Vec<f64> {
    let (plain, g_z, d) = (case.plain(), wide(&case.g_z), case.shape.d_head);
    let group = case.shape.n_heads / case.shape.n_key_value_heads;
    let mut out = vec![0f64; case.v.len()];
    for head in 0..case.shape.n_heads {
        for query in 0..case.n_queries {
            for (key, weight) in plain.pattern(query, head, None).iter().enumerate() {
                let out = &mut out[key * case.d_kv() + head / group * d..][..d];
                for (out, g) in out.iter_mut().zip(plain.of_query(&g_z, query, head)) {
                    *out += weight * g;
                }
            }
        }
    }
    out
}

/// What masking each key from every later query would take from `g_z . z`, exactly where the rest of a row weighs more
/// than a hundredth, else with that hundredth in place of the rest.
fn knock_out(case: &Case) -> Vec<f64> {
    let (plain, g_z) = (case.plain(), wide(&case.g_z));
    let mut out = vec![0f64; case.n_keys];
    for head in 0..case.shape.n_heads {
        for query in 0..case.n_queries {
            let at = case.shape.first_query + query;
            let pattern = plain.pattern(query, head, None);
            let z = plain.weighted(&pattern, head);
            let g = plain.of_query(&g_z, query, head);
            for key in visible(&case.shape, at).filter(|key| *key < at) {
                let others = pattern.iter().enumerate().filter(|(other, _)| *other != key);
                let rest: f64 = others.map(|(_, weight)| weight).sum();
                out[key] += if rest >= 0.01 {
                    let without = plain.weighted(&plain.pattern(query, head, Some(key)), head);
                    dot(g, &z) - dot(g, &without)
                } else {
                    let v = plain.of_key(&plain.v, key, head);
                    -pattern[key] / 0.01 * (dot(g, &z) - dot(g, v))
                };
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn true_gradients_are_the_slopes_of_the_definition(case in cases(9, 4, &[1, 2, 3])) {
        let (back, plain, g_z) = (back_of(&case, true), case.plain(), wide(&case.g_z));
        close("g_q", &back.g_q.unwrap(), &slopes(&plain, &g_z, |plain| &mut plain.q), &case);
        close("g_k", &back.g_k.unwrap(), &slopes(&plain, &g_z, |plain| &mut plain.k), &case);
        close("g_v", &back.g_v, &slopes(&plain, &g_z, |plain| &mut plain.v), &case);
        close("knock-out", &back.knock_out, &knock_out(&case), &case);
    }

    #[test]
    fn linear_gradients_and_estimates_are_those_of_frozen_patterns(case in cases(70, 40, &[3, 8, 17, 33])) {
        let (linear, true_) = (back_of(&case, false), back_of(&case, true));
        assert!(linear.g_q.is_none() && linear.g_k.is_none());
        let (want, estimate) = (frozen_g_v(&case), knock_out(&case));
        for back in [&linear, &true_] {
            close("g_v", &back.g_v, &want, &case);
            close("knock-out", &back.knock_out, &estimate, &case);
        }
        // The slope along a direction in all of q or k at once.
        let (plain, g_z, h) = (case.plain(), wide(&case.g_z), 1e-4);
        for (got, pick) in [
            (&true_.g_q, (|plain| &mut plain.q) as fn(&mut Plain) -> &mut Vec<f64>),
            (&true_.g_k, |plain| &mut plain.k),
        ] {
            let got = got.as_ref().unwrap();
            for step in 1..4 {
                let direction: Vec<f64> = (0..got.len()).map(|at| (1.0 + (at * step) as f64).sin()).collect();
                let moved = |by: f64| {
                    let mut plain = plain.clone();
                    for (value, direction) in pick(&mut plain).iter_mut().zip(&direction) {
                        *value += by * direction;
                    }
                    dot(&plain.z(), &g_z)
                };
                let (slope, along) = ((moved(h) - moved(-h)) / (2.0 * h), dot(&wide(got), &direction));
                // Where a row sees one key, what is left of its gradient is rounding.
                let rounding = ((case.n_queries * case.shape.n_heads) as f64).sqrt();
                let scale = 1.0 + rounding + wide(got).iter().map(|g| g.abs()).sum::<f64>();
                assert!((along - slope).abs() < 1e-5 * scale, "{along} {slope} {:?}", case.shape);
            }
        }
    }

    #[test]
    fn a_key_that_is_not_finite_reaches_the_queries_that_see_it_and_no_others(
        case in cases(70, 10, &[3, 17]),
        place in 0usize..80,
    ) {
        let key = place % case.n_keys.max(1);
        let (clean, mut poisoned) = (back_of(&case, true).g_q.unwrap(), case.clone());
        let row = key * case.d_kv()..((key + 1) * case.d_kv()).min(case.k.len());
        poisoned.k[row].fill(f32::NAN);
        let got = back_of(&poisoned, true).g_q.unwrap();
        for query in 0..case.n_queries {
            let row = query * case.d_q()..(query + 1) * case.d_q();
            if visible(&case.shape, case.shape.first_query + query).contains(&key) {
                assert!(got[row].iter().all(|g| g.is_nan()), "query {query} key {key}");
            } else {
                assert_eq!(got[row.clone()], clean[row], "query {query} key {key}");
            }
        }
    }
}

#[test]
fn without_queries_all_gradients_are_zero() {
    let shape = crate::attention::AttentionShape {
        n_heads: 2,
        n_key_value_heads: 1,
        d_head: 3,
        scale: 1.0,
        window: None,
        first_query: 4,
    };
    let (none, keys) = (Rows::dense(&[], 6), [0.5f32; 12]);
    for is_true in [false, true] {
        let keys = Rows::dense(&keys, 3);
        let back = attention_backward((none, keys, keys), none, none, &shape, is_true);
        assert_eq!((back.g_v, back.knock_out), (vec![0.0; 12], vec![0.0; 4]));
        assert_eq!(back.g_q, is_true.then(Vec::new));
        assert_eq!(back.g_k, is_true.then(|| vec![0.0; 12]));
    }
}
