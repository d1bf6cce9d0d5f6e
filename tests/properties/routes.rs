//! The route graph: flow is conserved, shares are those of exact contributions, and each pruning rule keeps what it says.
//! *Source*: design section 4.

use limpid_analysis::{
    contributions::{attention_contributions, mlp_contributions, neuron_contributions},
    route_build::{Growth, grow},
    route_graph::{Edge, EdgeKind, NodeId, NodeKind, RouteGraph},
    route_prune::Prune,
};
use limpid_engine::{cancel::CancelToken, device::Compute, model_pool::Loaded, trace::Trace};
use limpid_tests::{
    SMOLLM2, golden_json, load, real_model,
    tiny::{FAMILIES, Tiny},
    trace,
};
use std::collections::{BTreeMap, BTreeSet};

fn graph(loaded: &Loaded, trace: &Trace, growth: Growth) -> RouteGraph {
    let last = trace.n_tokens() - 1;
    grow(&loaded.model, trace, last, growth, &CancelToken::default()).unwrap()
}

fn on_all(check: impl Fn(&str, &Loaded, &Trace)) {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = tiny.load(&Compute::cpu());
        check(family, &loaded, &trace(&loaded, &tiny.ids()));
    }
}

fn on_smollm2(check: impl Fn(&str, &Loaded, &Trace)) {
    let loaded = load(real_model(SMOLLM2), &Compute::cpu());
    let ids: Vec<u32> =
        serde_json::from_value(golden_json("smollm2/p6.json")["token_ids"].clone()).unwrap();
    check(SMOLLM2, &loaded, &trace(&loaded, &ids));
}

fn near(name: &str, got: f32, want: f32, tolerance: f32) {
    assert!((got - want).abs() <= tolerance, "{name}: {got} {want}");
}

#[test]
fn shares_are_above_zero_and_sum_to_one() {
    on_all(|name, loaded, trace| {
        let (model, n_tokens) = (&loaded.model, trace.n_tokens());
        let positions: Vec<usize> = (0..n_tokens).collect();
        for layer in 0..model.spec.n_layers {
            let attention = attention_contributions(model, trace, layer, &positions).unwrap();
            let mlp = mlp_contributions(model, trace, layer, &positions).unwrap();
            let width = n_tokens * model.spec.n_heads;
            for position in 0..n_tokens {
                let row = &attention.attn()[position * width..][..width];
                let neurons = neuron_contributions(model, trace, layer, position).unwrap();
                for (shares, rest) in [
                    (row, attention.resid()[position]),
                    (&mlp.mlp()[position..=position], mlp.resid()[position]),
                    (&neurons.neurons, neurons.resid),
                ] {
                    assert!(shares.iter().chain([&rest]).all(|share| (0.0..=1.0).contains(share)));
                    let sum: f64 = shares.iter().chain([&rest]).map(|s| f64::from(*s)).sum();
                    assert!((sum - 1.0).abs() < 1e-6, "{name} layer {layer} {position}: {sum}");
                }
            }
        }
    });
}

fn check_conserved(name: &str, loaded: &Loaded, trace: &Trace) {
    let graph = graph(loaded, trace, Growth::Flow);
    let embedded: f64 = graph.embed_flows.iter().map(|flow| f64::from(*flow)).sum();
    let all = embedded + f64::from(graph.lost);
    assert!((all - 1.0).abs() < 1e-5, "{name}: {all} of the flow");
    for (layer, nodes) in graph.layers.iter().enumerate() {
        let mut by_head = vec![0f64; loaded.model.spec.n_heads];
        let mut flow_of_layer = 0f64;
        for node in nodes {
            let name = format!("{name} layer {layer} position {}", node.position);
            near(&name, node.mlp + node.mlp_resid, 1.0, 1e-6);
            let shares = &node.attention;
            let drawn: f32 = shares.sources.iter().map(|source| source.share).sum();
            near(&name, drawn + shares.resid + shares.skipped, 1.0, 1e-5);
            assert!(shares.skipped <= 1e-3, "{name} skips {}", shares.skipped);
            for (at, source) in shares.sources.iter().enumerate() {
                let heads = shares.heads_of(at).iter().map(|(_, share)| share).sum();
                near(&name, source.share, heads, 1e-6);
            }
            near(&name, shares.by_head.iter().sum(), drawn, 1e-5);
            for (sum, share) in by_head.iter_mut().zip(&shares.by_head) {
                *sum += f64::from(node.flow_mid() * share);
            }
            flow_of_layer += f64::from(node.flow);
        }
        assert!(flow_of_layer <= 1.0 + 1e-5, "{name} layer {layer}: {flow_of_layer}");
        for (flow, want) in graph.head_flows[layer].iter().zip(by_head) {
            near(name, *flow, want as f32, 1e-5);
        }
    }
}

