// What passes between the panel and its home, typed both ways. The extension imports this file too, so it names no DOM type.
// What must not live here: how either side carries it out.
import type {
  ComponentId,
  EdgeKind,
  EffectRow,
  Methods,
  ModelRow,
  Objective,
  Prediction,
  Subject,
  Target,
} from "../src/generated/protocol";

export type Method = keyof Methods;

/** A run to compare with: an earlier one, by its `RunHead.id`, which the home turns into `{ analysis }`; or a subject. */
export type CompareWith = Subject | { run: string };

/** Params of a method without what the home fills in: the run's subject, and the token for partial results. */
export type Ask<M extends Method> = M extends "limpid/compare"
  ? Omit<Methods[M]["params"], "subject" | "with"> & { with: CompareWith[] }
  : Omit<Methods[M]["params"], "subject" | "partial_result_token">;

/** Something of a run that can be looked at. */
export type Selection =
  | { kind: "position"; position: number }
  | { kind: "span"; start: number; end: number }
  | { kind: "node"; node: ComponentId }
  | { kind: "edge"; from: ComponentId; to: ComponentId; edge: EdgeKind }
  | { kind: "head"; layer: number; head: number; position?: number }
  | { kind: "mlp"; layer: number; position?: number }
  | { kind: "neuron"; layer: number; neuron: number; position?: number };

/** What went wrong, calmly: a sentence, and what can be done about it. */
export interface Problem {
  /** `error.data.kind` of the protocol, or one of the editor's own. */
  kind: string;
  /** One sentence that says what and why. */
  message: string;
  /** Ways out, each a button. */
  ways: { title: string; command: string; argument?: unknown }[];
}

/** One inspection, as lists show it. */
export interface RunHead {
  /** Names the run on both sides. */
  id: string;
  /** `france.prompt`, `notes.md:3-9`. */
  title: string;
  /** The document. */
  uri: string;
  model: string;
  target: Target | null;
  /** The best predictions at the target, three at most. */
  predictions: Prediction[];
  n_tokens: number;
  objective: Objective | null;
  /** Milliseconds from the question to the first answer. */
  took_ms: number;
  /** The first answer came from what was traced before: nothing was computed anew. Left out: not known. */
  was_cached?: boolean;
  /** When it was made, milliseconds since 1970. */
  at: number;
  is_pinned: boolean;
  /** The text has changed since. */
  is_stale: boolean;
}

/** What the editor is set to. */
export interface PanelSettings {
  /** Share of the flow that the routes show at first, 0..1. */
  routes_mass: number;
  /** Attribution method that heat shows. */
  method: string;
  /** Numbers beside every colour. */
  numbers: boolean;
  /** The panel follows the cursor. */
  follow: boolean;
  /** Milliseconds that measuring may take by itself. */
  effects_budget_ms: number;
}

/** From the home to the panel. */
export type ToPanel =
  /** Which run is shown, and what else there is. `shown` null: none yet, and `problem` or `busy` may say why. */
  | {
      type: "runs";
      shown: RunHead | null;
      history: RunHead[];
      problem: Problem | null;
      busy: { message: string; share: number | null } | null;
      settings: PanelSettings;
      models: ModelRow[];
      /** Notes on components of the shown run's model, by the component's name: `L9H6`, `L14 N873`, `MLP L3`. */
      notes: Record<string, string>;
    }
  | { type: "answer"; id: number; result: unknown }
  | { type: "failed"; id: number; problem: Problem }
  /** A piece of a request that streams: the `value` of its `$/progress`. */
  | { type: "partial"; id: number; value: unknown }
  /** The pointer or cursor in the editor rests on a token; null: on none. */
  | { type: "point"; token: number | null }
  /** The editor asks the panel to show something of the run shown. */
  | { type: "open"; what: Selection }
  /** The editor asks for a section to be opened and brought into view, and for what is offered there to be done: `switchOff` adds
   * the selected component to the switches, `clearSwitches` empties them, `last` compares with the run before of another text,
   * `models` with every loaded model. */
  | {
      type: "section";
      name: "effects" | "compare" | "lens" | "routes" | "parts";
      act?: "switchOff" | "clearSwitches" | "last" | "models";
    }
  /** The panel is to draw the routes, or its tables as Markdown, and to answer with `save`. */
  | { type: "draw"; kind: "svg" | "png" | "markdown" }
  /** The editor had effects measured for a run: rows to be merged with those that the panel knows; attributions changed too. */
  | { type: "measured"; run: string; rows: EffectRow[] };

/** From the panel to its home. */
export type FromPanel =
  | { type: "ready" }
  /** Answered by `answer` or `failed`; `run` null: about no prompt. */
  | { type: "request"; id: number; run: string | null; method: Method; params: object }
  | { type: "cancel"; id: number }
  | { type: "command"; command: PanelCommand; argument?: unknown }
  /** The pointer in the panel rests on a token. */
  | { type: "point"; token: number | null }
  /** A token was chosen in the panel: the editor shows it. */
  | { type: "reveal"; token: number }
  /** What the panel has drawn, to be saved by the home: base64 for PNG, text otherwise. */
  | { type: "save"; kind: SaveKind; data: string | null };

/** What a run can be saved as. `html`, `json` and `dot` are made by the home. */
export type SaveKind = "html" | "json" | "dot" | "svg" | "png" | "markdown";

/** What the panel asks its home to do. The argument's type stands behind each. */
export type PanelCommand =
  | "inspect" // none: the prompt at the cursor again
  | "refresh" // none: the shown run's prompt as it is now
  | "setTarget" // { position?: number; token?: number } | undefined: asks
  | "setFoil" // { token: number | null } | undefined: asks
  | "chooseModel" // { name: string } | undefined: asks
  | "showRun" // { id: string }
  | "pin" // { id: string; is_pinned: boolean }
  | "forgetRun" // { id: string }
  | "insertContinuation" // { text: string }
  | "saveSwitches" // { switches: (Intervention | string)[] }: the home asks for a name
  | "copyMarkdown" // { text: string }
  | "note" // { run: string; component: string; text: string }: about the run's model; an empty text takes the note away
  | "follow" // { follow: boolean }
  | "numbers" // { numbers: boolean }
  | "openTab" // none: the panel as an editor tab
  | "openSample" // none: a sample prompt
  | "showLog" // none
  | "run"; // { command: string; argument?: unknown }: a way out of a problem
