// One monitor: its query as a chart with the thresholds and the times it was not OK; all of it anew while its time ends now.

import { dressTimes, pageData } from "./frame.js";
import { clockOf, isoOf } from "./figures.js";
import { plot } from "./plot.js";

const REFRESH_MS = 5000;
const SHOWN = ["state", "bands", "groups", "history"];
const BANDS = { bad: "--band", wait: "--wait-paper", off: "--off-paper" };

let told = pageData();
let chart = null;

function zoom(from, to) {
  const url = new URL(location.href);
  url.searchParams.set("from", isoOf(from));
  url.searchParams.set("to", isoOf(to));
  location.assign(url);
}

function shape() {
  const bands = told.bands.flatMap((one) => one.parts.map((part) => ({ from: part.from_ms, to: part.to_ms, name: part.state, colour: BANDS[part.colour] })));
  return {
    series: told.series.map(({ name, points, unit }) => ({ name, points, unit })),
    bands: bands.filter((one) => one.colour),
    lines: told.lines,
    from: told.from_ms,
    to: told.to_ms,
    label: told.monitor.query,
    onZoom: zoom,
  };
}

function draw() {
  const place = document.getElementById("line");
  if (!place || !told.series.length) return;
  if (chart) chart.update(shape());
  else chart = plot(place, shape());
}

draw();

async function refresh() {
  if (!document.hidden) {
    const looked = document.getElementById("looked");
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) throw new Error(`the console answered ${answer.status}.`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of SHOWN) document.getElementById(id)?.replaceChildren(...document.importNode(fresh.getElementById(id), true).childNodes);
      told = JSON.parse(fresh.getElementById("data").textContent);
      draw();
      dressTimes();
      looked.textContent = `as of ${clockOf(told.to_ms)} UTC`;
    } catch (failure) {
      looked.textContent = `Not refreshed: ${failure.message}`;
    }
  }
  setTimeout(refresh, REFRESH_MS);
}

if (told.to === "now") setTimeout(refresh, REFRESH_MS);
