// Completion in a box for metric queries: aggregators and metrics, tags inside {scope}, keys inside by {…}.

import { ask, make } from "./frame.js";

const CHOICES_MAX = 12;
const AGGREGATORS = ["avg", "sum", "min", "max", "count"];
const TAIL = /(?:^|[\s(,+\-*/])([A-Za-z_][A-Za-z0-9_.:]*)$/;
const SCOPE = /(?:[A-Za-z]+:)?([A-Za-z_][A-Za-z0-9_.]*)\{[^{}]*\}\s*by\s*\{([^{}]*)$|(?:[A-Za-z]+:)?([A-Za-z_][A-Za-z0-9_.]*)\{([^{}]*)$/;

export class MetricBox {
  constructor(input) {
    this.input = input;
    this.tags = new Map();
    this.active = -1;
    this.turn = 0;
    this.list = make("ul", { class: "metric-choices", id: "choices", role: "listbox", "aria-label": "Completions", hidden: true });
    input.parentElement.append(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": "choices", "aria-expanded": "false" })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.complete());
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("blur", () => this.offer([]));
  }

  async complete() {
    this.turn += 1;
    const turn = this.turn;
    const before = this.input.value.slice(0, this.input.selectionStart ?? 0);
    let found;
    try {
      found = await this.find(before);
    } catch {
      // The query itself tells what is wrong; completion only stays away.
      found = [];
    }
    if (turn === this.turn && document.activeElement === this.input) this.offer(found);
  }

  /** What could stand before the caret: {text, start} of each. */
  async find(before) {
    const scope = before.match(SCOPE);
    if (scope) return this.findTags(before, scope);
    const word = before.match(TAIL)?.[1] ?? "";
    if (!word) return [];
    const colon = word.indexOf(":");
    const [prefix, part] = colon < 0 ? ["", word] : [word.slice(0, colon + 1), word.slice(colon + 1)];
    const start = before.length - part.length;
    this.names ??= (await ask("/metrics/names.json")).names;
    const metrics = this.names.filter((name) => name.includes(part)).map((name) => ({ start, text: `${prefix ? "" : "avg:"}${name}{`, told: name }));
    metrics.sort((a, b) => b.told.startsWith(part) - a.told.startsWith(part));
    const words = prefix ? [] : AGGREGATORS.filter((one) => one.startsWith(part)).map((one) => ({ start, text: `${one}:`, told: `${one}:` }));
    return [...words, ...metrics];
  }

  async findTags(before, [, byMetric, keys, scopeMetric, terms]) {
    const metric = byMetric ?? scopeMetric;
    if (!this.tags.has(metric)) this.tags.set(metric, (await ask(`/metrics/tags.json?${new URLSearchParams({ metric })}`)).tags);
    const all = this.tags.get(metric);
    const typed = (keys ?? terms).match(/[^\s,(!]*$/)[0];
    const start = before.length - typed.length;
    const offered = keys === undefined ? ["*", ...all] : [...new Set(all.map((tag) => tag.split(":")[0]))];
    return offered.filter((one) => one.includes(typed) && one !== typed).map((one) => ({ start, text: one, told: one }));
  }

  offer(choices) {
    this.choices = choices.slice(0, CHOICES_MAX);
    this.active = -1;
    this.list.replaceChildren(
      ...this.choices.map((one, at) =>
        make("li", { id: `choice-${at}`, class: "mono", role: "option", "aria-selected": "false", onpointerdown: (event) => this.pick(at, event) }, one.told),
      ),
    );
    this.list.hidden = !this.choices.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.input.removeAttribute("aria-activedescendant");
  }

  press(event) {
    if (this.list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const count = this.choices.length;
      this.active = this.active < 0 && event.key === "ArrowUp" ? count - 1 : (this.active + (event.key === "ArrowDown" ? 1 : -1) + count) % count;
      [...this.list.children].forEach((one, at) => one.setAttribute("aria-selected", String(at === this.active)));
      this.list.children[this.active].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", `choice-${this.active}`);
    } else if ((event.key === "Enter" || event.key === "Tab") && this.active >= 0) {
      this.pick(this.active, event);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.turn += 1;
      this.offer([]);
    }
  }

  pick(at, event) {
    event.preventDefault();
    const { text, start } = this.choices[at];
    this.input.setRangeText(text, start, this.input.selectionStart ?? this.input.value.length, "end");
    this.offer([]);
    this.input.focus();
    this.complete();
  }
}
