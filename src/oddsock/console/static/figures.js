// Numbers and instants in words, as the server writes them too (console/magnitude.py).

const SCALES = [[1e12, 1e12, "T"], [1e9, 1e9, "G"], [1e6, 1e6, "M"], [1e4, 1e3, "k"]];
const BYTES = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];

/** *value* with four digits that count and its *unit*; a dash where there is none. */
export function figure(value, unit = "") {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (unit === "byte" || unit === "B") {
    const [by, name] = BYTES.find(([least]) => size >= least) ?? [1, "B"];
    return `${digits(value / by)} ${name}`;
  }
  if ((unit === "second" || unit === "s") && size > 0 && size < 1) return `${digits(value * 1000)} ms`;
  const [, by, letter] = SCALES.find(([least]) => size >= least) ?? [1, 1, ""];
  const told = unit === "second" ? "s" : unit;
  return `${digits(value / by)}${letter}${told ? ` ${told}` : ""}`;
}

function digits(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

const two = (number) => String(number).padStart(2, "0");

/** The time of day of *at_ms* in UTC, with seconds. */
export function clockOf(at_ms) {
  const at = new Date(at_ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** Date and time of *at_ms* in UTC. */
export function instantOf(at_ms) {
  return `${dayOf(at_ms)} ${clockOf(at_ms)}`;
}

/** The date of *at_ms* in UTC. */
export function dayOf(at_ms) {
  const at = new Date(at_ms);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
}

/** A mark of a time axis whose marks are *step_ms* apart; the date where a day begins. */
export function markOf(at_ms, step_ms) {
  if (step_ms >= 86_400_000) return dayOf(at_ms).slice(5);
  if (at_ms % 86_400_000 === 0) return `${dayOf(at_ms).slice(5)}`;
  return step_ms >= 60_000 ? clockOf(at_ms).slice(0, 5) : clockOf(at_ms);
}

/** *at_ms* as an address has it. */
export function isoOf(at_ms) {
  return new Date(Math.round(at_ms)).toISOString();
}
