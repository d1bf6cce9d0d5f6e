// A value that can be watched: what several parts of the panel share, without drawing all of it again when one thing changes.
// What must not live here: what the values are.
import { useLayoutEffect, useState } from "preact/hooks";

/** Reads and watches a value. */
export interface Watched<T> {
  readonly value: T;
  /** Calls `listener` after each change; returns how to stop. */
  watch(listener: () => void): () => void;
}

/** A value that tells when it changes. */
export class Cell<T> implements Watched<T> {
  #value: T;
  #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(next: T) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const listener of [...this.#listeners]) listener();
  }

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** The cell's value; the component is drawn again when it changes. */
export function useCell<T>(cell: Watched<T>): T {
  const [, redraw] = useState({});
  useLayoutEffect(() => cell.watch(() => redraw({})), [cell]);
  return cell.value;
}
