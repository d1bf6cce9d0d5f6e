//! Fewer edges of a graph: the strongest, and what each number of them shows is what a graph of those edges shows.

use limpid_analysis::{
    route_build::grow,
    route_prune::Prune,
    views::{
        inspection::{Inspector, Question},
        route_steps::strongest,
    },
};
use limpid_engine::{cancel::CancelToken, device::Compute, model_pool::Loaded, trace::Trace};
use limpid_tests::{
    tiny::{FAMILIES, Tiny},
    trace, watched,
};
use std::sync::Arc;

/// Flow that reaches input tokens over edges `(from, to, share)` of nodes `(flow, is_start, is_input)`, walked up from the inputs.
fn walked(nodes: &[(f32, bool, bool)], edges: &[(usize, usize, f32)]) -> f32 {
    fn reached(node: usize, nodes: &[(f32, bool, bool)], edges: &[(usize, usize, f32)]) -> f32 {
        let (flow, is_start, _) = nodes[node];
        if is_start {
            return flow;
        }
        let up = edges.iter().filter(|(from, _, _)| *from == node);
        up.map(|(_, to, share)| share * reached(*to, nodes, edges)).sum()
    }
    let inputs = (0..nodes.len()).filter(|at| nodes[*at].2);
    inputs.map(|input| reached(input, nodes, edges)).sum()
}

fn inspector(loaded: &Arc<Loaded>, trace: &Arc<Trace>, question: &Question) -> Inspector {
    let (loaded, trace) = (Arc::clone(loaded), Arc::clone(trace));
    watched(|watch| Inspector::new(loaded, trace, question, [], watch)).unwrap()
}

fn near(name: &str, got: f32, want: f32) {
    assert!((got - want).abs() < 1e-5, "{name}: {got} {want}");
}

#[test]
fn a_step_shows_what_its_edges_show() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = Arc::new(tiny.load(&Compute::cpu()));
        let trace = Arc::new(trace(&loaded, &tiny.ids()));
        let of = |question| inspector(&loaded, &trace, &question).routes();
        let answer = trace.n_tokens() - 2..trace.n_tokens();
        for answer in [None, Some(answer)] {
            let prune = Prune::Mass(0.98);
            let whole = of(Question { prune, answer, ..Question::DEFAULT });
            let n = whole.edges.len();
            let all = strongest(&whole, usize::MAX);
            assert_eq!((all.nodes.len(), all.edges.len()), (whole.nodes.len(), n), "{family}");
            near(family, all.shown, whole.shown);
            assert!(all.edges.is_sorted_by(|a, b| a.flow >= b.flow));
            assert_eq!(all.steps.last().map(|step| step.edges), Some(n));
            assert!(all.steps.is_sorted_by(|a, b| a.edges < b.edges && a.shown <= b.shown));
            assert!(all.steps.len() > 50 && all.steps.len() <= 101, "{}", all.steps.len());
            let top = whole.nodes.iter().map(|node| node.layer).max();
            for step in &all.steps {
                let few = strongest(&whole, step.edges);
                let name = format!("{family} {} of {n}", step.edges);
                assert_eq!(few.edges.len(), step.edges, "{name}");
                near(&name, few.shown, step.shown);
                assert!(few.nodes.iter().enumerate().all(|(at, node)| node.node == at));
                let is_start = |kind: &str, layer| kind == "resid_post" && Some(layer) == top;
                let nodes: Vec<_> = few
                    .nodes
                    .iter()
                    .map(|node| {
                        let kind = node.kind.as_str();
                        (node.flow, is_start(kind, node.layer), kind == "embed")
                    })
                    .collect();
                let edges: Vec<_> = few
                    .edges
                    .iter()
                    .map(|edge| {
                        let is_whole = edge.kind.as_str() == "mlp_in";
                        (edge.from, edge.to, if is_whole { 1.0 } else { edge.contribution })
                    })
                    .collect();
                let is_touched = |at: usize| edges.iter().any(|(a, b, _)| *a == at || *b == at);
                assert!((0..nodes.len()).all(|at| nodes[at].1 || is_touched(at)), "{name}");
                if step.edges <= 40 {
                    near(&name, few.shown, walked(&nodes, &edges));
                }
            }
        }
    }
}

#[test]
fn a_step_shows_what_pruning_to_its_weakest_edge_shows() {
    for family in FAMILIES {
        let tiny = Tiny::open(family);
        let loaded = Arc::new(tiny.load(&Compute::cpu()));
        let trace = Arc::new(trace(&loaded, &tiny.ids()));
        let prune = Prune::Mass(0.99);
        let question = Question { prune, ..Question::DEFAULT };
        let whole = inspector(&loaded, &trace, &question).routes();
        let cancel = CancelToken::default();
        let last = trace.n_tokens() - 1;
        let graph = grow(&loaded.model, &trace, last, prune.growth(), &cancel).unwrap();
        for mass in [0.1, 0.3, 0.5, 0.7, 0.9, 0.95] {
            let pruned = Prune::Mass(mass).apply(&graph);
            let weakest = pruned.edges.iter().map(|edge| edge.flow).fold(1.0, f32::min);
            let n = whole.edges.iter().filter(|edge| edge.flow >= weakest).count();
            near(&format!("{family} {mass}"), strongest(&whole, n).shown, pruned.shown);
        }
    }
}
