// One line opened: its message, where it leads, its attributes and tags, each of which can become a term of the search.

import { make } from "/static/frame.js";
import { plain, writeMarked } from "/static/log_list.js";

/** Show *line* in *place*; *term* is called with a key, a value and whether to leave it out, *close* when it is put away. */
export function showLine(place, line, pattern, { term, close }) {
  const message = make("pre", {});
  writeMarked(message, plain(line.message) + (line.is_cut ? "…" : ""), pattern);
  const at = make("time", { datetime: line.at, title: new Date(line.at).toLocaleString() }, line.at.replace("T", " ").replace("Z", ""));
  const parts = [
    make(
      "h2",
      {},
      make("span", { class: `badge is-${line.colour}` }, line.status || "none"),
      at,
      make("button", { type: "button", class: "quiet tiny", onclick: close, "aria-label": "Close the line" }, "×"),
    ),
    message,
    make("ul", { class: "jumps" }, ...jumps(line).map((one) => make("li", {}, one))),
    table("Attributes", [...attributes(line)], term),
    table("Tags", tags(line), term),
  ];
  place.replaceChildren(...parts.filter(Boolean));
  place.hidden = false;
}

function jumps(line) {
  const found = [];
  if (line.order) found.push(jump(`All lines of order ${line.order}`, `"${line.order}"`, line.at));
  if (line.trace) found.push(jump(`All lines of trace ${line.trace}`, `trace_id:${line.trace}`, line.at));
  if (line.pod) found.push(jump(`Logs of pod ${line.pod}`, `pod_name:${line.pod}`, line.at));
  found.push(jump("Everything within a minute", "*", line.at, 60));
  found.push(make("a", { href: `/events?${new URLSearchParams({ from: shifted(line.at, -300), to: shifted(line.at, 300) })}` }, "Events around it"));
  return found;
}

function jump(name, query, at, within = null) {
  const asked = new URLSearchParams({ at, query });
  if (within) asked.set("within_s", within);
  return make("a", { href: `/logs/around?${asked}` }, name);
}

function shifted(at, seconds) {
  return new Date(new Date(at).getTime() + seconds * 1000).toISOString();
}

function* attributes(line) {
  yield* walk(line.attributes, "@");
}

function* walk(value, path) {
  for (const [key, inner] of Object.entries(value)) {
    if (inner !== null && typeof inner === "object" && !Array.isArray(inner)) yield* walk(inner, `${path}${key}.`);
    else yield [path + key, inner];
  }
}

function tags(line) {
  const own = [["service", line.service], ["host", line.host]].filter(([, value]) => value);
  return own.concat(
    line.tags.map((tag) => {
      const colon = tag.indexOf(":");
      return colon < 0 ? ["tags", tag] : [tag.slice(0, colon), tag.slice(colon + 1)];
    }),
  );
}

function table(name, rows, term) {
  if (!rows.length) return null;
  const body = rows.map(([key, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const can = typeof value !== "object" || value === null;
    return make(
      "tr",
      {},
      make("td", {}, key),
      make("td", { class: "mono" }, text),
      make("td", {}, ...(can && text.length < 200 ? [button("+", key, text, false, term), button("−", key, text, true, term)] : [])),
    );
  });
  return make("section", {}, make("h3", {}, name), make("table", {}, make("tbody", {}, ...body)));
}

function button(sign, key, value, isOut, term) {
  const name = isOut ? `Leave out ${key} ${value}` : `Search for ${key} ${value}`;
  return make("button", { type: "button", title: name, "aria-label": name, onclick: () => term(key, value, isOut) }, sign);
}
