// Lines as a list of which only what can be seen is in the document: the newest first, older ones when it is scrolled to its end.

import { make } from "/static/frame.js";

const ROW_PX = 28;
const ROW_PX_NARROW = 50;
const NARROW = matchMedia("(max-width: 52rem)");
const BEYOND = 10;
const NEAR_END_PX = 900;
const SHOWN_MAX = 400;
const COLOURS = /\x1b\[[0-9;]*[A-Za-z]/g;

/** *text* without the colours of a terminal, on one line. */
export function plain(text) {
  return text.includes("\x1b") ? text.replace(COLOURS, "") : text;
}

/** A pattern for the words that *query* looks for in messages, null when it looks for none. */
export function wordsOf(query) {
  const words = [];
  for (const [, phrase, word] of query.matchAll(/(?<![:\w-])"((?:[^"\\]|\\.)+)"|([^\s"()]+)/g)) {
    if (phrase) words.push(phrase);
    else if (word && !/[:*?]|^[-!]|^(AND|OR|NOT|&&|\|\|)$/.test(word)) words.push(word);
  }
  if (!words.length) return null;
  const escaped = words.sort((a, b) => b.length - a.length).map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`(${escaped.join("|")})`, "i");
}

/** Put *text* into *place* with what *pattern* finds marked. */
export function writeMarked(place, text, pattern) {
  if (!pattern) {
    place.textContent = text;
    return;
  }
  place.replaceChildren(...text.split(pattern).map((part, at) => (at % 2 ? make("mark", {}, part) : part)));
}

export class LogList {
  /** In *place*; *open* is called with a line, *older* when the end comes near. */
  constructor(place, { open, older }) {
    this.lines = [];
    this.pattern = null;
    this.selected = null;
    this.open = open;
    this.older = older;
    this.pool = [];
    this.isWaiting = false;
    this.canvas = make("div", { class: "canvas", role: "rowgroup" });
    this.view = make("div", { class: "list", role: "grid", tabindex: "0", "aria-label": "Log lines, newest first" }, this.canvas);
    place.append(this.view);
    this.place = place;
    this.view.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    this.view.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.canvas.addEventListener("pointerover", (event) => tellLocal(event.target));
    addEventListener("resize", () => this.drawSoon());
  }

  get rowPx() {
    return NARROW.matches ? ROW_PX_NARROW : ROW_PX;
  }

  /** Show *lines* from the top; *isLong* when their days differ. */
  show(lines, pattern, isLong) {
    this.lines = lines;
    this.pattern = pattern;
    this.selected = null;
    this.isLong = isLong;
    this.place.classList.toggle("lines-long", isLong);
    for (const row of this.pool) row.line = null;
    this.view.scrollTop = 0;
    this.draw();
  }

  /** Add older lines below. */
  append(lines) {
    this.lines = this.lines.concat(lines);
    this.draw();
  }

  /** Add newer lines above and keep at most *max*; what is read stays where it is. Answers how many fell off below. */
  prepend(lines, max) {
    this.lines = lines.concat(this.lines);
    const lost = Math.max(0, this.lines.length - max);
    if (lost) this.lines.length = max;
    // Whoever has scrolled down reads: the lines under their eyes must not move.
    if (this.view.scrollTop >= this.rowPx) {
      this.canvas.style.height = `${this.lines.length * this.rowPx}px`;
      this.view.scrollTop += lines.length * this.rowPx;
    }
    this.draw();
    return lost;
  }

  drawSoon() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.draw();
    });
  }

  draw() {
    const rowPx = this.rowPx;
    const { scrollTop, clientHeight } = this.view;
    this.canvas.style.height = `${this.lines.length * rowPx}px`;
    this.view.setAttribute("aria-rowcount", this.lines.length);
    const first = Math.max(0, Math.floor(scrollTop / rowPx) - BEYOND);
    const last = Math.min(this.lines.length, Math.ceil((scrollTop + clientHeight) / rowPx) + BEYOND);
    while (this.pool.length < last - first) this.pool.push(this.makeRow());
    for (const [place, row] of this.pool.entries()) {
      const index = first + place;
      if (index < last) this.fill(row, index, rowPx);
      else if (!row.element.hidden) row.element.hidden = true;
    }
    if (this.lines.length * rowPx - scrollTop - clientHeight < NEAR_END_PX) this.older();
  }

  makeRow() {
    const cells = ["mono at", "status", "service", "mono message"].map((name) => make("span", { class: name, role: "gridcell" }));
    const element = make("div", { class: "line", role: "row" }, ...cells);
    this.canvas.append(element);
    const row = { element, cells, line: null, index: -1 };
    element.row = row;
    return row;
  }

  fill(row, index, rowPx) {
    const line = this.lines[index];
    const { element, cells } = row;
    if (element.hidden) element.hidden = false;
    if (row.index !== index || row.rowPx !== rowPx) {
      element.style.transform = `translateY(${index * rowPx}px)`;
      element.setAttribute("aria-rowindex", index + 1);
      element.id = `line-${index}`;
      row.index = index;
      row.rowPx = rowPx;
    }
    const isSelected = line === this.selected;
    if (row.isSelected !== isSelected) {
      row.isSelected = isSelected;
      element.setAttribute("aria-selected", isSelected);
    }
    if (row.line === line) return;
    row.line = line;
    cells[0].textContent = this.isLong ? line.at.slice(5, 23).replace("T", " ") : line.at.slice(11, 23);
    cells[1].textContent = line.status;
    cells[1].className = `status is-${line.colour}`;
    cells[2].textContent = line.service || line.host;
    writeMarked(cells[3], plain(line.message.slice(0, SHOWN_MAX)), this.pattern);
  }

  click(event) {
    const row = event.target.closest(".line")?.row;
    if (row?.line) this.choose(row.line);
  }

  choose(line) {
    this.selected = line;
    this.draw();
    const index = this.lines.indexOf(line);
    this.view.setAttribute("aria-activedescendant", `line-${index}`);
    this.open(line);
  }

  press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined || !this.lines.length) return;
    event.preventDefault();
    const at = this.lines.indexOf(this.selected);
    const index = Math.min(Math.max(0, at < 0 ? 0 : at + step), this.lines.length - 1);
    const rowPx = this.rowPx;
    const top = index * rowPx;
    if (top < this.view.scrollTop) this.view.scrollTop = top;
    else if (top + rowPx > this.view.scrollTop + this.view.clientHeight) this.view.scrollTop = top + rowPx - this.view.clientHeight;
    this.choose(this.lines[index]);
  }
}

function tellLocal(target) {
  const row = target.closest(".line")?.row;
  if (row?.line) row.cells[0].title = `${row.line.at} · here ${new Date(row.line.at).toLocaleString()}`;
}
