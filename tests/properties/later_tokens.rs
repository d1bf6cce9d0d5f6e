//! Nothing flows from a later token: not into activations, not into logits, gradients, shares or routes.

use crate::gradients::wide;
use limpid_analysis::{
    contributions::attention_contributions, objective::ObjectiveKind, route_build::grow,
    route_prune::Prune,
};
use limpid_engine::{
    cancel::CancelToken,
    device::Compute,
    hook_name::Hook,
    model_pool::Loaded,
    norm::Gradients,
    pos_tensor::to_host,
    trace::{CapturePlan, Trace},
};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace, watched,
};

/// The prompt up to and with this position, and the same with other tokens after it.
fn prompts(tiny: &Tiny, position: usize) -> [Vec<u32>; 3] {
    let ids = tiny.ids();
    let until = ids[..=position].to_vec();
    let mut other = ids.clone();
    for id in &mut other[position + 1..] {
        *id = (*id + 17) % 90;
    }
    [until, ids, other]
}

fn on_all(check: impl Fn(&str, &Loaded, &[Trace; 3], usize)) {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu());
        for position in [0, 1, 6, 12] {
            let traces = prompts(&tiny, position).map(|ids| trace(&loaded, &ids));
            check(&format!("{family} position {position}"), &loaded, &traces, position);
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn activations_and_logits_do_not_see_later_tokens() {
    on_all(|name, loaded, traces, position| {
        let model = &loaded.model;
        let rows_of = |trace: &Trace, layer: usize, hook: Hook| {
            let of = trace.layer(layer, model).unwrap();
            let values = hook.values(model, trace, layer, &of).unwrap();
            bits(&values[..values.len() / trace.n_tokens() * (position + 1)])
        };
        for layer in 0..model.spec.n_layers {
            let here = |hook: &Hook| hook.exists_in(&model.spec) && *hook != Hook::Pattern;
            for hook in Hook::ALL.into_iter().filter(here) {
                let wants = rows_of(&traces[0], layer, hook);
                for trace in &traces[1..] {
                    assert!(rows_of(trace, layer, hook) == wants, "{name} {}", hook.name(layer));
                }
            }
        }
        let logits = traces.each_ref().map(|trace| {
            let rows = trace.resid_after(model.spec.n_layers).narrow(0, position + 1).unwrap();
            bits(&to_host(&model.logits(&rows.tensor().unwrap()).unwrap()).unwrap())
        });
        assert!(logits[0] == logits[1] && logits[0] == logits[2], "{name} logits");
    });
}

#[test]
fn gradients_end_at_the_position_that_is_explained() {
    on_all(|name, loaded, traces, position| {
        let model = &loaded.model;
        let all = crate::gradients::logits(
            model,
            &traces[0].resid_after(model.spec.n_layers).tensor().unwrap(),
        );
        let objective = crate::gradients::objective(&all, position, ObjectiveKind::LogOdds);
        let seeds = [objective.value_and_seed(&crate::gradients::narrow(&all[position])).1];
        for gradients in [Gradients::True, Gradients::Linear] {
            let [first, rest @ ..] = traces.each_ref().map(|trace| {
                watched(|watch| model.backward(trace, &seeds, gradients, watch, None)).unwrap()
            });
            assert_eq!(first.embedding.dims(), [position + 1, model.spec.d_model]);
            assert_eq!(first.knock_out[position], 0.0, "{name}: nothing reads it later");
            for other in rest {
                assert!(wide(&other.embedding) == wide(&first.embedding), "{name}");
                assert!(other.knock_out[..=position] == first.knock_out[..], "{name}");
                assert!(other.knock_out[position..].iter().all(|score| *score == 0.0), "{name}");
                assert!(other.heads == first.heads && other.neurons == first.neurons, "{name}");
            }
        }
    });
}

#[test]
fn shares_of_later_sources_are_exactly_zero() {
    on_all(|name, loaded, traces, position| {
        let (model, n_heads) = (&loaded.model, loaded.model.spec.n_heads);
        for layer in 0..model.spec.n_layers {
            let shares = traces
                .each_ref()
                .map(|trace| attention_contributions(model, trace, layer, &[position]).unwrap());
            let seen = (position + 1) * n_heads;
            for of in &shares {
                assert!(of.attn()[seen..].iter().all(|share| share.to_bits() == 0), "{name}");
                assert!(of.attn()[..seen].iter().all(|share| *share > 0.0), "{name}");
                assert!(of.attn()[..seen] == *shares[0].attn(), "{name} layer {layer}");
            }
        }
    });
}

#[test]
fn routes_start_at_or_before_the_position_that_is_explained() {
    on_all(|name, loaded, traces, position| {
        for prune in [Prune::Mass(0.95), Prune::Lmtt(0.04)] {
            let graphs = traces.each_ref().map(|trace| {
                let cancel = CancelToken::default();
                grow(&loaded.model, trace, position, prune.growth(), &cancel).unwrap()
            });
            for graph in &graphs {
                let (seen, later) = graph.embed_flows.split_at(position + 1);
                assert!(later.iter().all(|flow| *flow == 0.0), "{name} {prune}");
                for (flow, want) in seen.iter().zip(&graphs[0].embed_flows) {
                    assert!((flow - want).abs() < 1e-6, "{name} {prune}: {flow} {want}");
                }
                for edge in prune.apply(graph).edges {
                    assert!(edge.from.position <= edge.to.position, "{name} {prune} {edge:?}");
                    assert!(edge.to.position <= position, "{name} {prune} {edge:?}");
                }
            }
        }
    });
}

#[test]
fn a_lean_trace_sees_no_later_token_either() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu());
        let [until, whole, _] = prompts(&tiny, 8);
        let lean = |ids: &[u32]| {
            watched(|watch| loaded.model.forward(ids, None, CapturePlan::Lean, watch)).unwrap()
        };
        let (short, long) = (lean(&until), lean(&whole));
        for layer in 0..loaded.model.spec.n_layers {
            let z = [&short, &long].map(|trace| {
                let of = trace.layer(layer, &loaded.model).unwrap();
                wide(&of.z.narrow(0, until.len()).unwrap().tensor().unwrap())
            });
            assert!(z[0] == z[1], "{family} layer {layer}");
        }
    }
}
