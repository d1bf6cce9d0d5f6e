// The panel as an offline HTML report, answering from what was recorded into the page.
// What must not live here: the panel itself (app.tsx).
import { render } from "preact";
import { App } from "./app";
import { readRecorded, RecordedHome, type Recorded } from "./recorded_home";
import "./styles/report.css";

const NOTHING: Recorded = {
  version: 1,
  run: { title: "", model: "", took_ms: 0, at: 0 },
  text: "",
  answers: [],
};

const recorded = readRecorded(document.getElementById("limpid-recorded")?.textContent ?? null) ?? NOTHING;
if (recorded.run.title) document.title = `${recorded.run.title} – Limpid`;
render(<App home={new RecordedHome(recorded)} />, document.getElementById("limpid") ?? document.body);