#[test]
fn flow_that_reaches_tokens_and_what_is_lost_are_all_of_it() {
    on_all(check_conserved);
    on_smollm2(check_conserved);
}

/// A node of the graph is within a thousandth of its exact shares, all parts together.
fn check_exact(name: &str, loaded: &Loaded, trace: &Trace) {
    let n_heads = loaded.model.spec.n_heads;
    for (layer, nodes) in graph(loaded, trace, Growth::Flow).layers.iter().enumerate() {
        let positions: Vec<usize> = nodes.iter().map(|node| node.position).collect();
        let exact = attention_contributions(&loaded.model, trace, layer, &positions).unwrap();
        for (index, node) in nodes.iter().enumerate().step_by(3) {
            let mut wants = exact.attn()[index * trace.n_tokens() * n_heads..]
                [..trace.n_tokens() * n_heads]
                .to_vec();
            let mut error = (node.attention.resid - exact.resid()[index]).abs();
            for (at, source) in node.attention.sources.iter().enumerate() {
                for (head, share) in node.attention.heads_of(at) {
                    let want = &mut wants[source.position as usize * n_heads + *head as usize];
                    error += (share - *want).abs();
                    *want = 0.0;
                }
            }
            // What is left was skipped.
            let skipped: f32 = wants.iter().sum();
            near(&format!("{name} layer {layer} skipped"), node.attention.skipped, skipped, 2e-4);
            assert!(error + skipped <= 2e-3, "{name} layer {layer} {}: {error:e}", node.position);
        }
    }
}

#[test]
fn shares_in_the_graph_are_exact_ones_but_for_what_may_be_left_out() {
    on_all(check_exact);
    on_smollm2(check_exact);
}

type EdgeId = (NodeId, NodeId, EdgeKind);

fn id(edge: &Edge) -> EdgeId {
    (edge.from, edge.to, edge.kind)
}

/// The edges that carry at least `threshold` and hang together with the target, and the flow that reaches tokens over them:
/// straight from the definition, an edge at a time.
fn kept(graph: &RouteGraph, threshold: f32) -> (BTreeSet<EdgeId>, f64) {
    let mut edges = BTreeSet::new();
    let mut reach = BTreeMap::from([(graph.target.position, 1f64)]);
    for (layer, nodes) in graph.layers.iter().enumerate().rev() {
        let mut next: BTreeMap<usize, f64> = BTreeMap::new();
        for node in nodes {
            let Some(reached) = reach.get(&node.position).copied() else { continue };
            let at = |kind| NodeId { layer, kind, position: node.position };
            let (post, mid, mlp) =
                (at(NodeKind::ResidPost), at(NodeKind::ResidMid), at(NodeKind::Mlp));
            let below = |position| match layer {
                0 => NodeId { layer: 0, kind: NodeKind::Embed, position },
                _ => NodeId { layer: layer - 1, kind: NodeKind::ResidPost, position },
            };
            let passes = |share: f32, flow: f32| share > 0.0 && flow * share >= threshold;
            let mut middle = 0f64;
            if passes(node.mlp_resid, node.flow) {
                edges.insert((mid, post, EdgeKind::Residual));
                middle += reached * f64::from(node.mlp_resid);
            }
            if passes(node.mlp, node.flow) {
                edges.insert((mlp, post, EdgeKind::MlpOut));
                edges.insert((mid, mlp, EdgeKind::MlpIn));
                middle += reached * f64::from(node.mlp);
            }
            if middle == 0.0 {
                continue;
            }
            let mut draw = |position: usize, share: f32, kind: EdgeKind| {
                if passes(share, node.flow_mid()) {
                    edges.insert((below(position), mid, kind));
                    *next.entry(position).or_default() += middle * f64::from(share);
                }
            };
            draw(node.position, node.attention.resid, EdgeKind::Residual);
            for source in &node.attention.sources {
                draw(source.position as usize, source.share, EdgeKind::Attention);
            }
        }
        reach = next;
    }
    (edges, reach.values().sum())
}

/// Every flow that an edge carries, ascending: the thresholds at which something changes.
fn thresholds(graph: &RouteGraph) -> Vec<f32> {
    let mut flows: Vec<f32> = Vec::new();
    for node in graph.layers.iter().flatten() {
        flows.extend([node.mlp, node.mlp_resid].map(|share| node.flow * share));
        let sources = node.attention.sources.iter().map(|source| source.share);
        flows.extend(sources.chain([node.attention.resid]).map(|share| node.flow_mid() * share));
    }
    flows.retain(|flow| *flow > 0.0);
    flows.sort_by(f32::total_cmp);
    flows.dedup();
    flows
}

