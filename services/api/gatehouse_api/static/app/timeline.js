// The timeline: recorded spans, gaps and marks of one camera on a canvas; a slider to keyboards and readers.

import { duration } from "./times.js";

const STEPS = [1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 21600, 86400, 172800, 604800].map((s) => s * 1000);
const LEAST = 30e3, MOST = 30 * 86400e3;
const TOP = 22, LANE = 38;

export class Timeline {
  constructor(canvas, zone, { onSeek, onRange, onHover }) {
    Object.assign(this, { canvas, zone, onSeek, onRange, onHover });
    this.recorded = [];
    this.gaps = [];
    this.marks = [null, null];
    this.at = this.now = Date.now();
    this.start = zone.midnight(this.now);
    this.end = this.start + 86400e3;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    canvas.addEventListener("pointermove", (e) => this.hover(e));
    canvas.addEventListener("pointerleave", () => this.onHover(null));
    canvas.addEventListener("click", (e) => this.onSeek(this.timeAt(e.offsetX)));
    canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    canvas.addEventListener("keydown", (e) => this.key(e));
  }

  setRange(start, end) {
    const span = Math.min(MOST, Math.max(LEAST, end - start));
    this.start = start;
    this.end = start + span;
    this.draw();
    this.onRange(this.start, this.end);
  }

  zoom(factor, around = (this.start + this.end) / 2) {
    const span = Math.min(MOST, Math.max(LEAST, (this.end - this.start) * factor));
    const start = around - (around - this.start) * (span / (this.end - this.start));
    this.setRange(start, start + span);
  }

  // Zoom with an instant in the middle: the buttons' way, which has no pointer to zoom around.
  zoomAt(factor, ms) {
    const span = Math.min(MOST, Math.max(LEAST, (this.end - this.start) * factor));
    this.setRange(ms - span / 2, ms + span / 2);
  }

  shift(part) {
    const by = (this.end - this.start) * part;
    this.setRange(this.start + by, this.end + by);
  }

  wheel(event) {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.shift((event.deltaX || event.deltaY) / 1000);
    else this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.timeAt(event.offsetX));
  }

  key(event) {
    const step = { ArrowLeft: -10e3, ArrowRight: 10e3, PageDown: -60e3, PageUp: 60e3 }[event.key];
    if (step) this.onSeek(this.at + step);
    else if (event.key === "+") this.zoom(0.5, this.at);
    else if (event.key === "-") this.zoom(2, this.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  timeAt(x) { return this.start + (x / this.canvas.clientWidth) * (this.end - this.start); }
  xOf(ms) { return ((ms - this.start) / (this.end - this.start)) * this.canvas.clientWidth; }

  hover(event) {
    this.onHover(this.describe(this.timeAt(event.offsetX)));
  }

  describe(ms) {
    const gap = this.gaps.find((g) => ms >= g.from && ms < g.to);
    const what = gap
      ? `gap of ${duration(gap.to - gap.from)}: ${gap.cause.replaceAll("_", " ")}${gap.detail ? ` (${gap.detail})` : ""}`
      : this.recorded.some(([from, to]) => ms >= from && ms < to) ? "recorded"
      : ms > this.now ? "the future" : "nothing recorded";
    return `${this.zone.text(ms)} – ${what}`;
  }

  draw() {
    const { canvas } = this;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const c = canvas.getContext("2d");
    c.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const color = (name) => resolve(style, name);
    c.fillStyle = color("--ground");
    c.fillRect(0, 0, width, height);
    this.ruler(c, width, height, color);
    c.fillStyle = color("--recorded");
    for (const [from, to] of this.recorded) this.span(c, from, to, width);
    for (const gap of this.gaps) this.gap(c, gap, width, color("--gap"));
    this.marked(c, width, height, color("--marked"));
    this.line(c, this.now, height, color("--quiet"), 1);
    this.line(c, this.at, height, color("--red"), 2);
    canvas.setAttribute("aria-valuemin", Math.round(this.start / 1000));
    canvas.setAttribute("aria-valuemax", Math.round(this.end / 1000));
    canvas.setAttribute("aria-valuenow", Math.round(this.at / 1000));
    canvas.setAttribute("aria-valuetext", this.describe(this.at));
  }

  span(c, from, to, width) {
    const x0 = Math.max(0, this.xOf(from)), x1 = Math.min(width, this.xOf(to));
    if (x1 > x0) c.fillRect(x0, TOP, Math.max(1, x1 - x0), LANE);
  }

  gap(c, { from, to }, width, color) {
    const x0 = Math.max(0, this.xOf(from)), x1 = Math.min(width, Math.max(this.xOf(to), this.xOf(from) + 2));
    if (x1 <= x0) return;
    c.save();
    c.beginPath();
    c.rect(x0, TOP, x1 - x0, LANE);
    c.clip();
    c.strokeStyle = color;
    c.lineWidth = 2;
    for (let x = x0 - LANE; x < x1; x += 7) { c.beginPath(); c.moveTo(x, TOP + LANE); c.lineTo(x + LANE, TOP); c.stroke(); }
    c.strokeRect(x0, TOP, x1 - x0, LANE);
    c.restore();
  }

  marked(c, width, height, color) {
    const [from, to] = this.marks;
    c.fillStyle = color;
    if (from !== null && to !== null && to > from) {
      const x0 = Math.max(0, this.xOf(from)), x1 = Math.min(width, this.xOf(to));
      if (x1 > x0) c.fillRect(x0, TOP + LANE + 3, Math.max(2, x1 - x0), 6);
    }
    for (const mark of this.marks) if (mark !== null) c.fillRect(this.xOf(mark) - 1, TOP - 4, 2, LANE + 13);
  }

  line(c, ms, height, color, width) {
    const x = this.xOf(ms);
    c.fillStyle = color;
    c.fillRect(x - width / 2, TOP - 6, width, LANE + 18);
  }

  ruler(c, width, height, color) {
    const span = this.end - this.start;
    const step = STEPS.find((s) => (s / span) * width > 74) || STEPS.at(-1);
    const offset = this.zone.offset(this.start);
    c.font = "11px system-ui, sans-serif";
    c.textBaseline = "bottom";
    for (let t = Math.ceil((this.start + offset) / step) * step - offset; t < this.end; t += step) {
      const x = this.xOf(t);
      c.fillStyle = color("--line");
      c.fillRect(x, 0, 1, height);
      const text = this.zone.time(t);
      c.fillStyle = color("--quiet");
      if (x + 50 < width) c.fillText(step >= 86400e3 || text === "00:00:00" ? this.zone.date(t).slice(5) : step < 60e3 ? text : text.slice(0, 5), x + 3, height - 2);
    }
  }
}

// Custom properties may hold light-dark(): let the browser say what it means here.
const probe = document.createElement("span");
probe.hidden = true;
document.documentElement.append(probe);
function resolve(_style, name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
