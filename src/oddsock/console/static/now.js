// The page Now, kept live: what each look says is put into the page that the server made; breaking asks in a dialog.

import { change, dressTimes, follow, make, pageData, say } from "./frame.js";
import { drawEdges, drawNodes, flowKeys } from "./flow.js";

const DOES = pageData("does");
const CSRF = document.querySelector('meta[name="csrf"]').content;
const shown = new Map();

const byId = (id) => document.getElementById(id);

/** Put *children* into the element *id* if *data* is not what stands there already. */
function renew(id, data, children) {
  const text = JSON.stringify(data);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  byId(id).replaceChildren(...children());
  dressTimes(byId(id));
}

const badge = (word, colour) => make("span", { class: `badge is-${colour}` }, String(word));
const time = (at, from, to) => make("time", { datetime: at }, at.slice(from, to).replace("T", " "));

function brokenRow(one) {
  const heal = make("form", { method: "post", action: `/faults/${encodeURIComponent(one.case)}/heal`, "data-heal": one.case },
    make("input", { type: "hidden", name: "csrf", value: CSRF }),
    make("button", { class: "tiny", "aria-label": `Heal ${one.target}` }, "Heal"));
  return make("li", { class: "fault" },
    make("span", {}, badge(one.fault, "bad"), " ", make("strong", {}, one.target)),
    make("span", { class: "grow" }, `${one.sentence} `,
      make("span", { class: "soft" }, "since ", time(one.at, 0, 19), ` by ${one.by}`)),
    make("a", { href: `/cases/${encodeURIComponent(one.case)}` }, "case"),
    ["stands", "left"].includes(one.state) ? heal : null);
}

function strangerRow(one) {
  return make("li", { class: "fault" },
    make("span", {}, badge("no case", "wait"), " ", make("strong", {}, one.target)),
    make("span", { class: "grow" }, `${one.sentence} `, make("span", { class: "soft" }, one.hint)));
}

function showBroken(page) {
  renew("broken", [page.broken, page.strangers], () => [
    page.broken.length + page.strangers.length ? null : make("p", { class: "soft" }, "Nothing is broken."),
    make("ul", { class: "plain" }, ...page.broken.map(brokenRow), ...page.strangers.map(strangerRow)),
  ].filter(Boolean));
}

function showOdd(odd) {
  if (!odd) return;
  const { looked_at: at, took_s: took, ...rest } = odd;
  const figure = (name, value, colour) => make("div", {}, make("dt", {}, name), make("dd", { class: colour }, String(value)));
  const isWhole = !Object.keys(odd.missing).length;
  renew("odd", rest, () => odd.problem
    ? [make("div", { class: "nothing" }, make("p", {}, `They cannot be counted: ${odd.problem}`))]
    : [
      make("dl", { class: "figures" }, figure(isWhole ? "odd now" : "odd, as far as can be read", odd.odd, odd.odd ? "bad" : isWhole ? "good" : ""),
        figure("may still settle", odd.settling, ""), figure("orders", odd.orders, "")),
      make("p", {}, ...Object.entries(odd.by_status).flatMap(([name, count]) => [badge(`${count} ${name}`, name === "PAYMENT_FAILED" ? "bad" : "off"), " "])),
      make("ul", { class: "plain" }, ...Object.entries(odd.by_class).map(([name, count]) => make("li", {}, badge(count, "bad"), ` ${name}`))),
      odd.newest.length ? make("h3", {}, "The newest") : null,
      make("ul", { class: "plain small" }, ...odd.newest.map((one) => make("li", {},
        make("a", { class: "mono", href: `/logs?query=${encodeURIComponent(`"${one.order_id}"`)}` }, one.order_id), ` ${one.sentence}`))),
      !isWhole
        ? make("p", { class: "soft small" }, `Not read: ${Object.entries(odd.missing).map(([name, why]) => `${name} (${why})`).join("; ")}`)
        : null,
    ].filter(Boolean));
  byId("odd-at").replaceChildren(", last at ", time(at, 11, 23), ` in ${took.toFixed(1)} s`);
}

