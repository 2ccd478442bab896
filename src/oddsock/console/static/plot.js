// A chart: `plot(element, told)` draws it and answers {update(told), remove()}; `told` is
//   series  [{name, points: [[ms, value or null], ...], shape: "line" | "step" | "area" | "bars" | "points", unit}]
//   bands   [{from, to, name, colour: a variable such as "--band"}]      spans of time, in milliseconds
//   lines   [{value, name, colour}]      thresholds
//   unit, from, to (milliseconds: the time that is shown, whatever the points cover), label (its name for who sees no chart)
//   stacked (areas and bars lie on each other), yMin, yMax, height, sync (charts of one name share the cursor)
//   onZoom(from, to), onPoint(at_ms)     a time was brushed; a place was clicked
// A series of a bucket's length draws its bars from the bucket's beginning.

import uPlot from "./vendor/uPlot.esm.js";
import { make } from "./frame.js";
import { figure, markOf } from "./figures.js";
import { Legend, Rows } from "./plot_parts.js";

const HEIGHT = 210;
const COLOURS = 7;
const DASHES = [[], [7, 4], [2, 3], [10, 4, 2, 4]];
const BRUSH_PX_MIN = 4;
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
const AXIS_FONT = "12px system-ui, sans-serif";

/** Draw a chart in *element*. */
export function plot(element, told) {
  return new Chart(element, told);
}

class Chart {
  constructor(element, told) {
    this.canvas = make("div", { class: "plot-canvas", role: "img" });
    this.legend = new Legend((place, isShown) => this.toggle(place, isShown));
    this.rows = new Rows();
    this.element = element;
    element.classList.add("plot");
    element.replaceChildren(this.canvas, this.legend.list, this.rows.details);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.dress = () => this.build();
    this.scheme.addEventListener("change", this.dress);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(element);
    this.hidden = new Set();
    this.update(told);
  }

  remove() {
    this.sizes.disconnect();
    this.scheme.removeEventListener("change", this.dress);
    this.drawn?.destroy();
    this.element.replaceChildren();
  }

  /** Show *told* in the place of what was shown; the cursor stays where the lines are the same ones. */
  update(told) {
    const before = this.key;
    this.told = { series: [], bands: [], lines: [], unit: "", ...told };
    this.key = JSON.stringify(this.told.series.map((one) => [one.name, one.shape, one.unit]).concat([this.told.height]));
    this.read();
    if (before === this.key && this.drawn) this.drawn.setData(this.table());
    else {
      this.hidden.clear();
      this.build();
    }
    this.describe();
  }

  /** One column of times, one of values for each series, whatever times their points have. */
  read() {
    const kept = this.told.series.filter((one) => one.points.length);
    const joined = kept.length ? uPlot.join(kept.map((one) => [one.points.map(([at]) => at), one.points.map(([, value]) => value)])) : [[]];
    this.times = joined[0];
    let next = 0;
    this.series = this.told.series.map((one, place) => ({
      ...one,
      dash: DASHES[Math.floor(place / COLOURS) % DASHES.length],
      values: one.points.length ? joined[(next += 1)] : this.times.map(() => null),
    }));
  }

  /** What uPlot draws: stacked series hold the sum of those before them. */
  table() {
    if (!this.told.stacked) return [this.times, ...this.series.map((one) => one.values)];
    const sums = this.times.map(() => 0);
    const stacked = this.series.map((one, place) => {
      if (this.hidden.has(place)) return one.values;
      return one.values.map((value, at) => (value === null || value === undefined ? value : (sums[at] += value)));
    });
    // The highest is drawn first, so that the lower ones stand before it.
    return [this.times, ...stacked.reverse()];
  }

  order() {
    const places = this.series.map((_, place) => place);
    return this.told.stacked ? places.reverse() : places;
  }

  colour(name) {
    return getComputedStyle(this.element).getPropertyValue(name).trim() || "#888";
  }

