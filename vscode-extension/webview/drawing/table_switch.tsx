// The switch between a picture and a table of what it shows: a button, and the key `t`.
// What must not live here: either of the two.
interface TableButtonProps {
  isTable: boolean;
  onToggle: () => void;
  title?: string;
}

export function TableButton({ isTable, onToggle, title = "The same as a table (t)" }: TableButtonProps) {
  return (
    <button type="button" aria-pressed={isTable} title={title} onClick={onToggle}>
      Table
    </button>
  );
}

/** Handles the key: `t` alone, wherever the focus is inside the view. */
export function onTableKey(onToggle: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== "t" || event.ctrlKey || event.metaKey || event.altKey) return;
    onToggle();
    event.preventDefault();
  };
}