#[test]
fn mass_keeps_the_fewest_edges_that_show_the_share_asked_for() {
    on_all(|name, loaded, trace| {
        let graph = graph(loaded, trace, Growth::Flow);
        let all: f64 = graph.embed_flows.iter().map(|flow| f64::from(*flow)).sum();
        let shown: Vec<(f32, f64)> =
            thresholds(&graph).into_iter().map(|theta| (theta, kept(&graph, theta).1)).collect();
        assert!(shown.is_sorted_by(|a, b| a.1 >= b.1 - 1e-12), "{name}: less flow, fewer edges");
        for share in [0.05f32, 0.3, 0.5, 0.75, 0.9, 0.97, 0.995] {
            if f64::from(share) > all - 1e-4 {
                continue;
            }
            let pruned = Prune::Mass(share).apply(&graph);
            assert!(pruned.shown >= share - 1e-6, "{name} {share}: {}", pruned.shown);
            // The rule sums in f32: what is that near to the share asked for may fall on either side.
            let sure = shown.iter().filter(|(_, shown)| (shown - f64::from(share)).abs() > 1e-6);
            let largest =
                sure.filter(|(_, shown)| *shown > f64::from(share)).map(|(theta, _)| *theta);
            let (want, flow) = kept(&graph, largest.fold(0.0, f32::max));
            let got: BTreeSet<EdgeId> = pruned.edges.iter().map(id).collect();
            assert!(got == want, "{name} {share}: {} edges, {} wanted", got.len(), want.len());
            assert!((f64::from(pruned.shown) - flow).abs() < 1e-5, "{name} {share}");
        }
        // What is lost in nodes that are not expanded cannot be shown: all of the rest is.
        let everything = Prune::Mass(1.0).apply(&graph);
        assert!((f64::from(everything.shown) - all).abs() < 1e-5, "{name} {}", everything.shown);
    });
}

/// Edges with what each of their heads contributes.
fn lmtt(loaded: &Loaded, trace: &Trace, tau: f32) -> BTreeMap<EdgeId, (f32, BTreeMap<usize, f32>)> {
    let prune = Prune::Lmtt(tau);
    let pruned = prune.apply(&graph(loaded, trace, prune.growth()));
    let edges = pruned.edges.iter();
    edges
        .map(|edge| (id(edge), (edge.contribution, edge.heads.iter().copied().collect())))
        .collect()
}

/// Thresholds are applied to the shares of a node before they are renormalised, and those do not depend on the threshold.
/// So of a higher threshold's graph every edge, and every head of it, is in a lower one's; renormalised over fewer parts,
/// each contributes at least as much as there.
fn check_nested(name: &str, loaded: &Loaded, trace: &Trace) {
    let graphs: Vec<_> =
        [0.0, 0.01, 0.04, 0.1, 0.3, 0.9].map(|tau| lmtt(loaded, trace, tau)).into_iter().collect();
    for pair in graphs.windows(2) {
        assert!(pair[1].len() <= pair[0].len(), "{name}");
        for (edge, (contribution, heads)) in &pair[1] {
            let Some((lower, lower_heads)) = pair[0].get(edge) else {
                panic!("{name}: {edge:?} only above the higher threshold")
            };
            for (head, share) in heads {
                assert!(*share >= lower_heads[head] - 1e-6, "{name} {edge:?} head {head}");
            }
            // An attention edge may lose heads; others have one part only.
            if heads.is_empty() {
                assert!(*contribution >= lower - 1e-6, "{name} {edge:?}");
            }
        }
    }
    assert!(graphs[1].len() < graphs[0].len() && !graphs[2].is_empty(), "{name}");
}

#[test]
fn a_higher_lmtt_threshold_yields_a_subgraph() {
    on_all(check_nested);
    on_smollm2(check_nested);
}

#[test]
fn lmtt_parts_are_above_the_threshold_and_each_node_is_whole() {
    on_all(|name, loaded, trace| {
        for tau in [0.01f32, 0.04, 0.1] {
            let mut sums: BTreeMap<NodeId, f32> = BTreeMap::new();
            for ((_, to, kind), (contribution, heads)) in lmtt(loaded, trace, tau) {
                assert!(contribution > tau && heads.values().all(|share| *share > tau), "{name}");
                if kind != EdgeKind::MlpIn {
                    *sums.entry(to).or_default() += contribution;
                }
            }
            for (node, sum) in sums {
                near(&format!("{name} {tau} {node:?}"), sum, 1.0, 1e-5);
            }
        }
    });
}
