// The questions that more than one section asks, worded once: a report answers exactly these.
// What must not live here: how they are asked (answers.ts), what is made of them.
import type { Methods, Target } from "../src/generated/protocol";
import type { AnswerState } from "./answers";
import { useCell } from "./cell";
import { useAnswer, usePanel } from "./panel_model";
import { attributionParams, ROUTES } from "./questions_params";

/** Scores per token, heads and neurons by attribution. */
export function useAttribution(): AnswerState<Methods["limpid/attribution"]["result"]> & {
  retry: () => void;
} {
  const { settings } = useCell(usePanel().runs);
  return useAnswer("limpid/attribution", attributionParams(settings.method));
}

/** The route graph, heads and neurons by flow. */
export function useRoutes(): AnswerState<Methods["limpid/routes"]["result"]> & { retry: () => void } {
  return useAnswer("limpid/routes", ROUTES);
}

/** What is explained; null until it is known. */
export function useRequestTarget(): Target | null {
  const tokens = useAnswer("limpid/tokens", {});
  return tokens.status === "answer" ? tokens.result.view.target : null;
}
