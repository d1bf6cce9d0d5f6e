// Concrete colours for canvas and SVG, read from what the style sheet and the theme come to, and told again when the theme changes.
// What must not live here: colours of our own (scales.css).

/** Names of the colours in scales.css, without `--limpid-`. */
export const colourNames = [
  "background",
  "foreground",
  "muted",
  "grid",
  "focus",
  "supports",
  "opposes",
  "flow",
  "residual",
  "several",
  "other",
  "head-1",
  "head-2",
  "head-3",
  "head-4",
  "head-5",
  "head-6",
] as const;

/** A concrete CSS colour for each name, and whether the theme is one of high contrast. */
export type Colours = Record<(typeof colourNames)[number], string> & {
  isHighContrast: boolean;
  font: string;
};

/** Reads the colours in force at an element. Forces a style calculation: read once a theme, not once a frame. */
export function readColours(at: Element): Colours {
  const probe = document.createElement("span");
  probe.className = "limpid-probe";
  at.append(probe);
  const style = getComputedStyle(probe);
  const colours: Partial<Record<(typeof colourNames)[number], string>> = {};
  for (const name of colourNames) {
    // Through `color`, for a custom property computes to its text and canvas cannot resolve a `var()` in it.
    probe.style.color = `var(--limpid-${name})`;
    colours[name] = style.color;
  }
  const isHighContrast = style.getPropertyValue("--limpid-high-contrast").trim() === "1";
  const font = style.fontFamily;
  probe.remove();
  return { ...(colours as Record<(typeof colourNames)[number], string>), isHighContrast, font };
}

/** Calls back after the theme has changed; returns how to stop. */
export function onThemeChange(callback: () => void): () => void {
  const observer = new MutationObserver(callback);
  // VS Code swaps the theme's variables on <html style> and the theme's kind on <body class>.
  observer.observe(document.documentElement, { attributeFilter: ["style", "class"] });
  observer.observe(document.body, {
    attributeFilter: ["class", "data-vscode-theme-id", "data-vscode-theme-kind"],
  });
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];
  const media = queries.map((query) => matchMedia(query));
  for (const list of media) list.addEventListener("change", callback);
  return () => {
    observer.disconnect();
    for (const list of media) list.removeEventListener("change", callback);
  };
}
