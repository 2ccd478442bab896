// What stands around a chart: its legend with the values at the cursor, and its points as a table for who sees no chart.

import { dressTimes, make } from "./frame.js";
import { figure, instantOf, isoOf } from "./figures.js";

const ROWS_MAX = 300;
const SVG = "http://www.w3.org/2000/svg";

/** A legend; *toggle* is called with the number of a series and whether it is shown now. */
export class Legend {
  constructor(toggle) {
    this.toggle = toggle;
    this.list = make("ul", { class: "plot-legend", "aria-label": "Lines of the chart" });
    this.rows = [];
  }

  show(series, colours, unit) {
    this.unit = unit;
    this.series = series;
    this.at = make("li", { class: "plot-at" });
    this.rows = series.map((one, place) => {
      const value = make("output", {}, "");
      const key = make("button", { type: "button", "aria-pressed": String(!one.hidden) }, swatch(colours[place], one), one.name, value);
      key.addEventListener("click", () => {
        const isShown = key.getAttribute("aria-pressed") !== "true";
        key.setAttribute("aria-pressed", String(isShown));
        this.toggle(place, isShown);
      });
      return { item: make("li", {}, key), value };
    });
    this.list.replaceChildren(this.at, ...this.rows.map((row) => row.item));
  }

  /** The values of bucket *index* at *at_ms*; nothing where the cursor is not on the chart. */
  point(at_ms, values) {
    this.at.textContent = at_ms === null ? "" : `${instantOf(at_ms)} UTC`;
    this.rows.forEach((row, place) => {
      row.value.textContent = at_ms === null ? "" : figure(values[place], this.series[place].unit ?? this.unit);
    });
  }
}

function swatch(colour, one) {
  const drawn = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ width: 22, height: 10, "aria-hidden": "true" })) drawn.setAttribute(name, value);
  const isArea = one.shape === "bars" || one.shape === "area";
  const part = document.createElementNS(SVG, isArea ? "rect" : "line");
  const about = isArea
    ? { x: 4, y: 0, width: 12, height: 10, fill: colour }
    : { x1: 0, y1: 5, x2: 22, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": (one.dash ?? []).join(" ") };
  for (const [name, value] of Object.entries(about)) if (value !== "") part.setAttribute(name, value);
  drawn.append(part);
  return drawn;
}

/** The points as a table under a <details>, made when somebody opens it. */
export class Rows {
  constructor() {
    this.details = make("details", { class: "plot-rows" }, make("summary", {}, "The points as a table"));
    this.details.addEventListener("toggle", () => this.fill());
  }

  show(times, series, bands, unit) {
    Object.assign(this, { times, series, bands, unit });
    this.fill();
  }

  fill() {
    this.details.querySelectorAll(":scope > :not(summary)").forEach((one) => one.remove());
    if (!this.details.open) return;
    if (!this.times.length) {
      this.details.append(make("p", {}, "There are no points in this time."));
      return;
    }
    const first = Math.max(0, this.times.length - ROWS_MAX);
    if (first) this.details.append(make("p", {}, `The newest ${ROWS_MAX} of ${this.times.length} buckets:`));
    for (const band of this.bands) this.details.append(make("p", {}, `${band.name ?? ""}: ${instantOf(band.from)} to ${instantOf(band.to)}`));
    const head = make("tr", {}, make("th", { scope: "col" }, "at (UTC)"), ...this.series.map((one) => make("th", { scope: "col", class: "number" }, one.name)));
    const body = make("tbody");
    for (let at = first; at < this.times.length; at += 1) {
      const time = make("time", { datetime: isoOf(this.times[at]) }, instantOf(this.times[at]));
      body.append(make("tr", {}, make("td", {}, time), ...this.series.map((one) => make("td", { class: "number" }, figure(one.values[at] ?? null, one.unit ?? this.unit)))));
    }
    const table = make("table", {}, make("thead", {}, head), body);
    this.details.append(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Points of the chart" }, table));
    dressTimes(this.details);
  }
}
