// Lines as they come in: gathered as they arrive, given to the page a few times a second within a frame, never more than fit.

import { follow } from "/static/frame.js";

const DRAW_MS = 100;
const RATE_MS = 2000;

export class LiveTail {
  /** *draw* is called with new lines, newest first; *tell* with how it goes; *refused* when the query is wrong. */
  constructor({ draw, tell, refused, max }) {
    this.draw = draw;
    this.tell = tell;
    this.refused = refused;
    this.max = max;
    this.end = null;
  }

  get isOn() {
    return this.end !== null;
  }

  start(query) {
    this.stop();
    Object.assign(this, { waiting: [], count: 0, missed: 0, isPaused: false, isLost: false, drawnAt: 0, recent: [] });
    this.end = follow(`/logs/tail?${new URLSearchParams({ query })}`, {
      lines: (told) => this.take(told),
      refused: (told) => {
        this.stop();
        this.refused({ message: [told.sentence, told.hint].filter(Boolean).join(" "), column: told.column });
      },
      lost: () => {
        this.isLost = true;
        this.report();
      },
    });
    this.report();
  }

  stop() {
    this.end?.();
    this.end = null;
    clearTimeout(this.timer);
    this.timer = null;
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    if (!isPaused) this.drawSoon();
    this.report();
  }

  take({ lines, missed }) {
    this.isLost = false;
    this.count += lines.length;
    this.missed += missed;
    this.recent.push([performance.now(), lines.length]);
    this.waiting.push(...lines);
    // A page that cannot keep up, or is not looked at, leaves the oldest out and says so.
    if (this.waiting.length > this.max) {
      this.missed += this.waiting.length - this.max;
      this.waiting.splice(0, this.waiting.length - this.max);
    }
    this.drawSoon();
  }

  drawSoon() {
    if (this.timer || !this.end) return;
    const wait = Math.max(0, this.drawnAt + DRAW_MS - performance.now());
    this.timer = setTimeout(() => requestAnimationFrame(() => this.drawNow()), wait);
  }

  drawNow() {
    this.timer = null;
    if (!this.end) return;
    this.drawnAt = performance.now();
    if (!this.isPaused && this.waiting.length) {
      const lines = this.waiting.reverse();
      this.waiting = [];
      this.draw(lines);
    }
    this.report();
  }

  report() {
    if (!this.end) return;
    const now = performance.now();
    this.recent = this.recent.filter(([at]) => now - at < RATE_MS);
    const rate = this.recent.reduce((sum, [, n]) => sum + n, 0) / (RATE_MS / 1000);
    const { count, missed, isPaused, isLost } = this;
    this.tell({ count, missed, rate, isPaused, isLost, waiting: this.waiting.length });
  }
}
