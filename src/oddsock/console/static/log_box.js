// The search box: completion of facets and their values, and what was wrong with a query, with a caret under its column.

import { ask, make } from "/static/frame.js";

const PAUSE_MS = 120;
const CHOICES_MAX = 12;

export class SearchBox {
  /** Completes *input*; *names* gives the facets there are, *span* the from and to that values are looked for in. */
  constructor(input, { names, span }) {
    this.input = input;
    this.names = names;
    this.span = span;
    this.choices = [];
    this.active = -1;
    this.number = 0;
    this.list = make("ul", { class: "choices", id: "choices", role: "listbox", "aria-label": "Completions", hidden: true });
    input.parentElement.append(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": "choices", "aria-expanded": "false" })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.wait());
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("blur", () => this.close());
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.complete(), PAUSE_MS);
  }

  /** What stands before the caret back to the last space or parenthesis: where it begins, its key, colon and value. */
  token() {
    const before = this.input.value.slice(0, this.input.selectionStart ?? 0);
    const [found] = before.match(/[^\s()]*$/) ?? [""];
    const text = found.replace(/^[-!]+/, "");
    const colon = text.indexOf(":");
    const start = before.length - text.length;
    if (colon < 0) return { start, key: text, value: null };
    return { start, key: text.slice(0, colon), value: text.slice(colon + 1).replace(/^"/, "") };
  }

  async complete() {
    const { key, value } = this.token();
    this.number += 1;
    const number = this.number;
    if (value === null) {
      const found = key ? this.names().filter((name) => name.includes(key) && name !== key) : [];
      found.sort((a, b) => b.startsWith(key) - a.startsWith(key));
      this.offer(found.map((name) => ({ text: `${name}:`, told: "", isWhole: false })));
      return;
    }
    let told;
    try {
      told = await ask(`/logs/values.json?${new URLSearchParams({ ...this.span(), facet: key, prefix: value })}`);
    } catch {
      // The search itself tells what is wrong; completion only stays away.
      told = { values: [] };
    }
    if (number !== this.number || document.activeElement !== this.input) return;
    const found = told.values.filter((one) => one.value !== value);
    this.offer(found.map(({ term, count }) => ({ text: term, told: count.toLocaleString("en"), isWhole: true })));
  }

  offer(choices) {
    this.choices = choices.slice(0, CHOICES_MAX);
    this.active = -1;
    this.list.replaceChildren(
      ...this.choices.map((one, at) =>
        make(
          "li",
          { id: `choice-${at}`, role: "option", "aria-selected": "false", onpointerdown: (event) => this.pick(at, event) },
          make("span", { class: "mono" }, one.text),
          make("span", { class: "count" }, one.told),
        ),
      ),
    );
    this.list.hidden = !this.choices.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    clearTimeout(this.timer);
    this.number += 1;
    this.offer([]);
  }

  press(event) {
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const count = this.choices.length;
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : -1) + count) % count;
      for (const [at, one] of [...this.list.children].entries()) one.setAttribute("aria-selected", String(at === this.active));
      this.list.children[this.active].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", `choice-${this.active}`);
    } else if ((event.key === "Enter" || event.key === "Tab") && this.active >= 0) {
      this.pick(this.active, event);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.close();
    }
  }

  pick(at, event) {
    event.preventDefault();
    const { text, isWhole } = this.choices[at];
    const { start } = this.token();
    const end = this.input.selectionStart ?? this.input.value.length;
    const written = text + (isWhole ? " " : "");
    this.input.setRangeText(written, start, end, "end");
    this.close();
    this.input.focus();
    if (!isWhole) this.complete();
  }
}

/** Show in *place* what was wrong with *query*: *failure* has a message and perhaps a column; null when nothing was. */
export function showRefusal(place, query, failure) {
  place.hidden = !failure;
  if (!failure) {
    place.replaceChildren();
    return;
  }
  const caret = failure.column
    ? make("pre", { class: "caret" }, `${query.replace(/\s/g, " ")}\n${" ".repeat(failure.column - 1)}^`)
    : null;
  place.replaceChildren(...[caret, make("p", { class: "error" }, failure.message)].filter(Boolean));
}
