// A head's rows at any position, read from the maps that a report records of it once.
// What must not live here: other methods' answers.
import type { Answer, HeadCard, HeadParams } from "../src/generated/protocol";
import type { RecordedAnswer } from "./home";

/** The head's card at the position asked for, from an answer with maps; undefined where none was recorded. */
export function headFromMaps(recorded: readonly RecordedAnswer[], params: object): unknown {
  const asked = params as Partial<HeadParams>;
  const found = recorded.find(({ method, params: given }) => {
    const { layer, head } = given as Partial<HeadParams>;
    return method === "limpid/head" && layer === asked.layer && head === asked.head;
  });
  if (!found) return undefined;
  const answer = found.result as Answer<HeadCard>;
  const card = answer.view;
  const position = asked.position ?? card.position;
  if (position === card.position) return answer;
  const pattern = card.pattern_map?.[position];
  const contribution = card.contribution_map?.[position];
  if (!pattern || !contribution) return undefined;
  return { ...answer, view: { ...card, position, pattern, contribution } };
}
