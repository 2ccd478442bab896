// The page of the logs: what is asked stands in the address; lines and bars are asked for together and shown as they come.

import { ask, keepInAddress, make, pageData, say } from "/static/frame.js";
import { Facets } from "/static/log_facets.js";
import { Histogram } from "/static/log_histogram.js";
import { LogList, wordsOf } from "/static/log_list.js";
import { LiveTail } from "/static/log_tail.js";
import { SearchBox, showRefusal } from "/static/log_box.js";
import { showLine } from "/static/log_opened.js";

const LINES = 100;
const LINES_MAX = 10_000;
const LIVE_MAX = 2000;
const LIVE_BARS_MS = 5000;
const DAY_MS = 86_400_000;

const byId = (id) => document.getElementById(id);
const form = byId("search");
const place = byId("lines");
const told = pageData();
const state = { query: told.query, from: told.from, to: told.to };
let cursor = told.cursor;
let isLong = false;
let facetNames = told.facets;
let number = 0;
let isReading = false;
let barsTimer = null;
let firstIds = new Set();

const more = make("p", { class: "more soft", hidden: true });
const list = new LogList(place, { open: openLine, older: readOlder });
const histogram = new Histogram(byId("histogram"), byId("axis"), byId("bar-told"), (from, to) => go({ from, to }));
const facets = new Facets(byId("facets"), (query) => go({ query }));
const tail = new LiveTail({ draw: drawTail, tell: tellTail, refused: refuseTail, max: LIVE_MAX });
new SearchBox(form.elements.query, { names: () => facetNames, span: () => ({ from: state.from, to: state.to }) });

/** Ask for something else: *changes* to the query or the span; a new step in the browser's history. */
function go(changes) {
  Object.assign(state, changes);
  if (tail.isOn && state.to !== "now") setLive(false);
  history.pushState(null, "", location.href);
  fillForm();
  if (tail.isOn) tail.start(state.query);
  return search();
}

