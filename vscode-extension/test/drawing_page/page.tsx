// The drawings by themselves, with data from `?data=`, for measuring and looking at.
// What must not live here: anything a user sees.
import { render } from "preact";
import { useState } from "preact/hooks";
import type { HeadCard } from "../../src/generated/protocol";
import { LensGrid } from "../../webview/lens/lens_grid";
import { AttentionMap } from "../../webview/maps/attention_map";
import type { Selection } from "../../webview/messages";
import { RoutesView } from "../../webview/routes/routes_view";
import { toPng, toSvg } from "../../webview/routes/save";
import type { Surface } from "../../webview/routes/surface";
import "../../webview/scales.css";
import { ROUTES } from "../../webview/questions_params";
import { synthetic, type Drawn } from "./synthetic";

declare global {
  interface Window {
    /** For the harness: what was selected last, and the picture as it would be saved. */
    limpid: { selected: Selection | null; svg(): string; png(): Promise<string>; draw(): void };
  }
}

const query = new URLSearchParams(location.search);
const view = query.get("view") ?? "routes";
let surface: Surface | null = null;

async function data(): Promise<Drawn> {
  const [name = "", size] = (query.get("data") ?? "synthetic:256").split(":");
  if (name === "synthetic") return synthetic(Number(size), 30, ROUTES.max_edges ?? 0);
  return (await (await fetch(`/data/${name}.json`)).json()) as Drawn;
}

function Page({ drawn }: { drawn: Drawn }) {
  const [selection, setSelection] = useState<Selection | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const shared = {
    tokens: drawn.tokens,
    selection,
    pointed,
    onPoint: setPointed,
    numbers: query.has("numbers"),
    onSelect: (what: Selection) => {
      window.limpid.selected = what;
      setSelection(what);
    },
  };
  const { target } = drawn;
  if (view === "lens") return <LensGrid {...shared} target={target} lens={drawn.lens} />;
  if (view === "map") {
    const head = drawn.head as HeadCard;
    const map = (query.get("kind") === "contribution" ? head.contribution_map : head.pattern_map) ?? [];
    const kind = query.get("kind") === "contribution" ? "contribution" : "pattern";
    return (
      <AttentionMap
        map={map}
        tokens={drawn.tokens}
        kind={kind}
        position={head.position}
        onSelect={shared.onSelect}
      />
    );
  }
  return (
    <RoutesView
      {...shared}
      target={target}
      routes={drawn.routes}
      lens={drawn.lens}
      mass={Number(query.get("mass") ?? 0.9)}
      narrow={innerWidth < 520}
      onSurface={(made) => {
        surface = made;
      }}
    />
  );
}

window.limpid = {
  selected: null,
  svg: () => (surface?.scene ? toSvg(surface.scene) : ""),
  draw: () => surface?.draw(),
  png: async () => (surface?.scene ? toPng(surface.scene, 2) : ""),
};
document.body.className = `vscode-${query.get("theme") ?? "light"}`;
const drawn = await data();
const main = document.getElementById("main");
performance.mark("limpid-data");
if (main) render(<Page drawn={drawn} />, main);
