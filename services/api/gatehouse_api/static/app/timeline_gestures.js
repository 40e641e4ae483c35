// What a pointer does on the timeline: a tap goes there, a drag pans, one that begins at the playhead scrubs, two
// fingers zoom, and so does the wheel.

import { PINS } from "./timeline_paint.js";

const SLIP = 5;

export class Gestures {
  constructor(canvas, timeline) {
    Object.assign(this, { canvas, timeline, pointers: new Map(), mode: null });
    canvas.addEventListener("pointerdown", (e) => this.down(e));
    canvas.addEventListener("pointermove", (e) => this.move(e));
    canvas.addEventListener("pointerup", (e) => this.up(e));
    canvas.addEventListener("pointercancel", (e) => this.drop(e));
    canvas.addEventListener("pointerleave", () => { if (!this.pointers.size) timeline.hover(null); });
    canvas.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  within(x) { return this.timeline.timeAt(Math.min(Math.max(x, 0), this.canvas.clientWidth)); }

  reach(event) { return event.pointerType === "mouse" ? 7 : 18; }

  down(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const place = this.place(event);
    this.pointers.set(event.pointerId, { ...place, ms: this.timeline.timeAt(place.x) });
    if (this.pointers.size === 1) {
      const atHead = Math.abs(place.x - this.timeline.xOf(this.timeline.at)) <= this.reach(event) && place.y >= PINS;
      Object.assign(this, { mode: null, begun: place, scrubs: atHead, range: this.timeline.start });
    } else {
      this.mode = "pinch";
      this.timeline.scrubTo(null);
      for (const pointer of this.pointers.values()) pointer.ms = this.timeline.timeAt(pointer.x);
    }
  }

  move(event) {
    const place = this.place(event);
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return this.over(event, place);
    Object.assign(pointer, place);
    if (this.mode === "pinch") return this.pinch();
    if (!this.mode && Math.abs(place.x - this.begun.x) <= SLIP) return;
    if (!this.mode) this.timeline.hover(null);
    this.mode ??= this.scrubs ? "scrub" : "pan";
    this.canvas.dataset.drag = this.mode;
    if (this.mode === "scrub") this.timeline.scrubTo(this.within(place.x));
    else this.timeline.moveTo(this.range - (place.x - this.begun.x) * this.timeline.perPixel);
  }

  // What is under each finger stays there.
  pinch() {
    const [one, other] = [...this.pointers.values()].sort((a, b) => a.ms - b.ms);
    const apart = other.x - one.x;
    if (apart < 12 || other.ms <= one.ms) return;
    const perPixel = (other.ms - one.ms) / apart;
    const start = one.ms - one.x * perPixel;
    this.timeline.setRange(start, start + perPixel * this.canvas.clientWidth, one.ms);
  }

  up(event) {
    const pointer = this.pointers.get(event.pointerId);
    const { mode } = this;
    this.drop(event);
    if (!pointer || mode === "pinch" || mode === "pan") return;
    if (mode === "scrub") this.timeline.onSeek(this.within(pointer.x));
    else this.timeline.tap(pointer.x, pointer.y);
  }

  drop(event) {
    this.pointers.delete(event.pointerId);
    this.timeline.scrubTo(null);
    if (this.pointers.size === 1) {  // of two fingers one is left: it pans from where it is
      const [left] = this.pointers.values();
      Object.assign(this, { mode: "pan", begun: { x: left.x, y: left.y }, range: this.timeline.start });
      return;
    }
    if (this.pointers.size) return;
    this.mode = null;
    delete this.canvas.dataset.drag;
    if (event.pointerType !== "mouse") this.timeline.hover(null);
  }

  over(event, { x, y }) {
    const { timeline, canvas } = this;
    const head = y >= PINS && Math.abs(x - timeline.xOf(timeline.at)) <= this.reach(event);
    canvas.dataset.over = timeline.pinAt(x, y) ? "pin" : head ? "playhead" : "";
    timeline.hover({ x, y });
  }

  wheel(event) {
    event.preventDefault();
    const { timeline } = this;
    const delta = (n) => Math.max(-1, Math.min(1, n / (event.deltaMode ? 3 : 100)));
    if (!event.ctrlKey && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) timeline.shift(delta(event.deltaX || event.deltaY) / 10);
    else timeline.zoom(1.25 ** delta(event.ctrlKey ? event.deltaY * 5 : event.deltaY), timeline.timeAt(this.place(event).x));
  }
}
