// A case's timeline as SVG: a lane for faults, lanes for orders and lanes for what else happened; marks to go along.

import { make, pageData } from "./frame.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1100;
const LEFT = 130;
const NARROW = 600;
const RIGHT = 16;
const LANE = 34;
const TOP = 10;
const CUSTOMERS_MAX = 8;
const STEPS_S = [0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
const TICKS = 8;
const OUTCOMES = { balanced: "balanced", placed: "placed", mended: "mended", odd: "odd", "not-placed": "not placed", waiting: "waiting" };
const KINDS = [
  ["status", "statuses"], ["money", "money"], ["parcel", "parcels"], ["notice", "notices"],
  ["cluster", "cluster"], ["log", "log lines"], ["alert", "monitors"], ["step", "steps"],
];

function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The picture of one mark, told apart by shape and colour. */
function shape(mark, x, y) {
  const outcome = mark.outcome ?? "";
  if (mark.kind !== "order") {
    const css = mark.kind === "alert" || outcome === "error" || outcome === "fail" ? "m-bad"
      : outcome === "warn" || outcome === "unknown" || outcome === "PAYMENT_FAILED" || outcome === "CANCELLED" ? "m-wait"
      : outcome === "PAID" || outcome === "ok" ? "m-good" : "m-note";
    return draw("rect", { class: css, x: x - 2, y: y - 8, width: 4, height: 16, rx: 1 });
  }
  if (outcome === "odd") return draw("path", { class: "m-bad-line", d: `M${x - 5} ${y - 5}l10 10M${x + 5} ${y - 5}l-10 10` });
  if (outcome === "mended") return draw("path", { class: "m-good", d: `M${x} ${y - 7}l7 7-7 7-7-7z` });
  if (outcome === "balanced" || outcome === "placed") return draw("circle", { class: "m-good", cx: x, cy: y, r: 5.5 });
  if (outcome === "waiting") return draw("circle", { class: "m-open", cx: x, cy: y, r: 5 });
  if (outcome === "not-placed") return draw("rect", { class: "m-off", x: x - 5, y: y - 5, width: 10, height: 10 });
  return draw("path", { class: "m-wait", d: `M${x} ${y - 7}l7 12h-14z` });
}

/** Which lanes there are and in which a mark lies: a lane a customer, or where there are many, a lane an outcome. */
function lay(chart) {
  const customers = [...new Set(chart.marks.filter((one) => one.kind === "order").map((one) => one.customer || "?"))];
  const byCustomer = customers.length <= CUSTOMERS_MAX;
  const names = byCustomer
    ? customers.map((name) => [`o:${name}`, name])
    : [...Object.entries(OUTCOMES).map(([id, name]) => [`o:${id}`, name]), ["o:", "unknown"]];
  const present = new Set();
  const laneOf = (mark) => {
    if (mark.kind !== "order") return mark.kind;
    if (byCustomer) return `o:${mark.customer || "?"}`;
    return mark.outcome in OUTCOMES ? `o:${mark.outcome}` : "o:";
  };
  for (const mark of chart.marks) present.add(laneOf(mark));
  const lanes = [["fault", "faults"], ...[...names, ...KINDS].filter(([id]) => present.has(id))];
  return { lanes, laneOf };
}

function offset(seconds) {
  const whole = Math.abs(seconds);
  const minutes = Math.floor(whole / 60);
  const rest = whole - minutes * 60;
  const digits = Number.isInteger(rest) ? String(rest).padStart(2, "0") : rest.toFixed(1).padStart(4, "0");
  return `${seconds < 0 ? "-" : "+"}${minutes}:${digits}`;
}

/** One timeline in *element*; `show(chart)` draws it anew. */
export class Timeline {
  constructor(element, { says = null, orders = "", onSpan = null } = {}) {
    this.element = element;
    this.says = says;
    this.orders = orders;
    this.onSpan = onSpan;
    this.here = -1;
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-roledescription", "timeline");
    if (!element.hasAttribute("aria-label")) element.setAttribute("aria-label", "Timeline: arrows go from mark to mark");
    element.addEventListener("keydown", (event) => this.press(event));
  }

  show(chart) {
    this.chart = chart;
    const at = (text) => Date.parse(text);
    const ends = [...chart.marks.map((one) => at(one.at)), ...chart.bands.flatMap((one) => [at(one.from_at), one.to_at ? at(one.to_at) : NaN])].filter((one) => !Number.isNaN(one));
    this.first = chart.from_at ? at(chart.from_at) : Math.min(...ends);
    this.last = chart.to_at ? at(chart.to_at) : Math.max(...ends);
    if (!Number.isFinite(this.first)) {
      this.element.replaceChildren(make("p", { class: "soft" }, "Nothing has happened yet."));
      return;
    }
    const margin = chart.from_at && this.onSpan && this.isZoomed ? 0 : (this.last - this.first) * 0.02 + 50;
    this.first -= margin;
    this.last += margin;
    const room = this.element.clientWidth || WIDTH;
    this.narrow = room < NARROW;
    this.width = this.narrow ? Math.max(300, room) : WIDTH;
    this.left = this.narrow ? 88 : LEFT;
    const { lanes, laneOf } = lay(chart);
    const height = TOP + lanes.length * LANE + 46;
    const svg = draw("svg", { viewBox: `0 0 ${this.width} ${height}`, role: "img", "aria-label": this.describe(chart) });
    this.rows = new Map(lanes.map(([id], n) => [id, TOP + n * LANE + LANE / 2]));
    this.drawLanes(svg, lanes);
    this.drawBands(svg, chart, height);
    this.marks = [...chart.marks].filter((one) => this.rows.has(laneOf(one))).sort((a, b) => (a.at < b.at ? -1 : 1));
    this.nodes = this.marks.map((mark, n) => {
      const x = this.x(at(mark.at));
      const y = this.rows.get(laneOf(mark));
      const hit = draw("rect", { class: "hit", x: x - 8, y: y - 12, width: 16, height: 24 });
      const group = draw("g", { class: "mark" }, hit, shape(mark, x, y));
      group.append();
      group.addEventListener("pointerenter", () => this.point(n));
      group.addEventListener("click", () => this.open(n));
      svg.append(group);
      return group;
    });
    this.drawTime(svg, chart, TOP + lanes.length * LANE);
    this.drag(svg, height);
    this.element.replaceChildren(svg);
    this.here = -1;
  }

  describe(chart) {
    const orders = chart.marks.filter((one) => one.kind === "order");
    const odd = orders.filter((one) => one.outcome === "odd").length;
    return `${chart.bands.length} faults, ${orders.length} orders of which ${odd} are odd, ${chart.marks.length - orders.length} other things`;
  }

  x(ms) {
    return this.left + ((ms - this.first) / (this.last - this.first)) * (this.width - this.left - RIGHT);
  }

  drawLanes(svg, lanes) {
    const longest = this.narrow ? 10 : 15;
    lanes.forEach(([, name], n) => {
      const y = TOP + n * LANE + LANE / 2;
      svg.append(draw("line", { class: "lane-line", x1: this.left, x2: this.width - RIGHT, y1: y, y2: y }));
      const label = draw("text", { class: "lane-name", x: this.left - 12, y: y + 4, "text-anchor": "end" });
      label.textContent = name.length > longest ? `${name.slice(0, longest - 1)}…` : name;
      svg.append(label);
    });
  }

  drawBands(svg, chart, height) {
    for (const band of chart.bands) {
      const from = Math.max(this.left, this.x(Date.parse(band.from_at)));
      const to = Math.min(this.width - RIGHT, band.to_at ? this.x(Date.parse(band.to_at)) : this.width - RIGHT);
      if (to < this.left || from > this.width - RIGHT) continue;
      const wide = Math.max(2, to - from);
      const title = draw("title");
      title.textContent = `${band.text}, ${band.from_at} to ${band.to_at || "now"}`;
      svg.append(draw("rect", { class: "band", x: from, y: TOP, width: wide, height: height - TOP - 44, opacity: 0.55 }));
      svg.append(draw("rect", { class: "band-strong", x: from, y: TOP + 6, width: wide, height: LANE - 12, rx: 3 }, title));
      if (wide > 90) {
        const text = draw("text", { class: "on-band", x: from + 6, y: TOP + LANE / 2 + 4 });
        text.textContent = band.text.slice(0, Math.floor(wide / 7.5));
        svg.append(text);
      }
    }
  }

  drawTime(svg, chart, y) {
    const speed = chart.speed || 1;
    const origin = chart.origin_at ? Date.parse(chart.origin_at) : this.first;
    const spanS = ((this.last - this.first) / 1000) * speed;
    const ticks = this.narrow ? 3 : TICKS;
    const step = STEPS_S.find((one) => spanS / one <= ticks) ?? Math.ceil(spanS / ticks / 86400) * 86400;
    svg.append(draw("line", { class: "axis", x1: this.left, x2: this.width - RIGHT, y1: y, y2: y }));
    for (const [words, drop] of [["plan time", 18], ["UTC", 36]]) {
      const text = draw("text", { x: this.left - 12, y: y + drop, "text-anchor": "end" });
      text.textContent = words;
      svg.append(text);
    }
    const begin = Math.ceil((((this.first - origin) / 1000) * speed) / step);
    const end = Math.floor((((this.last - origin) / 1000) * speed) / step);
    for (let n = begin; n <= end; n += 1) {
      const seconds = Math.round(n * step * 10) / 10;
      const ms = origin + (seconds / speed) * 1000;
      const x = this.x(ms);
      if (x > this.width - 40) continue;
      svg.append(draw("line", { class: "axis", x1: x, x2: x, y1: y, y2: y + 5 }));
      for (const [words, drop] of [[offset(seconds), 18], [new Date(ms).toISOString().slice(11, 21), 36]]) {
        const text = draw("text", { x, y: y + drop, "text-anchor": "middle" });
        text.textContent = words;
        svg.append(text);
      }
    }
  }

  /** Say mark *n* and mark its place. */
  point(n) {
    this.nodes[this.here]?.classList.remove("is-here");
    this.here = n;
    this.nodes[n]?.classList.add("is-here");
    const mark = this.marks[n];
    if (this.says && mark) {
      const parts = [make("span", { class: "mono" }, mark.at.slice(11, 23)), ` ${mark.kind}${mark.outcome ? `, ${mark.outcome}` : ""}: ${mark.text} `];
      if (mark.order && this.orders) parts.push(make("a", { href: this.orders + encodeURIComponent(mark.order) }, "the order"));
      this.says.replaceChildren(...parts);
    }
  }

  open(n) {
    const mark = this.marks[n];
    if (mark?.order && this.orders) location.assign(this.orders + encodeURIComponent(mark.order));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.marks) return;
    const count = this.marks.length;
    const width = this.last - this.first;
    const keys = {
      ArrowRight: () => this.point(Math.min(count - 1, this.here + 1)),
      ArrowLeft: () => this.point(Math.max(0, this.here - 1)),
      Home: () => this.point(0),
      End: () => this.point(count - 1),
      Enter: () => this.open(this.here),
      "+": () => this.onSpan?.(this.first + width / 4, this.last - width / 4),
      "-": () => this.onSpan?.(this.first - width / 2, this.last + width / 2),
      0: () => this.onSpan?.(null, null),
    };
    const act = keys[event.key === "=" ? "+" : event.key];
    if (act && count) {
      event.preventDefault();
      act();
    }
  }

  /** A stretch that is dragged over becomes the span. */
  drag(svg, height) {
    if (!this.onSpan) return;
    let from = null;
    let brush = null;
    const place = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * this.width;
      return Math.min(this.width - RIGHT, Math.max(this.left, x));
    };
    const ms = (x) => this.first + ((x - this.left) / (this.width - this.left - RIGHT)) * (this.last - this.first);
    svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0) from = place(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = place(event);
      if (!brush && Math.abs(to - from) > 8) {
        brush = draw("rect", { class: "brush", y: TOP, height: height - TOP - 44 });
        svg.append(brush);
        svg.setPointerCapture(event.pointerId);
      }
      brush?.setAttribute("x", Math.min(from, to));
      brush?.setAttribute("width", Math.abs(to - from));
    });
    const end = (event) => {
      if (brush && event.type === "pointerup") {
        const to = place(event);
        this.onSpan(ms(Math.min(from, to)), ms(Math.max(from, to)));
      }
      brush?.remove();
      from = brush = null;
    };
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
  }
}

const data = pageData();
for (const element of document.querySelectorAll("[data-chart]")) {
  const line = new Timeline(element, { says: element.nextElementSibling, orders: element.dataset.orders });
  line.show(data.charts[Number(element.dataset.chart)]);
}
const own = document.getElementById("chart");
if (own && data?.chart) {
  const line = new Timeline(own, {
    says: document.getElementById("chart-says"),
    orders: own.dataset.orders,
    onSpan: (from, to) => {
      const url = new URL(location.href);
      for (const [name, value] of [["from", from], ["to", to]]) {
        if (value === null) url.searchParams.delete(name);
        else url.searchParams.set(name, new Date(value).toISOString());
      }
      url.searchParams.delete("page");
      location.assign(url);
    },
  });
  line.isZoomed = new URL(location.href).searchParams.has("from");
  line.show(data.chart);
}
