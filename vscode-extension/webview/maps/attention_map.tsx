// A head's map, `[position][key position]`: where each token looks, or what it gets from where; as a picture or its strongest entries.
// What must not live here: drawing (map_paint.ts), the head's other figures.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TableToken } from "../../src/generated/protocol";
import { flow } from "../display";
import { RowsTable, type RowsColumn } from "../drawing/rows_table";
import { onTableKey, TableButton } from "../drawing/table_switch";
import { useRoom } from "../drawing/use_room";
import type { Selection } from "../messages";
import { Legend } from "../scales";
import { boxStyle } from "../drawing/box_style";
import { entryAt, largestEntry, mapGrid, strongestEntries, type Entry } from "./map_layout";
import { paintMap } from "./map_paint";
import "../drawing/drawing.css";
import "./maps.css";

export interface AttentionMapProps {
  map: readonly (readonly number[])[];
  tokens: readonly TableToken[];
  /** Attention weights, or shares of the residual stream. */
  kind: "pattern" | "contribution";
  /** The row that is looked at. */
  position: number;
  onSelect: (selection: Selection) => void;
}

/** Entries in the text that stands for the picture. */
const MOST = 20;

export function AttentionMap({ map, tokens, kind, position, onSelect }: AttentionMapProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isTable, setIsTable] = useState(false);
  const toggle = () => setIsTable((is) => !is);
  const [hovered, setHovered] = useState<Entry | null>(null);
  const [focused, setFocused] = useState<Entry | null>(null);
  const { size, colours } = useRoom(box);
  const grid = useMemo(() => mapGrid(map.length, size), [map.length, size]);
  const largest = useMemo(() => largestEntry(map), [map]);
  const strongest = useMemo(() => strongestEntries(map, MOST), [map]);
  const columns = useMemo(() => columnsOf(tokens, kind), [tokens, kind]);

  useEffect(() => {
    const pen = isTable ? null : canvas.current?.getContext("2d", { alpha: false });
    if (!pen || !colours || size.width < 2) return;
    const density = Math.min(3, Math.max(1, devicePixelRatio));
    pen.canvas.width = Math.round(size.width * density);
    pen.canvas.height = Math.round(size.height * density);
    paintMap(pen, { grid, map, tokens, colours, largest, position, room: size }, density);
  }, [isTable, grid, map, tokens, colours, largest, position, size]);

  const find = (event: MouseEvent) => {
    const edges = canvas.current?.getBoundingClientRect();
    return edges ? entryAt(grid, map, event.clientX - edges.left, event.clientY - edges.top) : null;
  };
  const choose = (entry: Entry | null) => {
    if (entry) onSelect({ kind: "position", position: entry.key });
  };
  const press = (event: KeyboardEvent) => {
    const at = focused ?? { row: position, key: position, value: 0 };
    const moves: Partial<Record<string, [number, number]>> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const by = moves[event.key];
    if (by) {
      const row = Math.min(Math.max(0, at.row + (focused ? by[0] : 0)), map.length - 1);
      const key = Math.min(Math.max(0, at.key + (focused ? by[1] : 0)), row);
      setFocused({ row, key, value: map[row]?.[key] ?? 0 });
    } else if (event.key === "Enter" || event.key === " ") choose(focused);
    else return;
    event.preventDefault();
  };
  const told = hovered ?? focused;
  const what = kind === "pattern" ? "attention" : "contribution";

  return (
    <section class="limpid-map" aria-label={`Map of ${what}`} onKeyDown={onTableKey(toggle)}>
      <div class="limpid-bar">
        <Legend scale="sequential" what={what} largest={flow(largest)} sink solid />
        <span class="limpid-buttons">
          <TableButton isTable={isTable} title="The strongest entries (t)" onToggle={toggle} />
        </span>
      </div>
      <div class="limpid-map-room" ref={box}>
        {isTable ? (
          <RowsTable
            label={`Strongest ${strongest.length} entries`}
            rows={strongest}
            columns={columns}
            onOpen={choose}
          />
        ) : (
          <div
            class="limpid-stage"
            role="application"
            aria-roledescription="map"
            aria-label={`Map of ${what}: a row for each token, a column for each it looks at. Arrow keys move, Enter opens, t shows the strongest entries.`}
            tabIndex={0}
            onPointerMove={(event) => setHovered(find(event))}
            onPointerLeave={() => setHovered(null)}
            onClick={(event) => choose(find(event))}
            onKeyDown={press}
            onBlur={() => setFocused(null)}
          >
            <canvas ref={canvas} aria-hidden="true" style={boxStyle(size)} />
            {told && (
              <div
                class={`limpid-map-entry${hovered ? "" : " focused"}`}
                style={boxStyle({
                  left: grid.left + told.key * grid.side,
                  top: grid.top + told.row * grid.side,
                  width: Math.max(3, grid.side),
                  height: Math.max(3, grid.side),
                })}
              />
            )}
          </div>
        )}
      </div>
      <p class="limpid-said">
        {told && !isTable ? entrySaid(told, tokens, kind) : isTable ? "" : "Point at an entry"}
      </p>
      <p class="limpid-spoken" aria-live="polite">
        {focused && !isTable ? entrySaid(focused, tokens, kind) : ""}
      </p>
    </section>
  );
}

function name(tokens: readonly TableToken[], at: number): string {
  return tokens[at]?.display ?? `#${at}`;
}

function entrySaid(
  { row, key, value }: Entry,
  tokens: readonly TableToken[],
  kind: AttentionMapProps["kind"],
): string {
  return kind === "pattern"
    ? `${name(tokens, row)} looks at ${name(tokens, key)}: ${flow(value)}`
    : `${flow(value)} of ${name(tokens, row)} came from ${name(tokens, key)}`;
}

function columnsOf(tokens: readonly TableToken[], kind: AttentionMapProps["kind"]): RowsColumn<Entry>[] {
  return [
    { name: "row", title: "Token", text: ({ row }) => name(tokens, row), key: ({ row }) => row },
    {
      name: "key",
      title: kind === "pattern" ? "Looks at" : "Gets from",
      text: ({ key }) => name(tokens, key),
      key: ({ key }) => key,
    },
    {
      name: "value",
      title: kind === "pattern" ? "Attention" : "Contribution",
      text: ({ value }) => flow(value),
      key: ({ value }) => value,
      isNumber: true,
    },
  ];
}
