// What every page has: local time on hover, a change with its token, a word in the corner, a stream that is followed.

const CSRF = document.querySelector('meta[name="csrf"]').content;
const TOAST_MS = 6000;

/** Every <time> tells the reader's own time when it is pointed at. */
export function dressTimes(root = document) {
  for (const one of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(one.getAttribute("datetime"));
    if (!Number.isNaN(at.getTime())) one.title = at.toLocaleString();
  }
}

/** Ask for JSON; throws an Error with the server's sentence, `column` and `status` when it refuses. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { Accept: "application/json", ...(options.headers ?? {}) } });
  const text = await answer.text();
  let document_;
  try {
    document_ = JSON.parse(text);
  } catch {
    document_ = { error: { sentence: text || `HTTP ${answer.status}` } };
  }
  if (!answer.ok) {
    const told = document_.error ?? {};
    const failure = new Error([told.sentence, told.hint].filter(Boolean).join(" "));
    failure.column = told.column ?? null;
    failure.status = answer.status;
    throw failure;
  }
  return document_;
}

/** Change something: POST *body* as JSON with the session's token. */
export function change(path, body, method = "POST") {
  return ask(path, {
    method,
    headers: { "Content-Type": "application/json", "X-Csrf-Token": CSRF },
    body: JSON.stringify(body ?? {}),
  });
}

/** Follow server-sent events: *handlers* by event name; answers a function that ends it. */
export function follow(path, handlers) {
  const source = new EventSource(path);
  for (const [name, handle] of Object.entries(handlers)) {
    if (name === "lost") source.onerror = handle;
    else source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  source.addEventListener("end", () => source.close());
  addEventListener("pagehide", () => source.close());
  return () => source.close();
}

/** The JSON that the page carries in <script type="application/json" id=...>. */
export function pageData(id = "data") {
  const found = document.getElementById(id);
  return found ? JSON.parse(found.textContent) : null;
}

/** Say one sentence in the corner; *isBad* when something was refused. */
export function say(sentence, isBad = false) {
  document.querySelector(".toast")?.remove();
  const toast = document.createElement("p");
  toast.className = isBad ? "toast is-bad-edge" : "toast";
  toast.setAttribute("role", isBad ? "alert" : "status");
  toast.textContent = sentence;
  document.body.append(toast);
  setTimeout(() => toast.remove(), TOAST_MS);
}

/** An element with attributes and children; text is always text. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

/** Put *values* into the address without loading the page: the state of a page is its URL. */
export function keepInAddress(values) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
  const twin = document.querySelector("footer a");
  if (twin) twin.href = twin.getAttribute("href").split("?")[0] + url.search;
}

dressTimes();
