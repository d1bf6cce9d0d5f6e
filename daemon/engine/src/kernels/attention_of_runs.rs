//! Attention of many changed runs of one prompt at once: each run's queries see the clean prompt's first keys, laid out once for all
//! runs, and behind them the run's own. Row by row the same bits as `attention` on that run alone.

use crate::{
    attention::AttentionShape,
    attention_of_runs::{QuerySpan, RunKeys},
    kernels::{
        Rows, RowsMut,
        attention::{ForwardBlock, HeadKeys, KeyPart, QUERIES, head_rows},
        product::split_columns,
    },
};
use pulp::Arch;
use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Keys and values.
pub type KeysValues<'a> = (Rows<'a>, Rows<'a>);

struct Task<'a, 'b> {
    head: usize,
    run: usize,
    first_row: usize,
    first_query: usize,
    out: &'a mut [&'b mut [f32]],
}

fn by_head((k, v): KeysValues<'_>, shape: &AttentionShape, head: usize) -> (HeadKeys, HeadKeys) {
    let d_head = shape.d_head;
    (HeadKeys::new(k, head, d_head, true, false), HeadKeys::new(v, head, d_head, false, true))
}

fn rows_of<'a>(x: Rows<'a>, start: usize, n_rows: usize) -> Rows<'a> {
    Rows { data: x.data.get(start * x.stride..).unwrap_or_default(), n_rows, ..x }
}

/// `z` of every query of every run.
///
/// *Shapes*: q, out `[queries, n_heads * d_head]`; clean keys and values `[pos, n_key_value_heads * d_head]`; the runs' own
/// `[rows, ..]`, a run's side by side. The spans tile the queries in order.
pub fn attention_of_runs(
    q: Rows<'_>,
    clean: KeysValues<'_>,
    own: KeysValues<'_>,
    (runs, spans): (&[RunKeys], &[QuerySpan]),
    shape: &AttentionShape,
    out: RowsMut<'_>,
) {
    let (d_head, n_kv) = (shape.d_head, shape.n_key_value_heads);
    let group = shape.n_heads / n_kv;
    let n_clean = runs.iter().map(|run| run.n_clean).max().unwrap_or(0);
    let first = (rows_of(clean.0, 0, n_clean), rows_of(clean.1, 0, n_clean));
    let shared: Vec<_> =
        (0..n_kv).into_par_iter().map(|head| by_head(first, shape, head)).collect();
    let prepare = |at: usize| {
        let rows = &runs[at / n_kv].rows;
        let part = |x| rows_of(x, rows.start, rows.len());
        by_head((part(own.0), part(own.1)), shape, at % n_kv)
    };
    let owned: Vec<_> = (0..runs.len() * n_kv).into_par_iter().map(prepare).collect();

    let mut columns = split_columns(out, &vec![d_head; shape.n_heads]);
    let mut tasks = Vec::new();
    for (head, columns) in columns.iter_mut().enumerate() {
        let (mut rest, mut first_row) = (columns.as_mut_slice(), 0);
        for span in spans {
            for start in (0..span.n_rows).step_by(QUERIES) {
                let (out, behind) = rest.split_at_mut(QUERIES.min(span.n_rows - start));
                rest = behind;
                let n_rows = out.len();
                let first_query = span.first_query + start;
                tasks.push(Task { head, run: span.run, first_row, first_query, out });
                first_row += n_rows;
            }
        }
    }
    let arch = Arch::new();
    let run_task = |scratch: &mut Vec<f32>, task: Task<'_, '_>| {
        let run = &runs[task.run];
        let (keys, values) = &shared[task.head / group];
        let (own_keys, own_values) = &owned[task.run * n_kv + task.head / group];
        let parts = [
            KeyPart { keys, values, first: 0, n_keys: run.n_clean },
            KeyPart {
                keys: own_keys,
                values: own_values,
                first: run.n_clean,
                n_keys: run.rows.len(),
            },
        ];
        let hidden: Vec<_> = run.hidden.iter().filter(|hidden| hidden.is_of(task.head)).collect();
        let forced: Vec<_> = run.forced.iter().filter(|row| row.head == task.head).collect();
        arch.dispatch(ForwardBlock {
            q: head_rows(q, task.head, d_head, task.first_row..task.first_row + task.out.len()),
            parts: &parts,
            first_query: task.first_query,
            shape,
            hidden: &hidden,
            forced: &forced,
            scratch,
            out: task.out,
        });
    };
    tasks.into_par_iter().with_max_len(16).for_each_init(Vec::new, run_task);
}
