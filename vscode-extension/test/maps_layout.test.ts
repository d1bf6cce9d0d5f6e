// An attention map's geometry and its strongest entries.
// What must not live here: canvas, DOM.
import fc from "fast-check";
import { expect, test } from "vitest";
import { entryAt, largestEntry, mapGrid, strongestEntries } from "../webview/maps/map_layout";

const maps = fc
  .array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 40, maxLength: 40 }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) => rows.map((row, at) => row.slice(0, at + 1)));

test("the strongest entries are those of a full sort, without the first token's", () => {
  fc.assert(
    fc.property(maps, (rows) => {
      const all = rows.flatMap((row) => row.slice(1)).sort((a, b) => b - a);
      const found = strongestEntries(rows, 20);
      expect(found.map(({ value }) => value)).toEqual(all.slice(0, 20));
      for (const { row, key, value } of found) expect(rows[row]?.[key]).toBe(value);
      if (all[0] !== undefined && all[0] > 0) expect(largestEntry(rows)).toBe(all[0]);
    }),
  );
});

test("an entry is found in its middle; above the diagonal is none; all is within the room", () => {
  fc.assert(
    fc.property(maps, fc.integer({ min: 200, max: 1400 }), fc.nat(), fc.nat(), (rows, size, a, b) => {
      const grid = mapGrid(rows.length, { width: size, height: size });
      const row = a % rows.length;
      const key = b % rows.length;
      const found = entryAt(
        grid,
        rows,
        grid.left + (key + 0.5) * grid.side,
        grid.top + (row + 0.5) * grid.side,
      );
      if (key > row) expect(found).toBeNull();
      else expect(found).toEqual({ row, key, value: rows[row]?.[key] });
      expect(grid.left + grid.n * grid.side).toBeLessThanOrEqual(size);
    }),
  );
});
