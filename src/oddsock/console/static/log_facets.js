// Facets: how many lines have which value; a click puts the value's term into the query or takes it out again.

import { ask, make } from "/static/frame.js";

const OPEN_AT_FIRST = ["service", "pod_name"];

export class Facets {
  /** In *place*, a <details>; *change* is called with the query that a click makes. */
  constructor(place, change) {
    this.place = place;
    this.change = change;
    this.opened = new Set(OPEN_AT_FIRST);
    this.number = 0;
    this.asked = null;
    if (matchMedia("(max-width: 52rem)").matches) place.open = false;
    place.addEventListener("toggle", () => place.open && this.asked && this.show(this.asked, this.names));
  }

  /** Show what is *asked* (an address's values: query, from, to) by the facets *names*. */
  show(asked, names) {
    this.asked = asked;
    this.names = names;
    this.number += 1;
    if (!this.place.open) return;
    const heading = this.place.querySelector("summary");
    this.place.replaceChildren(heading, ...names.map((name) => this.makeFacet(name)));
  }

  makeFacet(name) {
    const isOpen = name === "status" || this.opened.has(name);
    const values = make("ul", { class: "values" });
    const facet = make("details", { class: "facet", open: isOpen, "data-facet": name }, make("summary", {}, name), values);
    facet.addEventListener("toggle", () => {
      if (facet.open) this.opened.add(name);
      else this.opened.delete(name);
      if (facet.open && !values.childElementCount) this.fill(name, values);
    });
    if (isOpen) this.fill(name, values);
    return facet;
  }

  async fill(name, place) {
    const number = this.number;
    let told;
    try {
      told = await ask(`/logs/facets.json?${new URLSearchParams({ ...this.asked, facet: name })}`);
    } catch (failure) {
      place.replaceChildren(make("li", { class: "soft" }, failure.message));
      return;
    }
    if (number !== this.number) return;
    const rows = told.values.map((one) => this.makeValue(name, one));
    place.replaceChildren(...(rows.length ? rows : [make("li", { class: "soft" }, "no line has it")]));
  }

  makeValue(name, { value, count, state, toggled, left_out: leftOut }) {
    const pick = make(
      "button",
      { type: "button", class: "pick", title: value, "aria-pressed": state === "in", onclick: () => this.change(toggled) },
      value,
    );
    const not = make(
      "button",
      {
        type: "button",
        class: "not",
        "aria-pressed": state === "out",
        "aria-label": `Leave out ${name} ${value}`,
        title: state === "out" ? "Let it in again" : "Leave it out",
        onclick: () => this.change(leftOut),
      },
      "−",
    );
    return make("li", { class: state === "out" ? "is-left-out" : null }, pick, make("span", { class: "count" }, count.toLocaleString("en")), not);
  }
}
