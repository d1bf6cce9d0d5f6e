// Writes `contributes.configuration` of package.json: the keys that the daemon knows, from protocol/limpid.schema.json (which is
// written from the daemon's one table of keys), and the editor's own, from the table below. `--check` writes nothing and fails
// where package.json differs. Nothing else of package.json is touched.
import { readFileSync, writeFileSync } from "node:fs";

const MANIFEST = new URL("../package.json", import.meta.url);
const SCHEMA = new URL("../../protocol/limpid.schema.json", import.meta.url);

/** A setting that only the editor reads. */
const own = (type, fallback, scope, markdownDescription, more = {}) => ({
  type,
  default: fallback,
  scope,
  markdownDescription,
  ...more,
});

/** What the daemon reads for every folder: from the schema. Where an editor says it differently, the words stand here. */
const daemons = (name, more = {}) => ({ daemons: name, more });

/** Every setting, in the order of the settings page, by its heading. */
const TABLE = {
  Model: {
    path: own(
      "string",
      "",
      "machine-overridable",
      "Path of the `limpid` binary. Empty: the one that came with the extension, else the one on `PATH`.",
    ),
    model: daemons("model", {
      markdownDescription:
        "Name of the model, a `.gguf` file, or a folder with `config.json` and safetensors. A prompt's front matter and a `limpid.toml` say otherwise for their prompts.",
    }),
    device: own(
      "string",
      "auto",
      "machine-overridable",
      "Where to compute. Takes effect when the daemon is started anew.",
      {
        enum: ["auto", "cpu", "cuda", "metal"],
        markdownEnumDescriptions: [
          "A GPU if the binary can use one, else the CPU.",
          "The CPU.",
          "An NVIDIA GPU; needs a binary built for it.",
          "An Apple GPU; needs a binary built for it.",
        ],
      },
    ),
    memoryBudget: own(
      "string",
      "",
      "machine-overridable",
      "Bytes that model and traces may take, like `1.5G`. Empty: half of what is free. What does not fit is refused before it runs, with the number.",
      { pattern: "^$|^\\d+(\\.\\d+)?[KMG]?$", patternErrorMessage: "A size: `800M`, `1.5G`." },
    ),
    chat: daemons("chat"),
    untrusted: daemons("untrusted", { default: [] }),
    languages: own(
      "array",
      ["prompt", "markdown"],
      "window",
      "Languages whose files are taken for prompts by themselves: `prompt` (`.prompt`, `.prompty`, `.chat`), and `markdown` for fences marked `prompt`. Elsewhere select text and run *Limpid: Inspect*.",
      { items: { type: "string" }, uniqueItems: true },
    ),
  },
  "In the text": {
    "inlay.predictions": daemons("inlay.predictions"),
    "inlay.surprisal": daemons("inlay.surprisal"),
    "heat.method": daemons("heat.method", {
      markdownDescription:
        "Attribution method that heat shows. How faithful each is: the table in Limpid's README.",
      markdownEnumDescriptions: [
        "Attribution patching of hiding the token, the mean of the next two: the default, nothing cheap ranks better.",
        "The same with linear gradients: pattern, norms and gates held fixed.",
        "The same with the model's true gradients.",
        "Linear gradient times the token's embedding.",
        "Share of the flow along routes; unsigned.",
        "What the target position's heads read from the token and write straight to the logits.",
      ],
    }),
    "heat.scale": own("string", "background", "window", "How heat is drawn on the characters.", {
      enum: ["background", "underline"],
      markdownEnumDescriptions: [
        "A colour behind them; an underline in high contrast themes.",
        "An underline, thicker where the score is larger, in every theme.",
      ],
    }),
    followCursor: own(
      "boolean",
      true,
      "window",
      "The panel and the highlight follow the cursor through an inspected prompt, unless the run is pinned.",
    ),
  },
  "Panel and measuring": {
    "routes.mass": daemons("routes.mass"),
    "effects.auto": own("string", "off", "window", "What is measured without being asked.", {
      enum: ["off", "hover", "lines"],
      markdownEnumDescriptions: [
        "Nothing: effects are measured where you ask.",
        "The token that a hover is about.",
        "Every line of an inspected prompt.",
      ],
    }),
    "effects.budgetMs": own(
      "integer",
      2000,
      "window",
      "Milliseconds that one measurement may take; what it did not reach says *not measured*.",
      { minimum: 50, maximum: 600_000 },
    ),
    "effects.floor": daemons("effects.floor"),
  },
  Server: {
    "trace.server": own("string", "off", "window", "What of the protocol is written to the output channel.", {
      enum: ["off", "messages", "verbose"],
      markdownEnumDescriptions: [
        "Nothing.",
        "Names and times of messages.",
        "Messages as they are. **Your prompts are in them.**",
      ],
    }),
  },
};

/** Keys of the schema that are no settings here, and why. */
const LEFT_OUT = {
  prompt: "rules for files stand in limpid.toml",
  "heat.show": "for editors without a plugin; this one paints heat itself",
};

/** Leaves of a schema's properties by dotted name. */
function leaves(properties, prefix = "") {
  return Object.entries(properties).flatMap(([name, schema]) =>
    schema.type === "object"
      ? leaves(schema.properties, `${prefix}${name}.`)
      : [[`${prefix}${name}`, schema]],
  );
}

function fromSchema(schema, more) {
  const { description, ...rest } = schema;
  return { ...rest, scope: "window", markdownDescription: description, ...more };
}

/** `contributes.configuration` as it must be. */
export function configuration(schemaText) {
  const keys = new Map(leaves(JSON.parse(schemaText).properties));
  const sections = Object.entries(TABLE).map(([title, settings], section) => {
    const entries = Object.entries(settings).map(([name, setting], order) => {
      if (setting.daemons === undefined) return [`limpid.${name}`, { ...setting, order }];
      const schema = keys.get(setting.daemons);
      if (schema === undefined) throw new Error(`the schema has no key ${setting.daemons}`);
      keys.delete(setting.daemons);
      return [`limpid.${name}`, { ...fromSchema(schema, setting.more), order }];
    });
    return {
      id: title.toLowerCase().replaceAll(" ", "-"),
      title,
      order: section,
      properties: Object.fromEntries(entries),
    };
  });
  const unknown = [...keys.keys()].filter((name) => !(name in LEFT_OUT));
  if (unknown.length) throw new Error(`keys of the schema without a place in build/settings.mjs: ${unknown}`);
  for (const { properties } of sections) {
    for (const [name, { enum: values, markdownEnumDescriptions: described }] of Object.entries(properties)) {
      if (described && values?.length !== described.length) throw new Error(`${name}: a word for each value`);
    }
  }
  return sections;
}

const manifest = JSON.parse(readFileSync(MANIFEST, "utf8"));
const wanted = configuration(readFileSync(SCHEMA, "utf8"));
const isFresh = JSON.stringify(manifest.contributes?.configuration) === JSON.stringify(wanted);
if (process.argv.includes("--check")) {
  if (!isFresh) {
    console.error("package.json: contributes.configuration is stale; run `npm run generate`");
    process.exitCode = 1;
  }
} else if (!isFresh) {
  manifest.contributes = { ...manifest.contributes, configuration: wanted };
  writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
  console.log("package.json: contributes.configuration written");
}
