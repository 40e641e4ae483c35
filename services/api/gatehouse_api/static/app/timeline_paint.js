// How the timeline looks: spans, gaps, pins, marks and a ruler on a canvas.

import { isSure } from "./pins.js";

const STEPS = [1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 21600, 86400, 172800, 432000].map((s) => s * 1000);
export const PINS = 26;
const TOP = 34, LANE = 44;

export class Painter {
  constructor(canvas, zone) {
    Object.assign(this, { canvas, zone, c: canvas.getContext("2d"), colors: new Map() });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.colors.clear());
  }

  // Custom properties may hold light-dark(): the browser is asked once what they mean, which takes long.
  color(name) {
    if (!this.colors.has(name)) {
      const probe = document.createElement("span");
      probe.hidden = true;
      probe.style.color = `var(${name})`;
      this.canvas.parentElement.append(probe);
      this.colors.set(name, getComputedStyle(probe).color);
      probe.remove();
    }
    return this.colors.get(name);
  }

  fit() {
    const { canvas } = this;
    const scale = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    this.c.setTransform(scale, 0, 0, scale, 0, 0);
    return [width, height];
  }

  paint(timeline) {
    const [width, height] = this.fit();
    if (!width) return;
    const { c } = this;
    Object.assign(this, { width, height, start: timeline.start, end: timeline.end });
    c.fillStyle = this.color("--ground");
    c.fillRect(0, 0, width, height);
    c.fillStyle = this.color("--lane");
    c.fillRect(0, TOP, width, LANE);
    this.ruler();
    this.recorded(timeline.recorded);
    for (const gap of timeline.gaps) this.gap(gap);
    this.marks(timeline.marks);
    this.line(timeline.now, "--quiet", 1);
    this.line(timeline.at, "--red", 2, true);
    if (timeline.scrub !== null) this.line(timeline.scrub, "--accent", 2, true);
    this.pins(timeline.pins);
  }

  x(ms) { return ((ms - this.start) / (this.end - this.start)) * this.width; }

  // What is closer than half a pixel is one rectangle: a month may have thousands.
  recorded(spans) {
    const { c, width } = this;
    c.beginPath();
    let left = null, right = null;
    const put = () => { if (left !== null) c.rect(left, TOP, Math.max(1, right - left), LANE); };
    for (const [from, to] of spans) {
      if (to <= this.start || from >= this.end) continue;
      const x0 = Math.max(0, this.x(from)), x1 = Math.min(width, this.x(to));
      if (right !== null && x0 - right < 0.5) { right = Math.max(right, x1); continue; }
      put();
      [left, right] = [x0, x1];
    }
    put();
    c.fillStyle = this.color("--recorded");
    c.fill();
  }

  // A long gap is hatched, or dotted where footage was deleted by its age; a short one, or one of several, is a tick.
  gap(gap) {
    if (gap.to <= this.start || gap.from >= this.end) return;
    const { c, width } = this;
    const x0 = Math.max(0, this.x(gap.from)), x1 = Math.min(width, Math.max(this.x(gap.to), this.x(gap.from) + 2));
    const purged = gap.cause === "purged";
    c.fillStyle = this.color(purged ? "--quiet" : "--gap");
    if (gap.missing < (gap.to - gap.from) * 0.5 || x1 - x0 < 3) return void c.fillRect(x0, TOP + LANE * 0.6, Math.max(2, x1 - x0), LANE * 0.4);
    c.fillStyle = this.color("--lane");
    c.fillRect(x0, TOP, x1 - x0, LANE);
    c.save();
    c.beginPath();
    c.rect(x0, TOP, x1 - x0, LANE);
    c.clip();
    if (purged) this.dots(x0, x1); else this.hatch(x0, x1);
    c.restore();
  }

  hatch(x0, x1) {
    const { c } = this;
    c.strokeStyle = this.color("--gap");
    c.lineWidth = 2;
    c.beginPath();
    for (let x = Math.floor((x0 - LANE) / 7) * 7; x < x1; x += 7) { c.moveTo(x, TOP + LANE); c.lineTo(x + LANE, TOP); }
    c.stroke();
    c.strokeRect(x0, TOP, x1 - x0, LANE);
  }

  dots(x0, x1) {
    const { c } = this;
    c.fillStyle = this.color("--quiet");
    for (let x = Math.floor(x0 / 7) * 7; x < x1 + 7; x += 7) for (let y = TOP + 4; y < TOP + LANE; y += 7) c.fillRect(x, y, 2, 2);
  }

  marks([from, to]) {
    const { c, width } = this;
    c.fillStyle = this.color("--marked");
    if (from !== null && to !== null && to > from) {
      const x0 = Math.max(0, this.x(from)), x1 = Math.min(width, this.x(to));
      if (x1 > x0) c.fillRect(x0, TOP + LANE + 3, Math.max(2, x1 - x0), 7);
    }
    for (const mark of [from, to]) if (mark !== null) c.fillRect(this.x(mark) - 1, TOP - 4, 2, LANE + 14);
  }

  line(ms, color, width, knob = false) {
    const { c } = this, x = this.x(ms);
    if (x < -6 || x > this.width + 6) return;
    c.fillStyle = this.color(color);
    c.fillRect(x - width / 2, TOP - 6, width, LANE + 18);
    if (!knob) return;
    c.beginPath();
    c.moveTo(x - 6, TOP - 10); c.lineTo(x + 6, TOP - 10); c.lineTo(x, TOP - 1);
    c.fill();
  }

  // One plate is a diamond, hollow where it is not sure, with its text where there is room; several are their number.
  pins(pins) {
    const { c } = this;
    c.font = "600 11px system-ui, sans-serif";
    c.textBaseline = "middle";
    pins.forEach((pin, k) => {
      c.fillStyle = c.strokeStyle = this.color("--plate");
      c.fillRect(pin.x - 0.5, 20, 1, TOP - 20);
      if (pin.count > 1) return this.number(pin);
      this.diamond(pin);
      const room = (pins[k + 1]?.x ?? this.width) - pin.x - 22;
      if (c.measureText(pin.text).width < room) {
        c.fillStyle = this.color("--ink");
        c.fillText(pin.text, pin.x + 11, 12);
      }
    });
  }

  diamond(pin) {
    const { c } = this;
    c.beginPath();
    c.moveTo(pin.x, 4); c.lineTo(pin.x + 8, 12); c.lineTo(pin.x, 20); c.lineTo(pin.x - 8, 12);
    c.closePath();
    c.lineWidth = 2;
    if (!isSure(pin)) { c.fillStyle = this.color("--ground"); }
    c.fill();
    c.stroke();
  }

  number(pin) {
    const { c } = this;
    const text = pin.count > 999 ? "999+" : String(pin.count);
    const width = Math.max(18, c.measureText(text).width + 10);
    c.beginPath();
    c.roundRect(pin.x - width / 2, 4, width, 16, 8);
    c.fill();
    c.fillStyle = this.color("--card");
    c.textAlign = "center";
    c.fillText(text, pin.x, 12.5);
    c.textAlign = "start";
  }

  ruler() {
    const { c, zone, width, height } = this;
    const span = this.end - this.start;
    const step = STEPS.find((s) => (s / span) * width > 74) || STEPS.at(-1);
    c.font = "11px system-ui, sans-serif";
    c.textBaseline = "bottom";
    for (const t of this.instants(step)) {
      const x = this.x(t);
      c.fillStyle = this.color("--line");
      c.fillRect(x, PINS, 1, height - PINS);
      const text = zone.time(t);
      c.fillStyle = this.color("--quiet");
      if (x + 50 < width) c.fillText(step >= 86400e3 || text === "00:00:00" ? zone.date(t).slice(5) : step < 60e3 ? text : text.slice(0, 5), x + 3, height - 4);
    }
  }

  // Where the ruler has a line: at the clock's own hours and days, also after the clock was changed.
  * instants(step) {
    const { zone } = this;
    const first = this.start + zone.offset(this.start), last = this.end + zone.offset(this.end);
    let before = -Infinity;
    for (let wall = Math.ceil(first / step) * step; wall < last; wall += step) {
      const t = zone.instant(wall);
      if (t > before && t >= this.start && t < this.end) yield t;
      before = Math.max(before, t);
    }
  }
}
