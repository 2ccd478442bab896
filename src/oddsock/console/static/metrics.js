// The explorer of metrics: the chart, a brush that narrows the time, completion, and new points while the time ends now.

import { ask, make, pageData } from "./frame.js";
import { clockOf, figure, isoOf } from "./figures.js";
import { MetricBox } from "./metric_box.js";
import { plot } from "./plot.js";

const REFRESH_MS = 5000;

let told = pageData();
new MetricBox(document.getElementById("query"));

function go(values) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  location.assign(url);
}

function shape() {
  const units = new Set(told.series.map((one) => one.unit));
  return {
    series: told.series.map(({ name, points, unit }) => ({ name, points, unit })),
    unit: units.size === 1 ? [...units][0] : "",
    from: told.from_ms,
    to: told.to_ms,
    label: told.query,
    height: 300,
    onZoom: (from, to) => go({ from: isoOf(from), to: isoOf(to) }),
  };
}

function fillTable() {
  const rows = told.series.map((one) => {
    const numbers = [one.last, one.min, one.max, one.avg].map((value) => figure(value, one.unit));
    return make("tr", {}, make("td", { class: "told" }, one.name), ...[...numbers, `${one.interval_s} s`].map((text) => make("td", { class: "number" }, text)));
  });
  document.getElementById("lines").replaceChildren(...rows);
}

const place = document.getElementById("chart");
if (place) {
  const chart = plot(place, shape());
  document.getElementById("hint").hidden = false;
  const live = document.getElementById("live");
  if (live) {
    const pause = document.getElementById("pause");
    const looked = document.getElementById("looked");
    let isPaused = false;
    live.hidden = false;
    pause.addEventListener("click", () => {
      isPaused = !isPaused;
      pause.textContent = isPaused ? "Go on" : "Pause";
    });
    const refresh = async () => {
      if (!isPaused && !document.hidden) {
        try {
          told = await ask(`/metrics.json${location.search}`);
          chart.update(shape());
          fillTable();
          looked.textContent = `as of ${clockOf(told.to_ms)} UTC`;
        } catch (failure) {
          looked.textContent = failure.message;
        }
      }
      setTimeout(refresh, REFRESH_MS);
    };
    setTimeout(refresh, REFRESH_MS);
  }
}
