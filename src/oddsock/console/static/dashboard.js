// A dashboard: charts where the server wrote tables, and all of it anew every few seconds while its time ends now.

import { dressTimes, pageData } from "./frame.js";
import { clockOf, isoOf } from "./figures.js";
import { plot } from "./plot.js";

const REFRESH_MS = 5000;

let told = pageData();
const charts = new Map();

function zoom(from, to) {
  const url = new URL(location.href);
  url.searchParams.set("from", isoOf(from));
  url.searchParams.set("to", isoOf(to));
  location.assign(url);
}

function* all(widgets) {
  for (const one of widgets) {
    yield one;
    if (one.widgets) yield* all(one.widgets);
  }
}

function shape(one) {
  const units = new Set(one.series.map((line) => line.unit));
  return {
    series: one.series.map(({ name, points, unit, shape: form }) => ({ name, points, unit, shape: form })),
    lines: one.lines,
    unit: units.size === 1 ? [...units][0] : "",
    stacked: one.series.length > 1 && one.series.every((line) => line.shape === "area"),
    yMin: one.y_min ?? undefined,
    yMax: one.y_max ?? undefined,
    from: told.from_ms,
    to: told.to_ms,
    label: one.title || "Chart",
    height: 190,
    sync: "dashboard",
    onZoom: zoom,
  };
}

function draw() {
  for (const one of all(told.widgets)) {
    if (one.view !== "plot" || !one.series.length) continue;
    const place = document.querySelector(`.widget[data-id="${one.id}"] .chart`);
    if (!place) continue;
    const known = charts.get(one.id);
    if (known?.element === place) known.update(shape(one));
    else {
      known?.remove();
      charts.set(one.id, plot(place, shape(one)));
    }
  }
}

/** Put what the server shows now in the place of what stood here; charts stay and take their new points. */
function take(fresh) {
  for (const widget of fresh.querySelectorAll(".widget[data-id]")) {
    const inner = widget.querySelector(":scope > .shown");
    const here = document.querySelector(`.widget[data-id="${widget.dataset.id}"]`);
    const old = here?.querySelector(":scope > .shown");
    if (!inner || !old) continue;
    here.className = widget.className;
    if (inner.querySelector(".chart") && old.querySelector(".chart")) continue;
    const top = old.querySelector(".stream")?.scrollTop ?? 0;
    old.replaceWith(document.importNode(inner, true));
    const stream = here.querySelector(".stream");
    if (stream) stream.scrollTop = top;
  }
  told = JSON.parse(fresh.getElementById("data").textContent);
  draw();
  dressTimes();
}

draw();

if (told.to === "now") {
  const pause = document.getElementById("pause");
  const looked = document.getElementById("looked");
  let isPaused = false;
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Go on" : "Pause";
  });
  const refresh = async () => {
    if (!isPaused && !document.hidden) {
      try {
        const answer = await fetch(location.href);
        if (!answer.ok) throw new Error(`The console answered ${answer.status}.`);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!isPaused) take(fresh);
        looked.textContent = `as of ${clockOf(told.to_ms)} UTC`;
      } catch (failure) {
        looked.textContent = `Not refreshed: ${failure.message}`;
      }
    }
    setTimeout(refresh, REFRESH_MS);
  };
  setTimeout(refresh, REFRESH_MS);
}
