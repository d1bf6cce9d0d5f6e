//! Fewer edges of a route graph, the strongest first, and what each lower number of them would show: a client's slider looks up,
//! and computes nothing.

use limpid_protocol::route_graph::{EdgeKind, NodeKind, RouteEdge, RouteNode, RouteStep, Routes};

/// Numbers of edges that are told apart, about.
const STEPS: usize = 100;
/// Numbers that are tried in one walk over the edges.
const TRIED: usize = 20;

/// The strongest edges, `max_edges` at most, the strongest first; the nodes they touch, and those the graph is grown from.
///
/// *Cost*: a sort of all edges, and [`STEPS`] additions for each that is left.
pub fn strongest(routes: &Routes, max_edges: usize) -> Routes {
    let all = &routes.edges;
    let kept = strongest_first(all.len(), max_edges, |at| all[at].flow);
    let (nodes, edges) = touched(&routes.nodes, kept.into_iter().map(|at| &all[at]));
    let counts = counts(edges.len());
    let shares = counts.chunks(TRIED).flat_map(|tried| shown_by(&nodes, &edges, tried));
    let steps: Vec<RouteStep> =
        counts.iter().zip(shares).map(|(&edges, shown)| RouteStep { edges, shown }).collect();
    let shown = steps.last().map_or(0.0, |last| last.shown);
    Routes { prune: routes.prune.clone(), shown, nodes, edges, steps }
}

/// Places of the `n_kept` strongest of `n` edges. Of equal ones those nearer the target come first, as they do in a graph: so what
/// comes out of an MLP before what goes in.
pub(super) fn strongest_first(n: usize, n_kept: usize, flow: impl Fn(usize) -> f32) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    let order = |a: &usize, b: &usize| flow(*b).total_cmp(&flow(*a)).then(a.cmp(b));
    if n_kept < n {
        places.select_nth_unstable_by(n_kept, order);
        places.truncate(n_kept);
    }
    places.sort_unstable_by(order);
    places
}

/// The nodes that edges touch and those that a graph is grown from, numbered anew, and the edges between them.
fn touched<'a>(
    nodes: &[RouteNode],
    edges: impl Iterator<Item = &'a RouteEdge> + Clone,
) -> (Vec<RouteNode>, Vec<RouteEdge>) {
    let mut is_touched = starts(nodes);
    for edge in edges.clone() {
        is_touched[edge.from] = true;
        is_touched[edge.to] = true;
    }
    let mut place = vec![0; nodes.len()];
    let mut kept = Vec::new();
    for (at, node) in nodes.iter().enumerate().filter(|(at, _)| is_touched[*at]) {
        place[at] = kept.len();
        kept.push(RouteNode { node: kept.len(), ..node.clone() });
    }
    let moved =
        |edge: &RouteEdge| RouteEdge { from: place[edge.from], to: place[edge.to], ..edge.clone() };
    (kept, edges.map(moved).collect())
}

/// Whether the graph is grown from a node: from the residual leaving the uppermost layer.
fn starts(nodes: &[RouteNode]) -> Vec<bool> {
    let top = nodes.iter().map(|node| node.layer).max();
    let is_start = |node: &RouteNode| node.kind == NodeKind::ResidPost && Some(node.layer) == top;
    nodes.iter().map(is_start).collect()
}

/// Numbers of edges, rising, all of them last: each of the first ones, then ever fewer of many.
fn counts(n: usize) -> Vec<usize> {
    let step = |at: usize| (n as f64).powf(at as f64 / STEPS as f64).round() as usize;
    let mut counts: Vec<usize> =
        if n <= STEPS { (1..=n).collect() } else { (0..=STEPS).map(step).collect() };
    counts.dedup();
    counts
}

/// For each number of edges, rising and at most [`TRIED`], the flow that reaches input tokens over so many of the first.
fn shown_by(nodes: &[RouteNode], edges: &[RouteEdge], tried: &[usize]) -> Vec<f32> {
    let mut from_above: Vec<usize> = (0..edges.len()).collect();
    from_above.sort_by_key(|&at| std::cmp::Reverse(edges[at].to));
    let mut reach = vec![[0f32; TRIED]; nodes.len()];
    for (reach, (node, _)) in
        reach.iter_mut().zip(nodes.iter().zip(starts(nodes))).filter(|(_, (_, start))| *start)
    {
        *reach = [node.flow; TRIED];
    }
    for &at in &from_above {
        let edge = &edges[at];
        // What comes out of an MLP went into it whole.
        let share = if edge.kind == EdgeKind::MlpIn { 1.0 } else { edge.contribution };
        let above = reach[edge.to];
        let first = tried.partition_point(|count| *count <= at);
        for (below, above) in reach[edge.from].iter_mut().zip(above).skip(first) {
            *below += above * share;
        }
    }
    let mut shown = vec![0f32; tried.len()];
    let inputs = nodes.iter().zip(&reach).filter(|(node, _)| node.kind == NodeKind::Embed);
    for (_, reach) in inputs {
        shown.iter_mut().zip(reach).for_each(|(shown, reach)| *shown += reach);
    }
    shown
}
