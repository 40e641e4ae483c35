// A picture of the instant under the pointer. One is asked for at a time; those that were seen are kept for a while.

import { iso } from "./api.js";

const KEPT = 80;
const PATIENCE_MS = 600;
const WIDTH = 240;
const STEPS = [100, 200, 500, 1000, 2000, 5000, 10e3, 30e3, 60e3, 300e3, 600e3, 1800e3];
const EXACT_MS = 10 * 60e3;

export class Thumbnail {
  constructor(box, zone) {
    Object.assign(this, { box, zone, image: box.querySelector("img"), caption: box.querySelector("span") });
    this.kept = new Map();
    this.wanted = this.busy = null;
  }

  hide() {
    this.wanted = null;
    this.box.hidden = true;
  }

  // Show what a camera saw at an instant, above a place of the timeline of so many milliseconds in so many pixels.
  show(camera, ms, x, timeline) {
    const step = STEPS.find((one) => one >= timeline.perPixel) ?? STEPS.at(-1);
    const exact = timeline.span <= EXACT_MS;
    const at = Math.floor(ms / step) * step;
    const inside = timeline.isRecorded(at) ? at : ms;
    this.wanted = { camera, at: inside, exact, key: `${camera} ${inside} ${exact}` };
    this.place(x);
    const known = this.kept.get(this.wanted.key);
    if (known) this.put(known); else this.ask();
  }

  place(x) {
    const half = this.box.offsetWidth / 2 || WIDTH / 2;
    const width = this.box.parentElement.clientWidth;
    this.box.style.left = `${Math.min(Math.max(x, half), width - half)}px`;
  }

  async ask() {
    if (this.busy) {  // an old question is dropped, but not at once: who moves on all the time would never see anything
      if (performance.now() - this.busy.since > PATIENCE_MS) this.busy.abort.abort();
      return;
    }
    const { key, camera, at, exact } = this.wanted;
    const busy = this.busy = { abort: new AbortController(), since: performance.now() };
    try {
      const query = new URLSearchParams({ at: iso(at), width: WIDTH, exact });
      const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/thumbnail.jpg?${query}`, { signal: busy.abort.signal });
      if (!answer.ok && answer.status !== 404) throw new Error(answer.statusText);  // it may be there the next time
      this.keep(key, answer.ok ? { url: URL.createObjectURL(await answer.blob()), time: answer.headers.get("X-Picture-Time") } : { url: "" });
    } catch (error) {
      if (error.name !== "AbortError") this.wanted = null;
    }
    this.busy = null;
    if (!this.wanted) return;
    const known = this.kept.get(this.wanted.key);
    if (known) this.put(known); else this.ask();
  }

  keep(key, picture) {
    this.kept.set(key, picture);
    if (this.kept.size <= KEPT) return;
    const [oldest, { url }] = this.kept.entries().next().value;
    this.kept.delete(oldest);
    if (url && this.image.src !== url) URL.revokeObjectURL(url);
  }

  put({ url, time }) {
    this.box.hidden = !url;
    if (!url) return;
    if (this.image.src !== url) this.image.src = url;
    this.caption.textContent = this.zone.text(Date.parse(time), this.wanted.exact ? 1 : 0);
    this.box.dataset.time = time;
    this.place(parseFloat(this.box.style.left));
  }
}
