// The timeline: recorded spans, gaps, plates and marks of one camera on a canvas; a slider to keyboards and readers.

import { describeGap, gapAt } from "./gaps.js";
import { describePin, gather } from "./pins.js";
import { Gestures } from "./timeline_gestures.js";
import { PINS, Painter } from "./timeline_paint.js";

export const LEAST = 30e3, MOST = 30 * 86400e3;
const BEFORE_PLATE = 5e3;

export class Timeline {
  constructor(canvas, zone, { onSeek, onRange, onHover }) {
    Object.assign(this, { canvas, zone, onSeek, onRange, onHover });
    this.painter = new Painter(canvas, zone);
    this.forget();
    this.marks = [null, null];
    this.scrub = null;
    this.at = this.now = Date.now();
    this.start = zone.midnight(this.now);
    this.end = zone.midnight(this.now, 1);
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.gestures = new Gestures(canvas, this);
    canvas.addEventListener("keydown", (e) => this.key(e));
  }

  forget() { Object.assign(this, { recorded: [], gaps: [], times: [], pins: [] }); }

  get span() { return this.end - this.start; }
  get perPixel() { return this.span / this.canvas.clientWidth; }
  timeAt(x) { return this.start + x * this.perPixel; }
  xOf(ms) { return (ms - this.start) / this.perPixel; }

  // Show a range; one that is too short or too long keeps `around` where it is.
  setRange(start, end, around = (start + end) / 2) {
    const wanted = Math.max(1, end - start);
    const span = Math.min(MOST, Math.max(LEAST, wanted));
    this.start = around - (around - start) * (span / wanted);
    this.end = this.start + span;
    this.changed();
  }

  changed() {
    this.tell();
    this.draw();
    this.onRange(this.start, this.end);
  }

  zoom(factor, around) {
    this.setRange(around - (around - this.start) * factor, around + (this.end - around) * factor, around);
  }

  // Zoom with an instant in the middle: the buttons' way, which has no pointer to zoom around.
  zoomAt(factor, ms) {
    const half = (this.span * factor) / 2;
    this.setRange(ms - half, ms + half);
  }

  shift(part) { this.moveTo(this.start + this.span * part); }

  moveTo(start) { this.setRange(start, start + this.span); }

  key(event) {
    const step = { ArrowLeft: -10e3, ArrowRight: 10e3, PageDown: -60e3, PageUp: 60e3 }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (step) this.onSeek(this.at + (event.shiftKey ? step / 10 : step));
    else if (event.key === "Home" || event.key === "End") this.onSeek(event.key === "Home" ? this.start : this.end);
    else if (event.key === "+" || event.key === "=") this.zoomAt(0.5, this.at);
    else if (event.key === "-") this.zoomAt(2, this.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // A finger is wider than a pin.
  pinAt(x, y) { return y <= PINS + 6 ? this.pins.find((pin) => Math.abs(pin.x - x) <= 14) : undefined; }

  tap(x, y) {
    const pin = this.pinAt(x, y);
    if (!pin) return this.onSeek(this.timeAt(x));
    if (pin.count > 1) this.setRange(pin.from - (pin.to - pin.from) * 0.2 - BEFORE_PLATE, pin.to + (pin.to - pin.from) * 0.2 + BEFORE_PLATE);
    this.onSeek(pin.from - BEFORE_PLATE);
  }

  scrubTo(ms) {
    if (this.scrub === ms) return;
    this.scrub = ms;
    this.draw();
    this.onHover(ms === null ? null : { x: this.xOf(ms), ms, text: this.describe(ms), recorded: this.isRecorded(ms) });
  }

  hover(place) {
    if (!place) return this.onHover(null);
    const ms = this.timeAt(place.x);
    const pin = this.pinAt(place.x, place.y);
    const at = pin ? pin.from : ms;
    this.onHover({ x: place.x, ms: at, text: pin ? describePin(pin, this.zone) : this.describe(ms), recorded: this.isRecorded(at) });
  }

  isRecorded(ms) {
    const gap = gapAt(this.gaps, ms);
    return this.recorded.some(([from, to]) => ms >= from && ms < to) && !(gap && gap.count === 1);
  }

  describe(ms) {
    const gap = gapAt(this.gaps, ms);
    const what = gap ? describeGap(gap)
      : this.recorded.some(([from, to]) => ms >= from && ms < to) ? "recorded"
      : ms > this.now ? "the future" : "nothing recorded";
    return `${this.zone.text(ms)} – ${what}`;
  }

  // Say to readers of the screen where the slider is.
  tell() {
    const { canvas } = this;
    const set = (name, value) => { if (canvas.getAttribute(name) !== String(value)) canvas.setAttribute(name, value); };
    set("aria-valuemin", Math.round(this.start / 1000));
    set("aria-valuemax", Math.round(this.end / 1000));
    set("aria-valuenow", Math.round(this.at / 1000));
    set("aria-valuetext", this.describe(this.at));
  }

  // Drawn once for each picture of the screen, however much has changed since the last.
  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.pins = gather(this.times, (ms) => this.xOf(ms), this.canvas.clientWidth);
      this.painter.paint(this);
    });
  }
}
