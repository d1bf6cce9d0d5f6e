// A table that is sorted by pressing a heading; a row can be pressed too.
// What must not live here: what is in it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { pressed, sorted, type Order, type Sortable } from "../sorting";

export interface Column<T> {
  name: string;
  title: string;
  hint?: string;
  /** What it is sorted by; left out: not sorted by it. */
  value?: (row: T) => Sortable;
  draw: (row: T) => ComponentChildren;
  isNumber?: boolean;
  /** Not shown where there is little room. */
  isWide?: boolean;
}

export function Table<T>(props: {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  keyOf: (row: T) => string;
  first: Order;
  /** Rows shown before `show all`. */
  most?: number;
  isSelected?: (row: T) => boolean;
  onPoint?: (row: T | null) => void;
}) {
  const [order, setOrder] = useState(props.first);
  const [showsAll, setShowsAll] = useState(false);
  const by = props.columns.find(({ name }) => name === order.by);
  const all = by?.value ? sorted(props.rows, by.value, order.isFalling) : [...props.rows];
  const most = props.most ?? 12;
  const shown = showsAll ? all : all.slice(0, most);
  const { onPoint } = props;
  return (
    <>
      <table class="table" aria-label={props.label}>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <Heading key={column.name} column={column} order={order} onPress={setOrder} rows={props.rows} />
            ))}
          </tr>
        </thead>
        <tbody onPointerLeave={() => onPoint?.(null)}>
          {shown.map((row) => (
            <tr
              key={props.keyOf(row)}
              class={props.isSelected?.(row) ? "selected" : ""}
              onPointerEnter={() => onPoint?.(row)}
            >
              {props.columns.map((column) => (
                <td key={column.name} class={classOf(column)}>
                  {column.draw(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {all.length > most && (
        <button type="button" class="tiny more" onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "show fewer" : `show all ${all.length}`}
        </button>
      )}
    </>
  );
}

function classOf<T>(column: Column<T>): string {
  return `${column.isNumber ? "number" : ""} ${column.isWide ? "wide" : ""} column-${column.name}`;
}

function Heading<T>(props: {
  column: Column<T>;
  order: Order;
  rows: readonly T[];
  onPress: (order: Order) => void;
}) {
  const { column, order, rows } = props;
  const { value } = column;
  const isBy = order.by === column.name;
  if (!value) {
    return (
      <th scope="col" class={classOf(column)} title={column.hint}>
        {column.title || <span class="unseen">{column.name}</span>}
      </th>
    );
  }
  const isText = rows[0] !== undefined && typeof value(rows[0]) === "string";
  return (
    <th
      scope="col"
      class={classOf(column)}
      aria-sort={isBy ? (order.isFalling ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        title={column.hint}
        onClick={() => props.onPress(pressed(order, column.name, isText))}
      >
        {column.title}
        <span class="sort" aria-hidden="true">
          {isBy ? (order.isFalling ? "▾" : "▴") : ""}
        </span>
      </button>
    </th>
  );
}
