// The route graph in Graphviz' language, letter for letter as `limpid inspect --format dot` writes it: a run in the editor is of a
// text that need not be in a file, so the command-line program cannot be asked for it.
import type { RouteNode, RoutesView, TableToken } from "./generated/protocol";
import { flow } from "../webview/display";

/** A string inside double quotes of DOT. */
function quoted(text: string): string {
  const inside = text
    .replace(/[\\"]/g, (c) => `\\${c}`)
    .replaceAll("\n", "\\n")
    .replace(/\p{Cc}/gu, "");
  return `"${inside}"`;
}

function describe({ kind, layer }: RouteNode, token: string): string {
  switch (kind) {
    case "embed":
      return token;
    case "resid_mid":
      return `L${layer} mid ${token}`;
    case "mlp":
      return `L${layer} MLP ${token}`;
    default:
      return `L${layer} post ${token}`;
  }
}

const SHAPES: Partial<Record<RouteNode["kind"], string>> = { embed: "plaintext", mlp: "box" };

export function dot(model: string, { routes }: RoutesView, tokens: readonly TableToken[]): string {
  const nodes = routes.nodes.map((node, at) => {
    const label = `${describe(node, tokens[node.position]?.display ?? "")} ${flow(node.flow)}`;
    return `  n${at} [label=${quoted(label)}, shape=${SHAPES[node.kind] ?? "ellipse"}];`;
  });
  const edges = routes.edges.map((edge) => {
    const heads = edge.heads.slice(0, 3).map(({ head }) => `H${head}`);
    const width = Math.fround(0.5 + 6 * edge.flow).toFixed(2);
    const tooltip = quoted(`${edge.kind} ${flow(edge.flow)}`);
    return `  n${edge.from} -> n${edge.to} [penwidth=${width}, label=${quoted(heads.join(" "))}, tooltip=${tooltip}];`;
  });
  return [
    "digraph routes {",
    "  rankdir=BT;",
    '  node [fontname="monospace", fontsize=10];',
    `  label=${quoted(`${model} · ${flow(routes.shown)} of flow shown`)};`,
    ...nodes,
    ...edges,
    "}",
    "",
  ].join("\n");
}
