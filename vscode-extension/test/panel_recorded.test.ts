// A report answers what was recorded, however the question is spelled, and says calmly what was not.
import { describe, expect, it } from "vitest";
import { canonical } from "../webview/canonical";
import { ProblemError } from "../webview/home";
import type { ToPanel } from "../webview/messages";
import { readRecorded, RecordedHome, type Recorded } from "../webview/recorded_home";

const table = [{ index: 0, id: 1, display: "The" }];
const recording: Recorded = {
  version: 1,
  run: { title: "france.prompt", model: "SmolLM2", took_ms: 12, at: 5 },
  text: "The",
  answers: [
    {
      method: "limpid/tokens",
      params: {},
      result: {
        token_table: table,
        view: { target: { position: 0, id: 2, text: " Paris" }, predictions: [], tokens: [] },
      },
    },
    {
      method: "limpid/head",
      params: { layer: 3, head: 1, maps: true, position: null },
      result: {
        token_table: [],
        view: {
          position: 1,
          pattern: [0.4, 0.6],
          contribution: [0.1, 0.2],
          pattern_map: [[1], [0.4, 0.6]],
          contribution_map: [[0.3], [0.1, 0.2]],
        },
      },
    },
  ],
};

const ask = { run: "recorded" };

describe("canonical", () => {
  it("leaves nulls out and sorts keys, at every depth", () => {
    expect(canonical({ b: null, a: { d: 1, c: undefined, b: [{ z: null, y: 2 }] } })).toBe(
      '{"a":{"b":[{"y":2}],"d":1}}',
    );
  });
});

describe("recorded answers", () => {
  const home = new RecordedHome(recording);

  it("fills in the token table that only one answer holds", async () => {
    const { token_table } = await home.request("limpid/head", { head: 1, layer: 3, maps: true }, ask);
    expect(token_table).toEqual(table);
  });

  it("reads a head's row at any position from its maps", async () => {
    const { view } = await home.request("limpid/head", { head: 1, layer: 3, maps: false, position: 0 }, ask);
    expect(view.pattern).toEqual([1]);
    expect(view.contribution).toEqual([0.3]);
    expect(view.position).toBe(0);
  });

  it("rejects calmly what was not recorded", async () => {
    const failed = home.request("limpid/lens", {}, ask).catch((error: unknown) => error);
    const error = await failed;
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problem).toMatchObject({ kind: "not-recorded", ways: [] });
  });

  it("tells of the one run, and takes the numbers' switch", () => {
    const heard: ToPanel[] = [];
    home.subscribe((message) => heard.push(message));
    home.send({ type: "ready" });
    home.send({ type: "command", command: "numbers", argument: { numbers: true } });
    expect(heard.map((message) => message.type === "runs" && message.settings.numbers)).toEqual([
      false,
      true,
    ]);
    expect(heard[0]).toMatchObject({ shown: { title: "france.prompt", n_tokens: 1, took_ms: 12 } });
  });

  it("offers no measuring, no other target, no continuation that is not there", () => {
    expect(home.can).toMatchObject({ measure: false, target: false, continue: false });
  });
});

describe("the report's element", () => {
  it("is read with care", () => {
    expect(readRecorded("null")).toBeNull();
    expect(readRecorded("{")).toBeNull();
    expect(readRecorded('{"answers": 3}')).toBeNull();
    expect(readRecorded(JSON.stringify(recording))?.text).toBe("The");
  });
});
