//! The route graph for Graphviz: layers bottom to top, tokens left to right.

use limpid_protocol::{
    display::display_token,
    inspection::{Inspection, RouteNode},
};
use std::fmt::Write;

/// The graph of an inspection in the DOT language.
pub fn render(inspection: &Inspection) -> String {
    let mut out = String::from("digraph routes {\n  rankdir=BT;\n  node [fontname=\"monospace\", fontsize=10];\n");
    let routes = &inspection.routes;
    let _ = writeln!(
        out,
        "  label={};\n",
        quoted(&format!("{} · {:.0} % of flow shown", inspection.model.name, 100.0 * routes.shown))
    );
    for node in &routes.nodes {
        let token = inspection
            .tokens
            .get(node.position)
            .map_or_else(String::new, |token| display_token(&token.text));
        let label = format!("{} {:.1}%", describe(node, &token), 100.0 * node.flow);
        let shape = match node.kind.as_str() {
            "mlp" => "box",
            "embed" => "plaintext",
            _ => "ellipse",
        };
        let _ = writeln!(out, "  {} [label={}, shape={shape}];", quoted(&node.node), quoted(&label));
    }
    for edge in &routes.edges {
        let heads: Vec<String> = edge.heads.iter().take(3).map(|h| format!("H{}", h.head)).collect();
        let _ = writeln!(
            out,
            "  {} -> {} [penwidth={:.2}, label={}, tooltip={}];",
            quoted(&edge.from),
            quoted(&edge.to),
            0.5 + 6.0 * edge.flow,
            quoted(&heads.join(" ")),
            quoted(&format!("{} {:.2}%", edge.kind, 100.0 * edge.flow)),
        );
    }
    out.push_str("}\n");
    out
}

fn describe(node: &RouteNode, token: &str) -> String {
    match node.layer {
        Some(layer) => format!("L{layer} {} {token}", node.kind),
        None => token.to_owned(),
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
