// The panel's home in VS Code: requests and messages over the webview's one channel.
// What must not live here: what is asked, anything drawn.
import type { Methods } from "../src/generated/protocol";
import { cancelled, ProblemError, type Abilities, type Home, type RequestOptions } from "./home";
import type { Ask, FromPanel, Method, ToPanel } from "./messages";

/** What VS Code gives a webview. */
export interface VsCodeApi {
  postMessage(message: FromPanel): void;
  getState(): unknown;
  setState(state: unknown): void;
}

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: ProblemError) => void;
  onPartial?: (value: unknown) => void;
}

const ABILITIES: Abilities = {
  measure: true,
  target: true,
  continue: true,
  history: true,
  note: true,
  editor: true,
  save: ["html", "json", "dot", "svg", "png", "markdown"],
};

/** The home over `acquireVsCodeApi()`; `incoming` is where its messages arrive. */
export class VsCodeHome implements Home {
  readonly can = ABILITIES;
  readonly recorded = [];
  readonly #api: VsCodeApi;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(message: ToPanel) => void>();
  #last = 0;

  constructor(api: VsCodeApi, incoming: EventTarget) {
    this.#api = api;
    incoming.addEventListener("message", (event) => this.#take((event as MessageEvent<ToPanel>).data));
  }

  request<M extends Method>(
    method: M,
    params: Ask<M>,
    options: RequestOptions,
  ): Promise<Methods[M]["result"]> {
    const id = ++this.#last;
    const { signal, onPartial } = options;
    return new Promise<Methods[M]["result"]>((resolve, reject) => {
      if (signal?.aborted) {
        reject(cancelled());
        return;
      }
      const stop = () => {
        if (!this.#waiting.delete(id)) return;
        this.send({ type: "cancel", id });
        reject(cancelled());
      };
      const settled = () => signal?.removeEventListener("abort", stop);
      signal?.addEventListener("abort", stop);
      this.#waiting.set(id, {
        // The home answers with the result of the method that was asked: the contract of messages.ts.
        resolve: (result) => (settled(), resolve(result as Methods[M]["result"])),
        reject: (error) => (settled(), reject(error)),
        onPartial,
      });
      this.send({ type: "request", id, run: options.run, method, params });
    });
  }

  send(message: FromPanel): void {
    this.#api.postMessage(message);
  }

  subscribe(listener: (message: ToPanel) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get state(): unknown {
    return this.#api.getState();
  }

  set state(state: unknown) {
    this.#api.setState(state);
  }

  #take(message: ToPanel): void {
    switch (message.type) {
      case "answer":
        this.#settle(message.id)?.resolve(message.result);
        return;
      case "failed":
        this.#settle(message.id)?.reject(new ProblemError(message.problem));
        return;
      case "partial":
        this.#waiting.get(message.id)?.onPartial?.(message.value);
        return;
      default:
        for (const listener of [...this.#listeners]) listener(message);
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
