// What the timeline shows, asked of the server: a window and some more on both sides, as finely as it is looked at.

import { getJson, iso } from "./api.js";

const PLACES = 1500;       // of a window: so many instants are told apart
const MARGIN = 0.5;        // of a window, loaded on each side, so that panning finds something there
const REST_MS = 120;       // without a change, before the server is asked
const SLOWEST_MS = 20e3;   // until what goes on is asked for again, however coarsely it is looked at
const PAST_MS = 60e3;      // until what is over is asked for again: it may have been deleted, or come late
const SPAN_MS = 40 * 86400e3;

export class Ledger {
  constructor(timeline, { camera, plates, onLoad, onError }) {
    Object.assign(this, { timeline, camera, plates, onLoad, onError });
    this.loaded = null;
  }

  // The window has moved: ask for what is not there yet.
  want() {
    clearTimeout(this.timer);
    if (!this.covers()) this.timer = setTimeout(() => this.load(), REST_MS);
  }

  // Ask again for what may have changed: the past seldom does, and of a month nobody sees what five seconds have added.
  refresh() {
    const { loaded } = this;
    const rests = loaded && this.covers() && (Date.now() - loaded.at < (loaded.to < this.timeline.now - 60e3 ? PAST_MS : 0) || Date.now() - loaded.at < Math.min(loaded.resolution, SLOWEST_MS));
    if (!rests) this.load();
  }

  forget() {
    this.loaded = null;
    this.timeline.forget();
    this.abort?.abort();
    this.load();
  }

  covers() {
    const { loaded, timeline } = this;
    const resolution = timeline.span / PLACES;
    return loaded && loaded.from <= timeline.start && loaded.to >= timeline.end && loaded.resolution <= resolution * 2.01;
  }

  async load() {
    clearTimeout(this.timer);
    const camera = this.camera();
    if (!camera) return;
    this.abort?.abort();
    const abort = this.abort = new AbortController();
    const { start, end, span } = this.timeline;
    const margin = Math.min(span * MARGIN, (SPAN_MS - span) / 2);
    const range = { from: start - margin, to: end + margin, resolution: span / PLACES };
    try {
      const [item, times] = await Promise.all([this.spans(camera, range, abort.signal), this.plateTimes(camera, range, abort.signal)]);
      if (abort.signal.aborted) return;
      Object.assign(this.timeline, { ...item, times });
      this.loaded = { ...range, at: Date.now() };
      this.edge = item.recorded.at(-1)?.[1] ?? 0;  // as the server told it: the page lets it go on for a moment only
      this.timeline.draw();
      this.onLoad();
    } catch (error) {
      if (error.name !== "AbortError") this.onError(error);
    }
  }

  async spans(camera, { from, to, resolution }, signal) {
    // Whatever is seen at once is told exactly.
    const coarse = resolution < 1000 ? 0 : resolution / 1000;
    const found = await getJson(`/api/v1/timeline?${new URLSearchParams({ cameras: camera, from: iso(from), to: iso(to), resolution: coarse })}`, signal);
    const [item] = found.items;
    return {
      recorded: item.recorded.map(([a, b]) => [Date.parse(a), Date.parse(b)]),
      gaps: item.gaps.map((g) => ({ ...g, from: Date.parse(g.from), to: Date.parse(g.to), missing: g.missing_seconds * 1000 })),
    };
  }

  async plateTimes(camera, { from, to, resolution }, signal) {
    if (!this.plates) return [];
    const query = new URLSearchParams({ camera, from: iso(from), to: iso(to), resolution: Math.max(resolution / 1000, 0.001) });
    const { items } = await getJson(`/api/v1/plates/times?${query}`, signal);
    return items.map((one) => ({ ...one, from: Date.parse(one.from), to: Date.parse(one.to) }));
  }

  // The next event after an instant, or with `back` the one before: a plate, or where footage goes on after a gap. What
  // is loaded is looked through first, then a month further on.
  async event(at, back) {
    const known = this.loaded && at >= this.loaded.from && at <= this.loaded.to;
    const near = known && nearest(this.timeline.gaps, this.timeline.times, at, back);
    if (near) return near;
    const camera = this.camera();
    const far = known ? (back ? this.loaded.from : this.loaded.to) : at;
    const range = back ? { from: far - SPAN_MS, to: far } : { from: far, to: far + SPAN_MS };
    range.resolution = SPAN_MS / PLACES;
    const [{ gaps }, times] = await Promise.all([this.spans(camera, range), this.plateTimes(camera, range)]);
    return nearest(gaps, times, at, back);
  }
}

// Half a second of grace: who has just been led to an event looks for the one after it.
function nearest(gaps, times, at, back) {
  const events = [
    ...gaps.filter((g) => !g.open).map((g) => ({ ms: g.to, from: g.to, gap: g })),
    ...times.flatMap((one) => (one.to > one.from ? [one.from, one.to] : [one.from]).map((ms) => ({ ms, from: ms - 5000, plate: one }))),
  ].filter((e) => (back ? e.from < at - 500 : e.from > at + 500)).sort((a, b) => a.from - b.from);
  return back ? events.at(-1) : events[0];
}
