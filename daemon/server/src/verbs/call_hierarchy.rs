//! The call hierarchy as the route graph: what calls a node is what flows into it, what it calls is where it flows on. Chains
//! in which nothing but the residual stream comes in are one step.

use crate::{
    answering::Desk,
    place::Place,
    positions::Encoding,
    token_table::token_range,
    verbs::{explained, lsp_position, to_lsp},
};
use limpid_protocol::{
    display,
    inspection::Inspection,
    route_graph::{EdgeKind, NodeKind, RouteEdge, RouteNode},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tower_lsp::ls_types::{self as lsp, Uri};

/// Heads named on an edge.
const NAMED_HEADS: usize = 3;

impl Desk {
    /// `textDocument/prepareCallHierarchy`: the top of the route graph of what is explained at the cursor.
    pub(crate) async fn route_top(
        &self,
        at: &lsp::TextDocumentPositionParams,
    ) -> Option<Vec<lsp::CallHierarchyItem>> {
        let spot = Arc::new(self.spot(at)?);
        let of = Arc::clone(&spot);
        let explained = self
            .run("textDocument/prepareCallHierarchy", &spot.place, move |desk, job| {
                explained(desk, &of, job)
            })
            .await;
        let (inspection, ask) = explained.ok()??;
        let place = Arc::new(Place::clone(&spot.place).asking(ask));
        let top =
            inspection.routes.nodes.iter().max_by_key(|node| (node.layer, rank(node.kind)))?;
        let drawing = self.drawing(&at.text_document.uri, &place, &inspection);
        let mut item = drawing.item(top, None);
        item.name = format!(
            "{} after {}",
            display::token(&inspection.target.text),
            drawing.token(top.position)
        );
        let shown = display::flow(inspection.routes.shown);
        item.detail =
            Some(format!("{shown} of flow shown, {} edges", inspection.routes.edges.len()));
        self.analyses.keep_place(place);
        Some(vec![item])
    }

    /// `callHierarchy/incomingCalls`: what flows into a node, most first.
    pub(crate) async fn flows_in(
        &self,
        item: &lsp::CallHierarchyItem,
    ) -> Option<Vec<lsp::CallHierarchyIncomingCall>> {
        let (place, inspection, of) = self.route_node(item).await?;
        let drawing = self.drawing(&item.uri, &place, &inspection);
        let calls = drawing.edges(|edge| edge.to == of).into_iter().filter_map(|edge| {
            let bottom = drawing.below(edge.from);
            let from = drawing.item(drawing.node(bottom)?, Some(edge));
            Some(lsp::CallHierarchyIncomingCall { from_ranges: vec![from.selection_range], from })
        });
        Some(calls.collect())
    }

    /// `callHierarchy/outgoingCalls`: where a node flows on to, most first.
    pub(crate) async fn flows_out(
        &self,
        item: &lsp::CallHierarchyItem,
    ) -> Option<Vec<lsp::CallHierarchyOutgoingCall>> {
        let (place, inspection, of) = self.route_node(item).await?;
        let drawing = self.drawing(&item.uri, &place, &inspection);
        let calls = drawing.edges(|edge| edge.from == of).into_iter().filter_map(|edge| {
            let to = drawing.item(drawing.node(edge.to)?, Some(edge));
            Some(lsp::CallHierarchyOutgoingCall { from_ranges: vec![item.selection_range], to })
        });
        Some(calls.collect())
    }

    fn drawing<'a>(
        &self,
        uri: &'a Uri,
        place: &'a Place,
        inspection: &'a Inspection,
    ) -> Drawing<'a> {
        Drawing { uri, place, inspection, encoding: self.encoding() }
    }

    /// The place and analysis that an item came from, and the node's number in it.
    async fn route_node(
        &self,
        item: &lsp::CallHierarchyItem,
    ) -> Option<(Arc<Place>, Arc<Inspection>, usize)> {
        let data = item.data.as_ref()?;
        let kind: NodeKind = serde_json::from_value(data["kind"].clone()).ok()?;
        let layer_and_position = (data["layer"].as_u64()?, data["position"].as_u64()?);
        let place = self.analyses.place(data["analysis"].as_str()?)?;
        let ask = place.ask.clone();
        let inspection = self
            .run("callHierarchy", &place, move |desk, job| desk.inspection(&ask, job))
            .await
            .ok()?;
        let is_it = |node: &&RouteNode| {
            let at = (node.layer as u64, node.position as u64);
            node.kind == kind && at == layer_and_position
        };
        let node = inspection.routes.nodes.iter().find(is_it)?.node;
        Some((place, inspection, node))
    }
}

