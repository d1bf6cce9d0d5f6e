// A sortable table of many rows that keeps only those in sight in the document: the accessible other side of each drawing.
// What must not live here: what the rows are.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import "./drawing.css";

export interface RowsColumn<Row> {
  name: string;
  title: string;
  /** What is shown. */
  text: (row: Row) => string;
  /** What it is sorted by. */
  key: (row: Row) => number | string;
  isNumber?: boolean;
}

export interface RowsTableProps<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly RowsColumn<Row>[];
  /** Enter or click. */
  onOpen: (row: Row) => void;
  onPoint?: (row: Row | null) => void;
  isSelected?: (row: Row) => boolean;
}

/** Height of a row in pixels; drawing.css has the same. */
const ROW = 22;
/** Rows kept above and below those in sight. */
const SPARE = 8;

export function RowsTable<Row>(props: RowsTableProps<Row>) {
  const { rows, columns } = props;
  const box = useRef<HTMLDivElement>(null);
  const [order, setOrder] = useState<{ by: string; isFalling: boolean } | null>(null);
  const [seen, setSeen] = useState({ top: 0, height: 400 });
  const [at, setAt] = useState(0);

  const sorted = useMemo(() => {
    const by = columns.find(({ name }) => name === order?.by);
    if (!by || !order) return rows;
    const sign = order.isFalling ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(by.key(a), by.key(b)));
  }, [rows, columns, order]);
  const current = Math.min(at, Math.max(0, sorted.length - 1));
  const first = Math.max(0, Math.floor(seen.top / ROW) - SPARE);
  const last = Math.min(sorted.length, Math.ceil((seen.top + seen.height) / ROW) + SPARE);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setSeen({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const go = (to: number) => {
    const next = Math.min(Math.max(0, to), sorted.length - 1);
    setAt(next);
    const row = sorted[next];
    props.onPoint?.(row ?? null);
    const element = box.current;
    if (!element) return;
    // The heading covers the first row's height.
    const top = next * ROW;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + 2 * ROW > element.scrollTop + element.clientHeight)
      element.scrollTop = top + 2 * ROW - element.clientHeight;
  };
  const press = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(seen.height / ROW) - 2);
    const steps: Partial<Record<string, number>> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: sorted.length - 1,
    };
    const to = steps[event.key];
    const row = sorted[current];
    if (event.target instanceof HTMLButtonElement) return;
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && row !== undefined) props.onOpen(row);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={box}
      class="limpid-rows"
      tabIndex={0}
      role="group"
      aria-label={`${props.label}: arrow keys move, Enter opens`}
      onScroll={(event) =>
        setSeen({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })
      }
      onKeyDown={press}
    >
      <table aria-label={props.label} aria-rowcount={sorted.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ name, title, isNumber }) => {
              const isBy = order?.by === name;
              return (
                <th
                  key={name}
                  scope="col"
                  class={isNumber ? "number" : ""}
                  aria-sort={isBy ? (order.isFalling ? "descending" : "ascending") : "none"}
                >
                  <button
                    type="button"
                    onClick={() => {
                      setOrder({ by: name, isFalling: isBy ? !order.isFalling : isNumber === true });
                      if (box.current) box.current.scrollTop = 0;
                      setAt(0);
                    }}
                  >
                    {title}
                    <span aria-hidden="true">{isBy ? (order.isFalling ? " ▾" : " ▴") : ""}</span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody onPointerLeave={() => props.onPoint?.(null)}>
          <Spacer rows={first} columns={columns.length} />
          {sorted.slice(first, last).map((row, index) => (
            <tr
              key={first + index}
              aria-rowindex={first + index + 2}
              aria-current={first + index === current}
              class={props.isSelected?.(row) === true ? "selected" : ""}
              onPointerEnter={() => props.onPoint?.(row)}
              onClick={() => {
                setAt(first + index);
                props.onOpen(row);
              }}
            >
              {columns.map(({ name, text, isNumber }) => (
                <td key={name} class={isNumber ? "number" : ""}>
                  {text(row)}
                </td>
              ))}
            </tr>
          ))}
          <Spacer rows={sorted.length - last} columns={columns.length} />
        </tbody>
      </table>
      <p class="limpid-spoken" aria-live="polite">
        {sorted[current] === undefined ? "no rows" : spoken(sorted[current], columns)}
      </p>
    </div>
  );
}

/** Keeps the scrollbar true where rows are left out. */
function Spacer({ rows, columns }: { rows: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="limpid-spacer" style={{ height: `${rows * ROW}px` }}>
      <td colSpan={columns} />
    </tr>
  );
}

function spoken<Row>(row: Row, columns: readonly RowsColumn<Row>[]): string {
  return columns.map(({ title, text }) => `${title} ${text(row)}`).join(", ");
}

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
