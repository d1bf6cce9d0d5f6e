// Attribution painted on the characters: which token stands at which step, and the editor's decorations for it. What is stale is
// dimmed. What must not live here: fetching scores.
import * as vscode from "vscode";
import type { AttributionView, TableToken } from "./generated/protocol";
import { largestWithoutSink, stepOf, STEPS } from "../webview/scale_steps";
import { settings } from "./settings";

/** A token's step: above 0 supports, below opposes; "sink" is the first token, shown apart; 0 none. */
export type Step = number | "sink";

/** Steps of scores: each is a share of the largest shown one, the first token left out. */
export function steps(scores: readonly number[]): Step[] {
  const largest = largestWithoutSink(scores);
  return scores.map((score, index) => (index === 0 ? "sink" : Math.sign(score) * stepOf(score, largest)));
}

/** The contributed colour of a step: blue supports, orange opposes, unless a person or a theme says otherwise; the panel's too. */
function hue(step: number): string {
  return step > 0 ? "limpid.supports" : "limpid.opposes";
}

/** Part of the colour in the strongest step, percent; text on it keeps a contrast of 4.5 in light and dark themes. */
const MOST = 45;

function isHighContrast(): boolean {
  const kind = vscode.window.activeColorTheme.kind;
  return kind === vscode.ColorThemeKind.HighContrast || kind === vscode.ColorThemeKind.HighContrastLight;
}

function decoration(step: Step, stale: boolean): vscode.DecorationRenderOptions {
  const opacity = stale ? "0.55" : undefined;
  const rangeBehavior = vscode.DecorationRangeBehavior.ClosedClosed;
  if (step === "sink") {
    const hatch = "repeating-linear-gradient(135deg, rgba(128,128,128,.35) 0 2px, transparent 2px 6px)";
    // The decoration API has no pattern; `textDecoration` is put into the style as it stands.
    return { textDecoration: `none; background: ${hatch}`, rangeBehavior, opacity };
  }
  // A theme's colour has no steps of its own; the style sheet that VS Code makes of this knows it by this name.
  const colour = `var(--vscode-${hue(step).replace(".", "-")})`;
  if (isHighContrast() || settings.heatScale() === "underline") {
    const thickness = 1 + Math.round((Math.abs(step) / STEPS) * 4);
    const line = step > 0 ? "solid" : "dotted";
    return {
      textDecoration: `underline ${line} ${colour} ${thickness}px; text-underline-offset: 3px`,
      rangeBehavior,
      opacity,
    };
  }
  return {
    backgroundColor: `color-mix(in srgb, ${colour} ${((Math.abs(step) / STEPS) * MOST).toFixed(1)}%, transparent)`,
    borderRadius: "2px",
    overviewRulerColor: Math.abs(step) >= STEPS - 2 ? new vscode.ThemeColor(hue(step)) : undefined,
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    rangeBehavior,
    opacity,
  };
}

export interface Painted {
  uri: string;
  tokens: TableToken[];
  view: AttributionView;
  /** Index of the token behind which the target is predicted. */
  position: number;
  stale: boolean;
  /** A token's score as the daemon's formats say it. */
  says: (index: number) => string;
}

export class Heat implements vscode.Disposable {
  private readonly types = new Map<string, vscode.TextEditorDecorationType>();
  private readonly pointed = vscode.window.createTextEditorDecorationType({
    border: "1px solid",
    borderColor: new vscode.ThemeColor("focusBorder"),
    borderRadius: "2px",
  });
  private painted: Painted | undefined;
  private numbers = false;

  /** Draws scores in every editor of the document; undefined takes all away. */
  paint(painted: Painted | undefined): void {
    this.painted = painted;
    for (const editor of vscode.window.visibleTextEditors) this.draw(editor);
  }

  /** Whether numbers stand behind the tokens. */
  showNumbers(numbers: boolean): void {
    this.numbers = numbers;
    this.repaint();
  }

  /** After a change of theme or of the way heat is drawn. */
  repaint(): void {
    for (const type of this.types.values()) type.dispose();
    this.types.clear();
    for (const editor of vscode.window.visibleTextEditors) this.draw(editor);
  }

  private type(key: string, options: () => vscode.DecorationRenderOptions): vscode.TextEditorDecorationType {
    let type = this.types.get(key);
    if (type === undefined) {
      type = vscode.window.createTextEditorDecorationType(options());
      this.types.set(key, type);
    }
    return type;
  }

  draw(editor: vscode.TextEditor): void {
    const painted = this.painted;
    const ranges = new Map<vscode.TextEditorDecorationType, vscode.DecorationOptions[]>();
    if (painted && editor.document.uri.toString() === painted.uri) {
      const put = (type: vscode.TextEditorDecorationType, option: vscode.DecorationOptions) => {
        const known = ranges.get(type);
        if (known) known.push(option);
        else ranges.set(type, [option]);
      };
      const of = steps(painted.view.attribution.scores);
      painted.tokens.forEach((token, index) => {
        if (!token.range) return;
        const range = asRange(token.range);
        const step = of[index] ?? 0;
        if (step !== 0) {
          const key = `${String(step)}${painted.stale ? " stale" : ""}`;
          put(
            this.type(key, () => decoration(step, painted.stale)),
            { range },
          );
        }
        if (index === painted.position) {
          put(
            this.type("target", () => ({
              border: "1px solid",
              borderColor: new vscode.ThemeColor("editorInfo.foreground"),
            })),
            { range },
          );
        }
        if (this.numbers && !painted.stale) {
          const after = {
            contentText: painted.says(index),
            color: new vscode.ThemeColor("editor.foreground"),
            backgroundColor: new vscode.ThemeColor("editor.background"),
            margin: "0 3px 0 2px",
            textDecoration: "none; font-size: 0.78em",
          };
          put(
            this.type("number", () => ({ rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed })),
            { range, renderOptions: { after } },
          );
        }
      });
    }
    for (const type of this.types.values()) editor.setDecorations(type, ranges.get(type) ?? []);
  }

  /** Marks the token that the panel points at. */
  point(index: number | null): void {
    const painted = this.painted;
    const range = index === null ? null : painted?.tokens[index]?.range;
    for (const editor of vscode.window.visibleTextEditors) {
      const isHere = painted?.uri === editor.document.uri.toString();
      editor.setDecorations(this.pointed, range && isHere && !painted.stale ? [asRange(range)] : []);
    }
  }

  /** Index of the token at a position of the painted document; undefined: none. */
  tokenAt(document: vscode.TextDocument, position: vscode.Position): number | undefined {
    if (this.painted?.uri !== document.uri.toString() || this.painted.stale) return undefined;
    return tokenAt(this.painted.tokens, position);
  }

  get shown(): Painted | undefined {
    return this.painted;
  }

  dispose(): void {
    for (const type of this.types.values()) type.dispose();
    this.pointed.dispose();
  }
}

export function asRange(range: NonNullable<TableToken["range"]>): vscode.Range {
  return new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
}

/** The last token that begins at or before a position and has not ended. */
export function tokenAt(
  tokens: readonly TableToken[],
  position: { line: number; character: number },
): number | undefined {
  const order = (a: { line: number; character: number }, b: typeof a) =>
    a.line - b.line || a.character - b.character;
  const found = tokens.find(
    (token) => token.range && order(token.range.start, position) <= 0 && order(position, token.range.end) < 0,
  );
  return found?.index;
}
