// What the model predicts: likely next tokens as bars, and what is explained; a bar sets the target, its `≠` the foil.
// What must not live here: writing on (continuation.tsx), run and model chips (run_header.tsx).
import { useState } from "preact/hooks";
import type { Prediction, Target } from "../../src/generated/protocol";
import { useCell } from "../cell";
import { Tiny } from "../controls/buttons";
import { ShareBar } from "../controls/figures";
import { Section } from "../controls/section";
import { TokenText } from "../controls/token_text";
import { Waiting } from "../controls/waiting";
import { duration, nats, probability, thousands } from "../display";
import { useAnswer, usePanel } from "../panel_model";
import { token } from "../token_display";
import { useContinuation } from "./continuation";
import { ContinueButton, ContinueHere } from "./continue_here";

/** Bars shown before `more`. */
const FEW = 5;

export function PredictionBar() {
  const panel = usePanel();
  const { shown: run } = useCell(panel.runs);
  const answer = useAnswer("limpid/tokens", {});
  const writing = useContinuation();
  const [showsAll, setShowsAll] = useState(false);
  if (!run) return null;
  const took =
    run.was_cached === true
      ? "cached"
      : `traced ${thousands(run.n_tokens)} tokens in ${duration(run.took_ms)}`;
  return (
    <Section
      name="prediction"
      title="Prediction"
      isOpenAtFirst
      note={took}
      actions={<ContinueButton writing={writing} />}
    >
      <Waiting answer={answer} what="the prediction">
        {({ view }) => {
          const all = view.predictions;
          return (
            <>
              <div class="row spread">
                <TargetLine target={view.target} />
                {all.length > FEW && (
                  <Tiny onClick={() => setShowsAll(!showsAll)}>
                    {showsAll ? "fewer" : `${all.length - FEW} more`}
                  </Tiny>
                )}
              </div>
              <ol class="predictions" aria-label="Likely next tokens">
                {all.slice(0, showsAll ? all.length : FEW).map((prediction) => (
                  <PredictionRow key={prediction.id} prediction={prediction} target={view.target} />
                ))}
              </ol>
              <ContinueHere writing={writing} />
            </>
          );
        }}
      </Waiting>
    </Section>
  );
}

/** What is explained against what, and how to choose others. */
function TargetLine({ target }: { target: Target }) {
  const panel = usePanel();
  const { can } = panel.home;
  const { foil, answer } = target;
  return (
    <p class="target-line">
      <span class="dim">target</span>
      <button
        type="button"
        class="chip target"
        disabled={!can.target}
        title={can.target ? "Choose what is explained" : `The prediction after token ${target.position}`}
        onClick={() => panel.command("setTarget")}
      >
        {answer ? (
          `tokens ${answer.start}–${answer.end - 1}, ${nats(answer.logprob)} nats`
        ) : (
          <TokenText text={target.text} />
        )}
      </button>
      {(can.target || foil) && <span class="dim">rather than</span>}
      {(can.target || foil) && (
        <button
          type="button"
          class="chip foil"
          disabled={!can.target}
          title={can.target ? "Choose what it is compared with: why not…" : "What it is compared with"}
          onClick={() => panel.command("setFoil")}
        >
          {foil ? <TokenText text={foil.text} /> : "anything else"}
        </button>
      )}
      {can.target && foil && (
        <Tiny label="Compare with nothing" onClick={() => panel.command("setFoil", { token: null })}>
          ✕
        </Tiny>
      )}
    </p>
  );
}

function PredictionRow({ prediction, target }: { prediction: Prediction; target: Target }) {
  const panel = usePanel();
  const { can } = panel.home;
  const { id, text, prob, logit } = prediction;
  const isTarget = !target.answer && id === target.id;
  const isFoil = id === target.foil?.id;
  const role = isTarget ? "target" : isFoil ? "foil" : "";
  const facts = `${token(text)}  ${probability(prob)}, logit ${nats(logit)}`;
  const face = (
    <>
      <TokenText text={text} />
      <ShareBar share={prob} />
      <span class="number">{probability(prob)}</span>
    </>
  );
  return (
    <li class={`prediction-row ${role}`}>
      {can.target ? (
        <button
          type="button"
          class="prediction-face"
          title={`${facts}\n${isTarget ? "This is explained." : "Explain this one instead."}`}
          aria-current={isTarget ? "true" : undefined}
          onClick={() => panel.command("setTarget", { token: id })}
        >
          {face}
        </button>
      ) : (
        <span class="prediction-face" title={facts}>
          {face}
        </span>
      )}
      {can.target && !isTarget ? (
        <Tiny
          label={isFoil ? `Stop comparing with ${token(text)}` : `Why not ${token(text)}: compare with it`}
          pressed={isFoil}
          onClick={() => panel.command("setFoil", { token: isFoil ? null : id })}
        >
          ≠
        </Tiny>
      ) : (
        <span class="role">{role}</span>
      )}
    </li>
  );
}