  build() {
    this.drawn?.destroy();
    const colours = this.series.map((one, place) => this.colour(one.colour ?? `--plot-${(place % COLOURS) + 1}`));
    this.legend.show(this.series.map((one, place) => ({ ...one, hidden: this.hidden.has(place) })), colours, this.told.unit);
    this.drawn = new uPlot(this.options(colours), this.table(), this.canvas);
  }

  options(colours) {
    const [ink, grid] = [this.colour("--soft"), this.colour("--plot-grid")];
    const axis = { stroke: ink, font: AXIS_FONT, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const steps = ["byte", "B"].includes(this.told.unit) ? { incrs: BYTE_STEPS } : {};
    const span = (low, high) => [this.told.from ?? low ?? Date.now() - 1, this.told.to ?? high ?? Date.now()];
    return {
      width: Math.max(120, this.element.clientWidth),
      height: this.told.height ?? HEIGHT,
      ms: 1,
      legend: { show: false },
      tzDate: (at_ms) => uPlot.tzDate(new Date(at_ms), "Etc/UTC"),
      scales: { x: { time: true, range: (_, low, high) => span(low, high) }, y: { range: (_, low, high) => this.heights(low, high) } },
      axes: [
        { ...axis, values: (_, at, __, ___, step_ms) => at.map((one) => markOf(one, step_ms)), space: 70, size: 32 },
        { ...axis, ...steps, values: (_, at) => at.map((one) => figure(one, this.told.unit)), size: (u, shown) => widest(u, shown) },
      ],
      series: [{}, ...this.order().map((place) => this.line(place, colours[place]))],
      cursor: {
        y: false,
        drag: { x: Boolean(this.told.onZoom), y: false, setScale: false, dist: BRUSH_PX_MIN },
        ...(this.told.sync ? { sync: { key: this.told.sync, setSeries: false, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } } } : {}),
      },
      hooks: {
        drawClear: [(u) => this.drawBands(u)],
        draw: [(u) => this.drawLines(u)],
        setCursor: [(u) => this.point(u)],
        setSelect: [(u) => this.zoom(u)],
        ready: [(u) => u.over.addEventListener("click", () => this.choose(u))],
      },
    };
  }