function fillForm() {
  for (const name of ["query", "from", "to"]) form.elements[name].value = state[name];
  for (const one of form.querySelectorAll("[data-from]")) {
    const asked = new URLSearchParams({ query: state.query, from: one.dataset.from, to: "now" });
    one.href = `/logs?${asked}`;
    if (state.to === "now" && state.from === one.dataset.from) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  for (const one of document.querySelectorAll(".download")) {
    one.href = `/logs/download?${new URLSearchParams({ ...state, format: one.dataset.format })}`;
  }
}

/** Ask for lines and bars at the same time; each is shown as soon as it is there. */
async function search() {
  number += 1;
  const mine = number;
  keepInAddress({ ...state, cursor: null, live: tail.isOn ? "1" : null });
  place.setAttribute("aria-busy", "true");
  const asked = new URLSearchParams(state);
  const lines = ask(`/logs/lines.json?${asked}&limit=${LINES}`).then((found) => mine === number && showLines(found));
  const bars = ask(`/logs/histogram.json?${asked}`).then((found) => mine === number && showBars(found));
  const outcomes = await Promise.allSettled([lines, bars]);
  if (mine !== number) return;
  place.removeAttribute("aria-busy");
  const failure = outcomes.find((one) => one.status === "rejected")?.reason ?? null;
  showRefusal(byId("refused"), state.query, failure);
  if (failure) {
    if (failure.column) form.elements.query.setSelectionRange(failure.column - 1, failure.column);
    return;
  }
  facets.show({ ...state }, facetNames);
}

function showLines(found) {
  cursor = found.cursor;
  isLong = found.to_ms - found.from_ms > DAY_MS;
  facetNames = found.facets.length ? found.facets : facetNames;
  firstIds = new Set(found.lines.map((line) => line.id));
  list.show(found.lines, wordsOf(state.query), isLong);
  const warnings = byId("warnings");
  warnings.hidden = !found.warnings.length;
  warnings.replaceChildren(...found.warnings.map((one) => make("li", {}, one)));
  tellEnd();
  place.dataset.shown = state.query;
}

function showBars(found) {
  histogram.draw(found);
  byId("total").textContent = `${found.total.toLocaleString("en")} ${found.total === 1 ? "line" : "lines"}`;
  byId("histogram").dataset.shown = state.query;
}

async function readOlder() {
  if (isReading || !cursor || list.lines.length >= LINES_MAX) return;
  isReading = true;
  const mine = number;
  try {
    const found = await ask(`/logs/lines.json?${new URLSearchParams({ ...state, cursor, limit: LINES * 2 })}`);
    if (mine !== number) return;
    cursor = found.cursor;
    list.append(found.lines);
  } catch (failure) {
    if (mine === number) cursor = "";
    say(failure.message, true);
  } finally {
    isReading = false;
    tellEnd();
  }
}

function tellEnd() {
  const count = list.lines.length;
  more.hidden = false;
  if (!count) more.textContent = "No line was found in this span. Choose a longer one, or search for less; * finds every line.";
  else if (cursor && count >= LINES_MAX) more.textContent = `The newest ${count.toLocaleString("en")} lines. Narrow the span, or drag over the bars, to see others.`;
  else if (cursor) more.textContent = `${count.toLocaleString("en")} lines read; older ones when you scroll.`;
  else more.textContent = `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}; these are all that are kept here.`;
}

function openLine(line) {
  byId("logs").classList.add("is-open");
  showLine(byId("opened"), line, list.pattern, { term: addTerm, close: closeLine });
}

function closeLine() {
  byId("opened").hidden = true;
  byId("logs").classList.remove("is-open");
  list.selected = null;
  list.draw();
}

async function addTerm(key, value, isOut) {
  const asked = new URLSearchParams({ query: state.query, key, value, ...(isOut ? { out: "1" } : {}) });
  try {
    const found = await ask(`/logs/term?${asked}`);
    go({ query: found.query });
  } catch (failure) {
    say(failure.message, true);
  }
}

function setLive(isOn) {
  const live = byId("live");
  live.setAttribute("aria-pressed", String(isOn));
  live.textContent = isOn ? "Stop the tail" : "Live tail";
  live.classList.toggle("quiet", !isOn);
  byId("pause").hidden = !isOn;
  byId("live-told").textContent = "";
  clearInterval(barsTimer);
  if (!isOn) {
    tail.stop();
    keepInAddress({ live: null });
    return;
  }
  if (state.to !== "now") Object.assign(state, { from: "now-15m", to: "now" });
  byId("pause").textContent = "Pause";
  fillForm();
  tail.start(state.query);
  search();
  barsTimer = setInterval(readBars, LIVE_BARS_MS);
}

async function readBars() {
  const mine = number;
  if (document.hidden || tail.isPaused) return;
  try {
    const found = await ask(`/logs/histogram.json?${new URLSearchParams(state)}`);
    if (mine === number) showBars(found);
  } catch {
    // The tail itself tells when the server is away; the bars come with the next turn.
  }
}

function drawTail(lines) {
  const fresh = lines.filter((line) => !firstIds.has(line.id)).sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  // What fell off below does not join on to older pages any more.
  if (list.prepend(fresh, LIVE_MAX)) cursor = "";
  tellEnd();
}

function tellTail({ count, missed, rate, isPaused, isLost, waiting }) {
  const parts = [`${count.toLocaleString("en")} lines`, `${Math.round(rate).toLocaleString("en")} a second`];
  if (missed) parts.push(`${missed.toLocaleString("en")} missed`);
  if (isPaused) parts.push(`paused, ${waiting.toLocaleString("en")} new`);
  byId("live-told").textContent = isLost ? "The connection is lost; trying again." : parts.join(" · ");
}

function refuseTail(failure) {
  setLive(false);
  showRefusal(byId("refused"), state.query, failure);
}

function begin() {
  for (const one of document.querySelectorAll(".still")) one.remove();
  place.append(more);
  byId("live-controls").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = { query: form.elements.query.value, from: form.elements.from.value.trim(), to: form.elements.to.value.trim() || "now" };
    const isSame = ["query", "from", "to"].every((name) => values[name] === state[name]);
    if (isSame) search();
    else go(values);
  });
  form.querySelector(".spans").addEventListener("click", (event) => {
    const from = event.target.dataset.from;
    if (!from || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({ query: form.elements.query.value, from, to: "now" });
  });
  byId("live").addEventListener("click", () => setLive(!tail.isOn));
  byId("pause").addEventListener("click", () => {
    tail.pause(!tail.isPaused);
    byId("pause").textContent = tail.isPaused ? "Go on" : "Pause";
  });
  addEventListener("keydown", (event) => event.key === "Escape" && !byId("opened").hidden && closeLine());
  addEventListener("popstate", () => {
    const asked = new URLSearchParams(location.search);
    Object.assign(state, { query: asked.get("query") ?? "", from: asked.get("from") || "now-15m", to: asked.get("to") || "now" });
    fillForm();
    search();
  });
  if (told.refused) {
    list.show([], null, false);
    more.hidden = true;
  } else {
    showLines(told);
    showBars(told.histogram);
    facets.show({ ...state }, facetNames);
  }
  if (told.is_live) setLive(true);
}

begin();
