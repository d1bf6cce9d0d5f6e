// The VS Code Elements that the panel uses, registered, and known to TypeScript as tags.
// What must not live here: components of our own.
import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-checkbox/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import "@vscode-elements/elements/dist/vscode-textfield/index.js";
import type { ComponentChildren, Ref } from "preact";

interface ElementProps {
  class?: string;
  id?: string;
  title?: string;
  ref?: Ref<HTMLElement>;
  children?: ComponentChildren;
  "aria-label"?: string;
  "aria-pressed"?: boolean | "true" | "false";
  "aria-expanded"?: boolean;
}

declare module "preact" {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how JSX tags are declared
  namespace JSX {
    interface IntrinsicElements {
      "vscode-button": ElementProps & {
        secondary?: boolean;
        disabled?: boolean;
        onClick?: (event: MouseEvent) => void;
      };
      "vscode-checkbox": ElementProps & {
        checked?: boolean;
        label?: string;
        disabled?: boolean;
        onchange?: (event: Event) => void;
      };
      "vscode-progress-bar": ElementProps & { value?: number; max?: number; indeterminate?: boolean };
      "vscode-textfield": ElementProps & {
        value?: string;
        type?: string;
        min?: number;
        step?: number;
        label?: string;
        oninput?: (event: Event) => void;
      };
    }
  }
}
