// The line on top: which prompt, which model, and what can be done with the run as a whole.
// What must not live here: predictions, anything about tokens.
import { useCell } from "./cell";
import { Select, Tiny } from "./controls/buttons";
import { Icon } from "./controls/icons";
import type { RunHead, SaveKind } from "./messages";
import { useAnswer, usePanel } from "./panel_model";
import { saveAs } from "./saving";
import { thousands } from "./display";

const SAVED_AS: Record<SaveKind, string> = {
  html: "HTML report",
  json: "JSON",
  dot: "DOT graph",
  svg: "SVG picture",
  png: "PNG picture",
  markdown: "Markdown",
};

export function RunHeader({ run }: { run: RunHead }) {
  const panel = usePanel();
  const { settings, models } = useCell(panel.runs);
  const { can } = panel.home;
  const tokens = useAnswer("limpid/tokens", {});
  const model = tokens.status === "answer" ? tokens.result.view.model : null;
  const modelWords = model
    ? `${model.family}, ${model.n_layers} layers of ${model.n_heads} heads and ${thousands(model.d_mlp)} neurons, ${model.dtype} on ${model.device}`
    : run.model;
  const loaded = models.filter(({ state }) => state === "loaded").length;
  return (
    <header class="run-header">
      <h1 title={run.uri || run.title}>{run.title}</h1>
      {can.target ? (
        <button
          type="button"
          class="chip model"
          title={`${modelWords}\nChoose another model${loaded > 1 ? ` (${loaded} are loaded)` : ""}`}
          onClick={() => panel.command("chooseModel")}
        >
          {run.model}
        </button>
      ) : (
        <span class="chip model" title={modelWords}>
          {run.model}
        </span>
      )}
      {model && <span class="dim device">{model.device}</span>}
      <span class="actions">
        {can.history && (
          <Tiny
            label={run.is_pinned ? "Unpin: let the panel move on" : "Pin this run"}
            pressed={run.is_pinned}
            onClick={() => panel.command("pin", { id: run.id, is_pinned: !run.is_pinned })}
          >
            <Icon name="pin" />
          </Tiny>
        )}
        {can.editor && (
          <Tiny
            label="Follow the cursor in the editor"
            pressed={settings.follow}
            onClick={() => panel.command("follow", { follow: !settings.follow })}
          >
            <Icon name="follow" />
          </Tiny>
        )}
        {can.editor && (
          <Tiny label="Open as an editor tab" onClick={() => panel.command("openTab")}>
            <Icon name="tab" />
          </Tiny>
        )}
        {can.save.length > 0 && (
          <Select
            label="Save this run as"
            value=""
            options={[
              { value: "", title: "save…" },
              ...can.save.map((kind) => ({ value: kind, title: SAVED_AS[kind] })),
            ]}
            onChange={(kind) => {
              const chosen = can.save.find((one) => one === kind);
              if (chosen) void saveAs(panel, chosen);
            }}
          />
        )}
      </span>
    </header>
  );
}
