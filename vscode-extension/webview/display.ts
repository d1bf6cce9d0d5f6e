// How numbers are written, the same as in every other client: a port of `protocol/src/display.rs`, checked against its examples.
// What must not live here: tokens (token_display.ts), colours, layout.

/**
 * As Rust's `{:.digits}`: an exact half goes to the even neighbour, where `toFixed` goes up. Values come from 32-bit floats, so
 * that the scaled value is exact.
 */
function fixed(value: number, digits: number): string {
  const scaled = Math.abs(value) * 10 ** digits;
  if (!Number.isFinite(scaled) || scaled >= Number.MAX_SAFE_INTEGER) return value.toFixed(digits);
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const isUp = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  const text = String(isUp ? below + 1 : below).padStart(digits + 1, "0");
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const whole = text.slice(0, text.length - digits);
  return digits === 0 ? sign + text : `${sign}${whole}.${text.slice(-digits)}`;
}

/** The nearest 32-bit float: what the wire and Rust compute with. */
function single(value: number): number {
  return Math.fround(value);
}

/** A probability, 0..1: `97 %`, `3.2 %`, `0.04 %`, `<0.01 %`. What is not quite certain is `>99 %`, never `100 %`. */
export function probability(share: number): string {
  const p = single(share);
  return p >= single(0.995) && p < 1 ? ">99 %" : percent(p);
}

/** A flow or contribution, 0..1, with at most two significant digits: `82 %`, `4.1 %`, `0.12 %`. */
export function flow(share: number): string {
  return percent(single(share));
}

/** Two significant digits at most, no zeros after them, nothing finer than a hundredth of a percent. */
function percent(share: number): string {
  const value = share * 100;
  if (!Number.isFinite(value)) return "? %";
  if (value <= 0) return "0 %";
  if (value < 0.0095) return "<0.01 %";
  if (value >= 9.95) return `${fixed(value, 0)} %`;
  const digits = value >= 0.995 ? fixed(value, 1) : fixed(value, 2);
  return `${digits.replace(/0+$/, "").replace(/\.$/, "")} %`;
}

/** An attribution or effect: `+1.24`, `-0.30`, `0.00`; the unit stands in the header. */
export function signed(value: number): string {
  const text = nats(value);
  if (text === "0.00" || text === "-0.00") return "0.00";
  return text.startsWith("-") || text === "NaN" ? text : `+${text}`;
}

/** A log-probability in nats, or a logit: `-0.26`. */
export function nats(value: number): string {
  const exact = single(value);
  if (exact === Infinity) return "inf";
  if (exact === -Infinity) return "-inf";
  return fixed(exact, 2);
}

/** A rank: `#1`. */
export function rank(place: number): string {
  return `#${thousands(place)}`;
}

/** A count with thousands separated: `9,214`. */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A duration in milliseconds: `38 ms`, `1.2 s`. */
export function duration(ms: number): string {
  const exact = single(ms);
  if (exact >= 999.5) return `${fixed(single(exact / 1000), 1)} s`;
  if (exact >= single(9.95) || exact === 0) return `${fixed(exact, 0)} ms`;
  return `${fixed(exact, 1)} ms`;
}

/** Bytes for people: `94.0 MiB`. */
export function bytes(count: number): string {
  const steps: [string, number][] = [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ];
  const step = steps.find(([, size]) => count >= size);
  return step ? `${fixed(count / step[1], 1)} ${step[0]}` : `${count} B`;
}

/** A head's short name: `L9H6`. */
export function headName(layer: number, head: number): string {
  return `L${layer}H${head}`;
}

/** A neuron's short name: `L14 N873`. */
export function neuronName(layer: number, neuron: number): string {
  return `L${layer} N${neuron}`;
}
