//! Attention and its patterns against the definition; rows alone against rows together; what is not finite stays where it is seen.

use crate::kernels::attention::{
    RowKind, attention,
    plain_twin::{Case, cases, dot},
    rows_by_head, visible,
};
use crate::kernels::{Rows, RowsMut};
use proptest::prelude::{ProptestConfig, proptest};

const WIDTHS: &[usize] = &[1, 3, 5, 8, 16, 17, 33, 64];

fn z_of(case: &Case) -> Vec<f32> {
    let mut out = vec![f32::NAN; case.n_queries * case.d_q()];
    let (q, k, v) = case.rows();
    let rows =
        RowsMut { data: &mut out, n_rows: case.n_queries, n_cols: case.d_q(), stride: case.d_q() };
    attention(q, k, v, &case.shape, rows);
    out
}

/// The case with only one of its queries, and no key after it.
fn alone(case: &Case, query: usize) -> Case {
    let (d_q, d_kv) = (case.d_q(), case.d_kv());
    let at = case.shape.first_query + query;
    let mut one = case.clone();
    (one.n_queries, one.n_keys, one.shape.first_query) = (1, at + 1, at);
    one.q = case.q[query * d_q..(query + 1) * d_q].to_vec();
    one.k.truncate((at + 1) * d_kv);
    one.v.truncate((at + 1) * d_kv);
    one
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check(case: &Case) {
    let (got, plain) = (z_of(case), case.plain());
    for (at, (got, want)) in got.iter().zip(plain.z()).enumerate() {
        assert!((f64::from(*got) - want).abs() < 4e-6, "{at}: {got} {want} {:?}", case.shape);
    }
    let (n_queries, n_keys, d_q) = (case.n_queries, case.n_keys, case.d_q());
    let (q, k, v) = case.rows();
    let patterns = rows_by_head(q, k, &case.shape, RowKind::Pattern);
    let dots = rows_by_head(q, v, &case.shape, RowKind::Dots);
    for head in 0..case.shape.n_heads {
        for query in 0..n_queries {
            let row = (head * n_queries + query) * n_keys..(head * n_queries + query + 1) * n_keys;
            let seen = visible(&case.shape, case.shape.first_query + query);
            let want = plain.pattern(query, head, None);
            for (key, got) in patterns[row.clone()].iter().enumerate() {
                assert!((f64::from(*got) - want[key]).abs() < 3e-6, "{key} {:?}", case.shape);
                assert!(seen.contains(&key) || got.to_bits() == 0, "{key} is masked: {got}");
            }
            for (key, got) in dots[row].iter().enumerate().take(seen.end) {
                let want =
                    dot(plain.of_query(&plain.q, query, head), plain.of_key(&plain.v, key, head));
                assert!((f64::from(*got) - want).abs() < 1e-5, "{key} {:?}", case.shape);
            }
        }
    }
    for query in 0..n_queries {
        let row = &got[query * d_q..(query + 1) * d_q];
        assert_eq!(bits(&z_of(&alone(case, query))), bits(row), "query {query} {:?}", case.shape);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn attention_is_its_definition_and_rows_do_not_depend_on_each_other(case in cases(75, 60, WIDTHS)) {
        check(&case);
    }

    #[test]
    fn what_is_not_finite_reaches_the_queries_that_see_it_and_no_others(
        case in cases(70, 10, &[3, 8, 17]),
        place in 0usize..80,
        which in 0usize..6,
    ) {
        let key = place % case.n_keys.max(1);
        let value = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][which % 3];
        let (clean, mut poisoned) = (z_of(&case), case.clone());
        let row = key * case.d_kv()..((key + 1) * case.d_kv()).min(case.k.len());
        let rows = if which < 3 { &mut poisoned.k } else { &mut poisoned.v };
        rows[row].fill(value);
        let got = z_of(&poisoned);
        for query in 0..case.n_queries {
            let row = query * case.d_q()..(query + 1) * case.d_q();
            if visible(&case.shape, case.shape.first_query + query).contains(&key) {
                assert!(got[row].iter().all(|z| !z.is_finite()), "query {query} key {key} {value}");
            } else {
                assert_eq!(bits(&got[row.clone()]), bits(&clean[row]), "query {query} key {key}");
            }
        }
    }
}

#[test]
fn sharp_patterns_have_exact_zeros_and_a_query_alone_sees_itself() {
    let (q, k, v) = ([30.0f32, 30.0], [5.0f32, -5.0], [1.0f32, 7.0]);
    let shape = crate::attention::AttentionShape {
        n_heads: 1,
        n_key_value_heads: 1,
        d_head: 1,
        scale: 1.0,
        window: None,
        first_query: 0,
    };
    let patterns = rows_by_head(Rows::dense(&q, 1), Rows::dense(&k, 1), &shape, RowKind::Pattern);
    assert_eq!(patterns, [1.0, 0.0, 1.0, 0.0]);
    let mut out = [0f32; 2];
    let rows = RowsMut { data: &mut out, n_rows: 2, n_cols: 1, stride: 1 };
    attention(Rows::dense(&q, 1), Rows::dense(&k, 1), Rows::dense(&v, 1), &shape, rows);
    assert_eq!(out, [1.0, 1.0]);
}
