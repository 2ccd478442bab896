// Follows orders by server-sent events and writes what comes into the page that the server made.

const STREAM_STATES_CLOSED = 2;

function write(place, selector, text) {
  const found = place.querySelector(selector);
  if (found && found.textContent !== text) found.textContent = text;
}

function show(place, news, isList) {
  const label = isList ? news.label : news.label.toLowerCase();
  write(place, "[data-shown]", label);
  write(place, "[data-sentence]", news.sentence);
  const dot = place.querySelector(".dot");
  if (dot) dot.className = `dot is-${news.colour}`;
}

// Money and history are the server's words: they are fetched, not made here.
async function renew() {
  if (!document.getElementById("history")) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["money", "history"]) {
    const here = document.getElementById(id);
    const there = page.getElementById(id);
    if (here && there) here.replaceWith(document.adoptNode(there));
  }
}

export function follow(root = document) {
  const place = root.querySelector("[data-stream]");
  if (!place) return;
  const away = root.querySelector("[data-away]");
  const isList = place.tagName === "TABLE";
  let first = true;
  const source = new EventSource(place.dataset.stream);
  const say = (isAway) => {
    if (away) away.hidden = !isAway;
  };
  source.addEventListener("status", (event) => {
    const news = JSON.parse(event.data);
    const row = isList ? place.querySelector(`[data-order="${CSS.escape(news.order)}"]`) : place;
    if (row) show(row, news, isList);
    if (!isList && !first) renew().catch(() => say(true));
    first = false;
  });
  source.addEventListener("away", () => say(true));
  source.addEventListener("back", () => say(false));
  source.addEventListener("open", () => say(false));
  source.addEventListener("end", () => source.close());
  source.addEventListener("error", () => say(true));
  // A stream that was refused (every place taken) is not tried again by the browser: we try again.
  source.addEventListener("error", () => {
    if (source.readyState === STREAM_STATES_CLOSED) setTimeout(() => follow(root), 5000);
  });
  addEventListener("pagehide", () => source.close());
}

follow();
