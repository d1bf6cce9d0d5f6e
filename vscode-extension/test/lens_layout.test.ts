// The lens grid's geometry.
// What must not live here: canvas, DOM.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cellAt, cellBox, extent, fittingZoom, gridOf, inSight, rankStep } from "../webview/lens/grid_layout";

const grids = fc.record({
  nColumns: fc.integer({ min: 1, max: 1024 }),
  nRows: fc.integer({ min: 1, max: 60 }),
  width: fc.integer({ min: 60, max: 1600 }),
  height: fc.integer({ min: 60, max: 1000 }),
  zoom: fc.double({ min: 0.05, max: 2, noNaN: true }),
  numbers: fc.boolean(),
});

test("a cell is found in its middle, and lies within the whole", () => {
  fc.assert(
    fc.property(grids, fc.nat(), fc.nat(), ({ nColumns, nRows, zoom, numbers, ...room }, a, b) => {
      const grid = gridOf(nColumns, nRows, room, zoom, numbers);
      const cell = { column: a % nColumns, layer: b % nRows };
      const box = cellBox(grid, cell);
      expect(cellAt(grid, box.x + box.width / 2, box.y + box.height / 2)).toEqual(cell);
      const whole = extent(grid);
      expect(box.x + box.width).toBeLessThanOrEqual(whole.width + 1e-6);
      expect(box.y + box.height).toBeLessThanOrEqual(whole.height + 1e-6);
    }),
  );
});

test("only what is in sight is drawn, and all of it", () => {
  fc.assert(
    fc.property(grids, fc.nat(90_000), ({ nColumns, nRows, zoom, numbers, ...room }, left) => {
      const grid = gridOf(nColumns, nRows, room, zoom, numbers);
      const sight = inSight(grid, { left, top: 0 }, room);
      expect(sight.lastColumn - sight.firstColumn).toBeLessThanOrEqual(
        Math.ceil(room.width / grid.width) + 1,
      );
      const cell = cellAt(grid, left + grid.left + 1, 1);
      if (cell) expect(cell.column).toBeGreaterThanOrEqual(sight.firstColumn);
    }),
  );
});

test("layers rise, and the fitting zoom fits", () => {
  const room = { width: 900, height: 600 };
  const grid = gridOf(108, 31, room, 1, false);
  expect(cellBox(grid, { column: 0, layer: 1 }).y).toBeLessThan(cellBox(grid, { column: 0, layer: 0 }).y);
  expect(extent(gridOf(108, 31, room, fittingZoom(108, room, false), false)).width).toBeCloseTo(900, 3);
});

test("a better rank is never a lower step", () => {
  expect(rankStep(1)).toBe(7);
  expect(rankStep(100_000)).toBe(0);
  fc.assert(fc.property(fc.integer({ min: 1, max: 2e5 }), (rank) => rankStep(rank) >= rankStep(rank + 1)));
});
