//! Which tokens a prediction rests on most, by flow: what documentHighlight marks.

use limpid_protocol::{inspection::Inspection, route_graph::NodeKind};

/// Tokens marked at most.
const MARKED: usize = 5;
/// A token with less flow than this is not marked.
const FAINTEST: f32 = 0.01;

/// Indices of the tokens, most flow first. The first token is left out (everything reads it), and so is the target's own position.
pub(crate) fn rests_on(inspection: &Inspection) -> Vec<usize> {
    let mut embeds: Vec<_> = inspection
        .routes
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Embed && node.flow >= FAINTEST)
        .filter(|node| node.position != 0 && node.position != inspection.target.position)
        .collect();
    embeds.sort_by(|a, b| b.flow.total_cmp(&a.flow).then(a.position.cmp(&b.position)));
    embeds.into_iter().take(MARKED).map(|node| node.position).collect()
}