  line(place, colour) {
    const { shape = "line", dash } = this.series[place];
    const about = { show: !this.hidden.has(place), stroke: colour, width: 2, dash, points: { size: 5, fill: colour, filter: alone } };
    if (shape === "bars") return { ...about, width: 1, fill: colour, points: { show: false }, paths: uPlot.paths.bars({ size: [0.85, 60], align: 1 }) };
    if (shape === "area") return { ...about, fill: `${colour}${this.told.stacked ? "cc" : "33"}`, points: { show: false } };
    if (shape === "step") return { ...about, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } };
    if (shape === "points") return { ...about, paths: () => null, points: { show: true, size: 7, fill: colour } };
    return about;
  }

  /** The least and the greatest height that is shown: 0, the thresholds and every value are in it. */
  heights(low, high) {
    const held = [low, high, ...this.told.lines.map((one) => one.value)].filter((one) => Number.isFinite(one));
    const [least, most] = uPlot.rangeNum(Math.min(0, ...held), Math.max(0, ...held) || 1, 0.08, true);
    return [this.told.yMin ?? (Math.min(...held, 0) < 0 ? least : 0), this.told.yMax ?? most];
  }

  resize() {
    const width = this.element.clientWidth;
    if (width && this.drawn && width !== this.drawn.width) this.drawn.setSize({ width, height: this.told.height ?? HEIGHT });
  }

  toggle(place, isShown) {
    if (isShown) this.hidden.delete(place);
    else this.hidden.add(place);
    this.drawn.setSeries(this.order().indexOf(place) + 1, { show: isShown });
    if (this.told.stacked) this.drawn.setData(this.table());
  }

  point(u) {
    const at = u.cursor.idx;
    if (at === null || at === undefined) this.legend.point(null, []);
    else this.legend.point(this.times[at], this.series.map((one) => one.values[at]));
  }

  zoom(u) {
    if (u.select.width < BRUSH_PX_MIN || !this.told.onZoom) return;
    const [from, to] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    this.brushed = true;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.told.onZoom(Math.round(from), Math.round(to));
  }

  choose(u) {
    // The end of a brush is a click too.
    if (this.brushed) this.brushed = false;
    else if (this.told.onPoint && u.cursor.left >= 0) this.told.onPoint(Math.round(u.posToVal(u.cursor.left, "x")));
  }

  drawBands(u) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const band of this.told.bands) {
      const [left, right] = [band.from, band.to].map((at_ms) => u.valToPos(at_ms, "x", true));
      ctx.fillStyle = this.colour(band.colour ?? "--band");
      ctx.globalAlpha = 0.6;
      ctx.fillRect(left, bbox.top, Math.max(right - left, ratio), bbox.height);
      ctx.globalAlpha = 1;
      ctx.fillStyle = this.colour("--ink");
      ctx.font = `${11 * ratio}px system-ui, sans-serif`;
      ctx.fillText(band.name ?? "", Math.max(left, bbox.left) + 4 * ratio, bbox.top + 13 * ratio);
    }
    ctx.restore();
  }

  drawLines(u) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    const told = [];
    for (const line of this.told.lines) {
      const height = u.valToPos(line.value, "y", true);
      if (height < bbox.top || height > bbox.top + bbox.height) continue;
      ctx.strokeStyle = ctx.fillStyle = this.colour(line.colour ?? "--bad");
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([6 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, height);
      ctx.lineTo(bbox.left + bbox.width, height);
      ctx.stroke();
      ctx.font = `${11 * ratio}px system-ui, sans-serif`;
      const name = line.name ?? "";
      const long = ctx.measureText(name).width;
      // Names that would lie on each other stand side by side.
      const beside = told.filter((one) => Math.abs(one.height - height) < 14 * ratio).map((one) => one.left);
      const right = Math.min(bbox.left + bbox.width, ...beside) - 8 * ratio;
      told.push({ height, left: right - long });
      ctx.fillStyle = this.colour("--card");
      ctx.globalAlpha = 0.8;
      ctx.fillRect(right - long - 3 * ratio, height - 15 * ratio, long + 6 * ratio, 13 * ratio);
      ctx.globalAlpha = 1;
      ctx.fillStyle = ctx.strokeStyle;
      ctx.fillText(name, right - long, height - 4 * ratio);
    }
    ctx.restore();
  }

  describe() {
    const { label = "Chart", unit, bands } = this.told;
    const said = this.series.map((one) => {
      const held = one.values.filter((value) => Number.isFinite(value));
      if (!held.length) return `${one.name}: no points`;
      const shown = [held.at(-1), Math.min(...held), Math.max(...held)].map((value) => figure(value, one.unit ?? unit));
      return `${one.name}: last ${shown[0]}, least ${shown[1]}, most ${shown[2]}`;
    });
    this.canvas.setAttribute("aria-label", `${label}. ${said.slice(0, 8).join("; ") || "No lines"}.`);
    this.rows.show(this.times, this.series, bands, unit);
  }
}

/** Points that have no neighbour, which no line would show; all of them where uPlot shows points anyway. */
function alone(u, place, isShown) {
  if (isShown) return null;
  const values = u.data[place];
  const isHeld = (at) => values[at] !== null && values[at] !== undefined;
  return values.flatMap((_, at) => (isHeld(at) && !isHeld(at - 1) && !isHeld(at + 1) ? [at] : []));
}

function widest(u, shown) {
  const longest = (shown ?? []).reduce((most, one) => (one.length > most.length ? one : most), "");
  if (!longest) return 40;
  u.ctx.font = AXIS_FONT;
  return Math.ceil(u.ctx.measureText(longest).width) + 22;
}
