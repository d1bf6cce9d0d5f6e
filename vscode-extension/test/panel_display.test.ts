// The panel writes numbers and tokens exactly as the daemon does.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as display from "../webview/display";
import { cut, token } from "../webview/token_display";

interface Example {
  format: string;
  input: unknown;
  output: string;
}

const examples = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../protocol/fixtures/display.json"), "utf8"),
) as Example[];

function shown({ format, input: written }: Example): string {
  // JSON has no NaN; the examples spell it null.
  const input = written ?? NaN;
  const pair = input as [number, number];
  switch (format) {
    case "token":
      return token(input as string);
    case "cut":
      return cut(...(input as [string, number]));
    case "head_name":
      return display.headName(...pair);
    case "neuron_name":
      return display.neuronName(...pair);
    case "probability":
      return display.probability(input as number);
    case "flow":
      return display.flow(input as number);
    case "signed":
      return display.signed(input as number);
    case "nats":
      return display.nats(input as number);
    case "rank":
      return display.rank(input as number);
    case "thousands":
      return display.thousands(input as number);
    case "duration":
      return display.duration(input as number);
    case "bytes":
      return display.bytes(input as number);
    default:
      throw new Error(`the panel knows no format ${format}`);
  }
}

describe("formats", () => {
  for (const format of new Set(examples.map((example) => example.format))) {
    it(`writes ${format} as the daemon does`, () => {
      const wrong = examples
        .filter((example) => example.format === format)
        .map((example) => ({ input: example.input, output: shown(example), expected: example.output }))
        .filter(({ output, expected }) => output !== expected);
      expect(wrong).toEqual([]);
    });
  }
});