function showFigures(figures) {
  if (!figures || figures.away) return;
  for (const board of figures.boards) {
    for (const one of board.figures) {
      const found = document.querySelector(`[data-figure="${CSS.escape(`${board.title}: ${one.name}`)}"] dd`);
      // Without a place for it the page was made while telemetry was away.
      if (!found) return location.reload();
      found.textContent = one.value || "no data";
      found.className = one.colour;
    }
  }
}

function podItem(pod) {
  const restarts = pod.restarts ? ` ${pod.restarts} restart${pod.restarts === 1 ? "" : "s"}` : "";
  return make("li", {}, make("a", { class: "mono", href: `/logs?query=pod_name:${encodeURIComponent(pod.name)}` }, pod.name), " ",
    badge(pod.reason || pod.phase, pod.ready ? "good" : "bad"), restarts);
}

function showDeployment(row, one) {
  const text = JSON.stringify(one);
  if (shown.get(`deployment ${one.name}`) === text) return;
  shown.set(`deployment ${one.name}`, text);
  const state = !one.replicas ? badge("scaled to 0", "off")
    : badge(`${one.available} of ${one.replicas}`, one.available >= one.replicas ? "good" : "bad");
  row.querySelector('[data-cell="available"]').replaceChildren(state, ...one.faults.flatMap((name) => [" ", badge(name, "bad")]));
  row.querySelector('[data-cell="pods"]').replaceChildren(make("ul", { class: "plain small" },
    ...(one.pods.length ? one.pods.map(podItem) : [make("li", { class: "soft" }, "none")])));
  const count = row.querySelector("input.count");
  if (document.activeElement !== count) count.value = one.replicas ? 0 : 1;
  for (const button of row.querySelectorAll('button[name="type"]')) button.disabled = button.value !== "scale" && !one.pods.length;
}

function show(page) {
  const rows = new Map([...document.querySelectorAll("[data-deployment]")].map((row) => [row.dataset.deployment, row]));
  const isSameShop = page.deployments.length === rows.size && page.deployments.every((one) => rows.has(one.name));
  if (page.away ? rows.size : !isSameShop || flowKeys(document) !== flowKeys(page.flow)) return location.reload();
  byId("live").replaceChildren("live, looked at ", time(page.looked_at, 11, 19));
  byId("live").classList.remove("is-stale");
  if (page.away) return undefined;
  showBroken(page);
  for (const one of page.deployments) showDeployment(rows.get(one.name), one);
  drawNodes(page.flow.nodes);
  drawEdges(page.flow.edges);
  byId("flow-window").textContent = page.flow.window_s
    ? `Calls a second over the last ${page.flow.window_s.toFixed(0)} s, wall time.` : "Rates come with the second look.";
  showOdd(page.odd);
  return showFigures(page.figures);
}

/** Ask in the dialog; resolves to whether it was confirmed. */
function confirmed(what) {
  const dialog = byId("confirm");
  byId("confirm-what").textContent = what;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

async function breakIt(form, submitter) {
  const target = form.dataset.target;
  const type = submitter.value;
  const replicas = Number(form.elements.replicas.value);
  const what = type === "scale" ? `Scale ${target} to ${replicas}.` : `${submitter.textContent}: ${target}.`;
  if (!(await confirmed(`${what} ${DOES[type]}`))) return;
  form.setAttribute("aria-busy", "true");
  try {
    const made = await change("/faults", type === "scale" ? { type, target, replicas } : { type, target });
    say(`Done: case ${made.case}.`);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

async function heal(form) {
  form.querySelector("button").disabled = true;
  try {
    const answer = await change(form.getAttribute("action"), {});
    say(answer.healed.map((one) => one.sentence).join("; ") || "It was healed already.");
  } finally {
    form.querySelector("button").disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const isBreak = form.matches("form.break");
  if (!isBreak && !form.matches("[data-heal]")) return;
  event.preventDefault();
  (isBreak ? breakIt(form, event.submitter) : heal(form)).catch((error) => say(error.message, true));
});

follow("/now/stream", {
  now: show,
  lost: () => {
    byId("live").classList.add("is-stale");
    byId("live").textContent = "not live: the console does not answer; trying again";
  },
});
