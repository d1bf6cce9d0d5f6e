// The panel in VS Code's webview.
// What must not live here: the panel itself (app.tsx).
import { render } from "preact";
import { App } from "./app";
import { VsCodeHome, type VsCodeApi } from "./vscode_home";

declare function acquireVsCodeApi(): VsCodeApi;

render(<App home={new VsCodeHome(acquireVsCodeApi(), window)} />, document.body);
