// The few classes of the editor's API that pure parts of the extension touch. What must not live here: behaviour that a test checks.
export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}
export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(startLine: number, startCharacter: number, endLine: number, endCharacter: number) {
    this.start = new Position(startLine, startCharacter);
    this.end = new Position(endLine, endCharacter);
  }
}
export class CodeLens {
  constructor(
    readonly range: Range,
    readonly command?: { title: string },
  ) {}
}
export class CancellationTokenSource {
  readonly token = { isCancellationRequested: false, onCancellationRequested: () => ({ dispose: () => {} }) };
  cancel(): void {
    this.token.isCancellationRequested = true;
  }
}
export class CancellationError extends Error {}
export enum DecorationRangeBehavior {
  ClosedClosed = 1,
}
export enum OverviewRulerLane {
  Center = 2,
}
export enum ColorThemeKind {
  Light = 1,
  Dark = 2,
  HighContrast = 3,
  HighContrastLight = 4,
}
export enum QuickPickItemKind {
  Separator = -1,
}
export enum ConfigurationTarget {
  Global = 1,
  Workspace = 2,
}
export const workspace = {
  isTrusted: true,
  getConfiguration: () => ({ get: () => undefined }),
  textDocuments: [],
};
export const window = { activeTextEditor: undefined, visibleTextEditors: [] };

export class ResponseError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}
export class ProgressType {
  readonly kind = "progress";
}
export class LanguageClient {
  readonly kind = "client";
}
