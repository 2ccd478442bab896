// Bars of lines over time, by status; dragging over them narrows the span.

import { make } from "/static/frame.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 100;
const BAR = 0.86;
const DRAG_PX_MIN = 5;

export class Histogram {
  /** In *place*, its ends told in *axis*, the bar under the pointer in *told*; *brush* is called with two instants. */
  constructor(place, axis, told, brush) {
    this.place = place;
    this.axis = axis;
    this.told = told;
    this.brush = brush;
    this.shown = null;
    this.from = null;
    this.mark = make("div", { class: "brush", hidden: true });
    place.classList.add("can-brush");
    place.addEventListener("pointerdown", (event) => this.begin(event));
    place.addEventListener("pointermove", (event) => this.move(event));
    place.addEventListener("pointerup", (event) => this.end(event));
    place.addEventListener("pointercancel", () => this.stop());
    place.addEventListener("pointerleave", () => this.told.replaceChildren());
  }

  /** Draw *histogram*, the document that the server told. */
  draw(histogram) {
    this.shown = histogram;
    const { from_ms: from, to_ms: to, step_ms: step, highest, statuses } = histogram;
    const scale = WIDTH / (to - from);
    const parts = new Map(statuses.map(({ colour }) => [colour, ""]));
    const width = (step * scale * BAR).toFixed(2);
    for (const { at_ms: at, n } of histogram.bars) {
      const x = ((at - from) * scale).toFixed(2);
      let top = HEIGHT;
      for (const { name, colour } of statuses) {
        if (!n[name]) continue;
        const height = (n[name] / highest) * HEIGHT;
        top -= height;
        parts.set(colour, `${parts.get(colour)}M${x} ${top.toFixed(2)}h${width}v${height.toFixed(2)}h-${width}z`);
      }
    }
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    const counts = statuses.map(({ name, count }) => `${count} ${name}`).join(", ");
    svg.setAttribute("aria-label", `${histogram.total} lines over time: ${counts || "none"}`);
    // One path a colour: the fewest elements that the browser has to lay out.
    for (const [colour, path] of parts) {
      const drawn = document.createElementNS(SVG, "path");
      drawn.setAttribute("class", `is-${colour}`);
      drawn.setAttribute("d", path);
      svg.append(drawn);
    }
    this.place.replaceChildren(svg, this.mark);
    this.axis.replaceChildren(stamp(from), make("span", { class: "hint" }, "drag over the bars to narrow the span"), stamp(to));
  }

  instant(event) {
    const box = this.place.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.shown.from_ms + part * (this.shown.to_ms - this.shown.from_ms);
  }

  begin(event) {
    if (!this.shown || event.button !== 0) return;
    this.from = event.clientX;
    this.fromInstant = this.instant(event);
    this.place.setPointerCapture(event.pointerId);
  }

  move(event) {
    if (!this.shown) return;
    this.tell(this.instant(event));
    if (this.from === null) return;
    const [low, high] = this.edges(this.fromInstant, this.instant(event));
    const whole = this.shown.to_ms - this.shown.from_ms;
    this.mark.hidden = false;
    this.mark.style.left = `${((low - this.shown.from_ms) / whole) * 100}%`;
    this.mark.style.width = `${((high - low) / whole) * 100}%`;
  }

  end(event) {
    if (this.from === null) return;
    const isDrag = Math.abs(event.clientX - this.from) >= DRAG_PX_MIN;
    const [low, high] = this.edges(this.fromInstant, this.instant(event));
    this.stop();
    if (isDrag && high > low) this.brush(new Date(low).toISOString(), new Date(high).toISOString());
  }

  stop() {
    this.from = null;
    this.mark.hidden = true;
  }

  /** The bars that two instants touch, as the begin of the first and the end of the last. */
  edges(one, other) {
    const step = this.shown.step_ms;
    const low = Math.floor(Math.min(one, other) / step) * step;
    const high = Math.ceil(Math.max(one, other) / step) * step;
    return [Math.max(low, this.shown.from_ms), Math.min(high, this.shown.to_ms)];
  }

  tell(instant) {
    const at = Math.floor(instant / this.shown.step_ms) * this.shown.step_ms;
    const bar = this.shown.bars.find((one) => one.at_ms === at);
    const counts = bar ? this.shown.statuses.filter(({ name }) => bar.n[name]).map(({ name }) => `${bar.n[name]} ${name}`) : ["none"];
    this.told.replaceChildren(stamp(at), `: ${counts.join(", ")}`);
  }
}

function stamp(ms) {
  const at = new Date(ms);
  const text = at.toISOString();
  return make("time", { datetime: text, title: at.toLocaleString() }, text.slice(0, 19).replace("T", " "));
}
