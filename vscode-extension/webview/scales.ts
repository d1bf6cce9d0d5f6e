// The two colour scales: which class of scales.css a score gets, and where their legend and concrete colours are found.
// What must not live here: the colours themselves (scales.css), and any knowledge of what is measured.
export { Legend } from "./scales_legend";
export { colourNames, onThemeChange, readColours } from "./scales_colours";
export type { Colours } from "./scales_colours";
export { diverging, largestWithoutSink, sequential, SINK, stepOf, STEPS } from "./scale_steps";
