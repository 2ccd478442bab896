// A case that is being written is followed: counts, marks and lines as they come; at its end the page is loaded again.

import { change, follow, make, pageData, say } from "./frame.js";
import { Timeline } from "./case_timeline.js";

const LINES_MAX = 200;
const DRAW_MS = 250;

const live = document.getElementById("live");
if (live) followCase(live);

function followCase(section) {
  const element = document.getElementById("live-chart") ?? document.getElementById("chart");
  const said = document.getElementById("live-now");
  const counts = new Map([...document.querySelectorAll("[data-count]")].map((one) => [one.dataset.count, one]));
  const lines = document.getElementById("live-lines");
  const kept = pageData("live-data")?.chart ?? { marks: [], bands: [], speed: 1, origin_at: "" };
  const marks = new Map(kept.marks.map((one) => [one.id, one]));
  const timeline = element && element.id === "live-chart" ? new Timeline(element, { says: said }) : null;
  let seen = lines?.rows.length ? lines.rows[0].cells[0].textContent : "";
  let waits = false;

  function draw() {
    waits = false;
    timeline?.show({ ...kept, from_at: "", to_at: "", marks: [...marks.values()] });
  }
  draw();
  follow(section.dataset.stream, {
    lines(told) {
      for (const [name, count] of Object.entries(told.counts)) {
        if (counts.has(name)) counts.get(name).textContent = count;
      }
      for (const mark of told.marks) marks.set(mark.id, mark);
      kept.bands = told.bands;
      kept.origin_at = told.origin_at;
      for (const line of told.lines) {
        const clock = line.at.slice(11, 23);
        if (lines && clock > seen) {
          const plan = line.plan_s.toFixed(1);
          lines.prepend(make("tr", {}, make("td", { class: "mono" }, clock), make("td", {}, line.phase), make("td", { class: "number" }, plan), make("td", {}, line.text)));
        }
        said.textContent = line.text;
      }
      if (told.lines.length) seen = told.lines.at(-1).at.slice(11, 23);
      while (lines && lines.rows.length > LINES_MAX) lines.deleteRow(-1);
      if (!waits) {
        waits = true;
        setTimeout(draw, DRAW_MS);
      }
    },
    over() {
      location.reload();
    },
  });
}

const form = document.getElementById("apply");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const told = new FormData(form);
  try {
    await change(form.action, { replay: told.get("replay"), carried_over: told.get("carried_over") === "1" });
    location.reload();
  } catch (refused) {
    say(refused.message, true);
    button.disabled = false;
  }
});
