//! The route graph for Graphviz: layers bottom to top.

use limpid_protocol::{
    display,
    inspection::Inspection,
    route_graph::{EdgeKind, NodeKind, RouteNode},
};
use std::fmt::Write;

/// The graph of an inspection in the DOT language.
pub(crate) fn render(inspection: &Inspection) -> String {
    let routes = &inspection.routes;
    let title =
        format!("{} · {} of flow shown", inspection.model.name, display::flow(routes.shown));
    let mut out = String::from(
        "digraph routes {\n  rankdir=BT;\n  node [fontname=\"monospace\", fontsize=10];\n",
    );
    let _ = writeln!(out, "  label={};", quoted(&title));
    for (index, node) in routes.nodes.iter().enumerate() {
        let token = inspection
            .tokens
            .get(node.position)
            .map_or_else(String::new, |token| display::token(&token.text));
        let label = format!("{} {}", describe(node, &token), display::flow(node.flow));
        let shape = match node.kind {
            NodeKind::Mlp => "box",
            NodeKind::Embed => "plaintext",
            NodeKind::ResidMid | NodeKind::ResidPost => "ellipse",
        };
        let _ = writeln!(out, "  n{index} [label={}, shape={shape}];", quoted(&label));
    }
    for edge in &routes.edges {
        let heads: Vec<String> =
            edge.heads.iter().take(3).map(|h| format!("H{}", h.head)).collect();
        let kind = match edge.kind {
            EdgeKind::Attention => "attention",
            EdgeKind::Residual => "residual",
            EdgeKind::MlpIn => "mlp_in",
            EdgeKind::MlpOut => "mlp_out",
        };
        let _ = writeln!(
            out,
            "  n{} -> n{} [penwidth={:.2}, label={}, tooltip={}];",
            edge.from,
            edge.to,
            0.5 + 6.0 * edge.flow,
            quoted(&heads.join(" ")),
            quoted(&format!("{kind} {}", display::flow(edge.flow))),
        );
    }
    out.push_str("}\n");
    out
}

fn describe(node: &RouteNode, token: &str) -> String {
    match node.kind {
        NodeKind::Embed => token.to_owned(),
        NodeKind::ResidMid => format!("L{} mid {token}", node.layer),
        NodeKind::ResidPost => format!("L{} post {token}", node.layer),
        NodeKind::Mlp => format!("L{} MLP {token}", node.layer),
    }
}

/// A quoted DOT string: backslash, quote and line ends escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
