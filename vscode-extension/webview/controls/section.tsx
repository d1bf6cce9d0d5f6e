// A section of the panel: a landmark with a heading that folds it; what is folded asks for nothing.
// What must not live here: any section.
import type { ComponentChildren } from "preact";
import { useCell } from "../cell";
import { usePanel } from "../panel_model";

export function Section(props: {
  name: string;
  title: string;
  /** Beside the title: how much, of what. */
  note?: ComponentChildren;
  /** Controls at the right of the heading. */
  actions?: ComponentChildren;
  isOpenAtFirst?: boolean;
  children: ComponentChildren | (() => ComponentChildren);
}) {
  const panel = usePanel();
  const { open } = useCell(panel.state);
  const isOpen = open[props.name] ?? props.isOpenAtFirst ?? false;
  const heading = `heading-${props.name}`;
  return (
    <section class={`section ${props.name}`} aria-labelledby={heading}>
      <header>
        <h2 id={heading}>
          <button type="button" aria-expanded={isOpen} onClick={() => panel.openSection(props.name, !isOpen)}>
            <span class="fold" aria-hidden="true" />
            {props.title}
          </button>
        </h2>
        {props.note !== undefined && <span class="note">{props.note}</span>}
        {isOpen && props.actions !== undefined && <span class="actions">{props.actions}</span>}
      </header>
      {isOpen && (
        <div class="body">{typeof props.children === "function" ? props.children() : props.children}</div>
      )}
    </section>
  );
}