/// The order of nodes within a layer, upwards.
fn rank(kind: NodeKind) -> usize {
    match kind {
        NodeKind::Embed => 0,
        NodeKind::ResidMid => 1,
        NodeKind::Mlp => 2,
        NodeKind::ResidPost => 3,
    }
}

/// A route graph as items.
struct Drawing<'a> {
    uri: &'a Uri,
    place: &'a Place,
    inspection: &'a Inspection,
    encoding: Encoding,
}

impl Drawing<'_> {
    fn node(&self, number: usize) -> Option<&RouteNode> {
        self.inspection.routes.nodes.get(number)
    }

    fn edges(&self, wanted: impl Fn(&RouteEdge) -> bool) -> Vec<&RouteEdge> {
        let edges = &self.inspection.routes.edges;
        let mut found: Vec<&RouteEdge> = edges.iter().filter(|edge| wanted(edge)).collect();
        found.sort_by(|a, b| b.flow.total_cmp(&a.flow));
        found
    }

    /// Down the residual stream as long as nothing else comes in.
    fn below(&self, mut number: usize) -> usize {
        while let [only] = self.edges(|edge| edge.to == number)[..]
            && only.kind == EdgeKind::Residual
        {
            number = only.from;
        }
        number
    }

    fn token(&self, position: usize) -> String {
        let token = self.inspection.tokens.get(position);
        token.map_or_else(String::new, |token| display::token(&token.text))
    }

    fn item(&self, node: &RouteNode, edge: Option<&RouteEdge>) -> lsp::CallHierarchyItem {
        let (part, kind) = match node.kind {
            NodeKind::Embed => ("token".to_owned(), lsp::SymbolKind::STRING),
            NodeKind::ResidMid => (format!("L{} residual", node.layer), lsp::SymbolKind::VARIABLE),
            NodeKind::Mlp => (format!("L{} MLP", node.layer), lsp::SymbolKind::FUNCTION),
            NodeKind::ResidPost => (format!("L{} residual", node.layer), lsp::SymbolKind::VARIABLE),
        };
        let by = edge.map_or_else(String::new, |edge| match edge.kind {
            EdgeKind::Attention => format!("attention by {} · ", self.heads(edge)),
            EdgeKind::Residual => "residual · ".to_owned(),
            EdgeKind::MlpIn | EdgeKind::MlpOut => "MLP · ".to_owned(),
        });
        let flow = display::flow(edge.map_or(node.flow, |edge| edge.flow));
        let token = self.inspection.tokens.get(node.position);
        // What the template added stands nowhere: the end of the prompt stands for it.
        let end = lsp_position(&self.place.text, self.place.end(), self.encoding);
        let range = token
            .and_then(|token| token_range(token, self.place, self.encoding))
            .map_or(lsp::Range { start: end, end }, to_lsp);
        // What an item remembers: the analysis and the node.
        let data: Value = json!({
            "analysis": self.place.id, "kind": node.kind, "layer": node.layer, "position": node.position,
        });
        lsp::CallHierarchyItem {
            name: format!("{} {part}", self.token(node.position)),
            kind,
            tags: None,
            detail: Some(format!("{by}{flow} of flow")),
            uri: self.uri.clone(),
            range,
            selection_range: range,
            data: Some(data),
        }
    }

    fn heads(&self, edge: &RouteEdge) -> String {
        let layer = self.node(edge.to).map_or(0, |node| node.layer);
        let mut heads: Vec<_> = edge.heads.iter().collect();
        heads.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
        let named = heads.iter().take(NAMED_HEADS).map(|head| display::head_name(layer, head.head));
        named.collect::<Vec<_>>().join(" ")
    }
}
