// Buttons: a plain one, a tiny one for rows, and a select of a few choices, all in the theme's look.
// What must not live here: what they do.
import type { ComponentChildren } from "preact";
import "./elements";

interface ButtonProps {
  onClick: () => void;
  children: ComponentChildren;
  /** Said where the face is only a sign. */
  label?: string;
  title?: string;
  disabled?: boolean;
  pressed?: boolean;
}

/** An action of a section. */
export function Button({
  onClick,
  children,
  label,
  title,
  disabled,
  main,
}: ButtonProps & { main?: boolean }) {
  return (
    <vscode-button
      secondary={!main}
      disabled={disabled ?? false}
      title={title}
      aria-label={label}
      onClick={() => {
        if (!disabled) onClick();
      }}
    >
      {children}
    </vscode-button>
  );
}

/** An action of a row, or a sign in a header: light enough for hundreds of them. */
export function Tiny({ onClick, children, label, title, disabled, pressed }: ButtonProps) {
  return (
    <button
      type="button"
      class="tiny"
      title={title ?? label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={(event) => {
        // A row is itself something to click.
        event.stopPropagation();
        onClick();
      }}
    >
      {children}
    </button>
  );
}

/** One of a few, side by side. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; title: string; hint?: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <span class="choice" role="radiogroup" aria-label={props.label}>
      {props.options.map(({ value, title, hint }) => (
        <label key={value} title={hint} class={value === props.value ? "chosen" : ""}>
          <input
            type="radio"
            name={props.label}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          {title}
        </label>
      ))}
    </span>
  );
}

/** One of many, folded. */
export function Select(props: {
  label: string;
  value: string;
  options: readonly { value: string; title: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <select
      class="select"
      aria-label={props.label}
      title={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    >
      {props.options.map(({ value, title }) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </select>
  );
}
