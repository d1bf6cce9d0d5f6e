// The panel's memory: which run is shown, what is looked at, what is switched; shared with every section through a context.
// What must not live here: anything drawn, how answers are kept (answers.ts) or measured (measuring.ts).
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Change, Methods, TableToken } from "../src/generated/protocol";
import { Answers, useAnswerOf, type AnswerState } from "./answers";
import { Cell, useCell } from "./cell";
import type { Home } from "./home";
import { changeKey } from "./interventions";
import { Measuring } from "./measuring";
import type { Ask, Method, PanelCommand, RunHead, Selection, ToPanel } from "./messages";
import { readState, type PanelState } from "./panel_state";
import { saveAs } from "./saving";
import { broughtIntoView, showSection } from "./section_requests";
import { clear, current, go, select } from "./selection_history";

/** What the home said last of runs, models and settings. */
export type Runs = Extract<ToPanel, { type: "runs" }>;

const NO_RUNS: Runs = {
  type: "runs",
  shown: null,
  history: [],
  problem: null,
  busy: null,
  settings: { routes_mass: 0.9, method: "atp", numbers: false, follow: true, effects_budget_ms: 2000 },
  models: [],
  notes: {},
};

export class Panel {
  readonly home: Home;
  readonly answers: Answers;
  readonly measuring: Measuring;
  readonly runs = new Cell<Runs>(NO_RUNS);
  /** The home has spoken: before that, nothing is known to be missing. */
  readonly heard = new Cell(false);
  /** What the run is compared with: the key of a partner; empty: nothing yet. */
  readonly comparing = new Cell("");
  /** The token under the pointer, here or in the editor. */
  readonly pointed = new Cell<number | null>(null);
  readonly state: Cell<PanelState>;

  constructor(home: Home) {
    this.home = home;
    this.answers = new Answers(home);
    this.measuring = new Measuring(home);
    this.state = new Cell(readState(home.state));
    this.state.watch(() => (home.state = this.state.value));
    home.subscribe((message) => this.#take(message));
    home.send({ type: "ready" });
  }

  get run(): RunHead | null {
    return this.runs.value.shown;
  }

  get selection(): Selection | null {
    return current(this.state.value.history);
  }

  select(selection: Selection): void {
    this.change({ history: select(this.state.value.history, selection) });
    if (selection.kind === "position") this.home.send({ type: "reveal", token: selection.position });
  }

  deselect(): void {
    this.change({ history: clear(this.state.value.history) });
  }

  go(steps: -1 | 1): void {
    this.change({ history: go(this.state.value.history, steps) });
  }

  /** Lights a token up here, and tells the editor. */
  point(token: number | null): void {
    if (token === this.pointed.value) return;
    this.pointed.value = token;
    this.home.send({ type: "point", token });
  }

  command(command: PanelCommand, argument?: unknown): void {
    this.home.send({ type: "command", command, argument });
  }

  /** Keeps a note on a component of the model of the run shown; an empty text takes it away. */
  note(component: string, text: string): void {
    if (this.run) this.command("note", { run: this.run.id, component, text });
  }

  change(part: Partial<PanelState>): void {
    this.state.value = { ...this.state.value, ...part };
  }

  /** What switches belong to: they name this document's tokens and this model's parts. */
  get scope(): string {
    return this.run ? `${this.run.uri || this.run.title} ${this.run.model}` : "";
  }

  addSwitch(change: Change): void {
    const of = this.scope;
    const key = changeKey(change);
    const others = this.state.value.switches.filter((one) => one.of !== of || changeKey(one.change) !== key);
    this.change({ switches: [...others, { change, on: true, of }] });
    this.openSection("effects");
  }

  openSection(name: string, open = true): void {
    this.change({ open: { ...this.state.value.open, [name]: open } });
  }

  #take(message: ToPanel): void {
    switch (message.type) {
      case "runs": {
        const before = this.run;
        this.heard.value = true;
        this.measuring.show(message.shown?.id ?? null);
        this.runs.value = message;
        // Another prompt: what was looked at in the one before would name other tokens.
        if (before && message.shown && before.uri !== message.shown.uri) this.deselect();
        return;
      }
      case "point":
        this.pointed.value = message.token;
        return;
      case "open":
        // The editor asks because its cursor is there already: nothing is revealed to it.
        this.change({ history: select(this.state.value.history, message.what) });
        this.openSection("inspector");
        broughtIntoView("inspector");
        return;
      case "measured":
        this.measuring.take(message.run, message.rows);
        return;
      case "section":
        showSection(this, message);
        return;
      case "draw":
        void saveAs(this, message.kind);
        return;
      default:
        return;
    }
  }
}

export const PanelContext = createContext<Panel | null>(null);

export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (!panel) throw new Error("a section stands outside of the panel");
  return panel;
}

/** The answer to a question about the run shown; `params` null: not asked. */
export function useAnswer<M extends Method>(
  method: M,
  params: Ask<M> | null,
): AnswerState<Methods[M]["result"]> & { retry: () => void } {
  const panel = usePanel();
  const runs = useCell(panel.runs);
  return useAnswerOf(panel.answers, runs.shown?.id ?? null, method, params);
}

const NO_TOKENS: readonly TableToken[] = [];

/** The prompt's tokens; none until they are known. */
export function useTokens(): readonly TableToken[] {
  const answer = useAnswer("limpid/tokens", {});
  return answer.status === "answer" ? answer.result.token_table : NO_TOKENS;
}
