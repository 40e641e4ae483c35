// A camera's picture: live, or from an instant of the past on.

import { footageUrl, problemOf } from "./api.js";
import { LIVE_ONLY, mayLookBack, reasonOf } from "./camera_state.js";
import { LivePlayer } from "./live.js";
import { roughly } from "./times.js";

const WINDOW = 600e3;      // so much is asked for at once
const LEAD = 5e3;          // before the end of what there is, when it is led to
const LEAST_GAP = 2000;    // shorter ones are watched: to jump takes as long

export class Player {
  // `camera` tells of the one that is shown, `now` the server's time, `causeOf` why nothing is recorded in a range;
  // `onMove` is told where the picture is once it is there, `onViewing` what a viewing of the live picture is called.
  constructor(video, image, stage, zone, { camera, now, causeOf, onMove, onViewing }) {
    Object.assign(this, { video, stage, zone, camera, now, causeOf, onMove });
    Object.assign(this, { live: true, seen: false, start: 0, end: 0, gaps: [], serial: 0, rate: 1, frame: null, held: false, target: null });
    this.source = new LivePlayer(video, image, (state, text) => {
      if (!this.live) return;
      this.seen = state === "playing";
      this.showLive(text);
    }, onViewing);
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback((...told) => this.onFrame(...told));
  }

  get at() { return this.live ? this.now() : this.target ?? this.start + this.video.currentTime * 1000; }
  get paused() { return !this.live && this.video.paused; }

  // An instant of the frame on the screen that no rounding puts into the frame before it. What is seen live is a little
  // older than now, by how much nobody knows: a range that begins with it begins a second earlier.
  marked(which) {
    if (this.live) return Math.round(this.at) - (which === 0 ? 1000 : 0);
    if (this.frame === null) return Math.round(this.at);
    return Math.floor(this.start + this.frame * 1000) + 2;
  }

  // The clock over a picture of the past is that of the very frame which is shown.
  onFrame(_now, { mediaTime }) {
    this.frame = this.target === null ? mediaTime : null;
    if (!this.live && this.target === null) this.stage.wall.textContent = this.zone.text(this.start + mediaTime * 1000, 2);
    this.video.requestVideoFrameCallback((...told) => this.onFrame(...told));
  }

  halt() {
    this.serial++;
    this.source.stop();
    this.stage.show("");
  }

  goLive({ push = true } = {}) {
    if (!this.camera()) return;
    const { video } = this;
    Object.assign(this, { live: true, seen: false, frame: null, held: false, target: null });
    this.serial++;
    video.onended = video.onerror = null;
    video.removeAttribute("src");
    video.playbackRate = 1;
    this.showLive();
    this.source.start(this.camera().id);
    this.onMove(null, push);
  }

  // Only a picture of now is called live: that of a camera that is away is its last one, and says so.
  showLive(text = "") {
    const camera = this.camera();
    if (!camera) return;
    const off = isAway(camera);
    this.stage.show(off ? (camera.enabled ? "OFFLINE" : "OFF") : this.seen ? "LIVE" : "…", { live: !off && this.seen, stale: off });
    if (off) this.stage.say(offline(camera, this.zone));
    else if (this.seen) this.stage.rest();
    else this.stage.say(text ? `Waiting for the picture: ${text}.` : "Connecting to the camera…");
  }

  // Play from an instant. What follows is loaded in windows. The file is true to the clock: it holds the frame before a
  // gap for as long as the gap is; watched, gaps are skipped. `watched` is where the footage before it ended.
  async seek(ms, { push = true, watched = null } = {}) {
    if (!this.camera() || !Number.isFinite(ms)) return;
    const now = this.now();
    if (!mayLookBack(this.camera())) {
      if (!this.live || !this.seen) this.goLive({ push });
      return this.stage.flash(LIVE_ONLY);
    }
    if (ms >= now - 500) return this.goLive({ push });
    const serial = ++this.serial;
    const { video } = this;
    this.source.stop();
    Object.assign(this, { live: false, target: ms, frame: null });  // until its footage is here, it is where it shall be
    this.stage.show("PAST");
    video.hidden = false;
    try {
      const url = footageUrl(this.camera().id, ms, Math.min(ms + WINDOW, now), { download: "false" });
      const head = await fetch(url, { method: "HEAD" });
      if (serial !== this.serial) return;
      if (!head.ok) throw await problemOf(await fetch(url));
      if (serial !== this.serial) return;
      await this.load(url, head.headers, watched ?? ms, serial);
      this.onMove(this.start, push);
    } catch (error) {
      if (serial !== this.serial) return;
      if (watched === null) this.nothing(ms, push, error);
      else this.ended(watched, error);
    }
  }

  async load(url, headers, from, serial) {
    const { video } = this;
    const times = ([a, b]) => [Date.parse(a), Date.parse(b)];
    Object.assign(this, {
      frame: null, target: null, start: Date.parse(headers.get("X-Footage-Start")), end: Date.parse(headers.get("X-Footage-End")),
      gaps: JSON.parse(headers.get("X-Footage-Gaps") || "[]").map(times),
    });
    this.stage.say("");
    if (this.start - from > 1000) this.tellSkipped(from, this.start);
    video.onerror = () => this.stage.say("This browser cannot play the camera's codec. Download the range to watch it.");
    video.onended = () => { if (serial === this.serial) this.seek(this.end + 1, { push: false, watched: this.end }); };
    video.src = url;
    video.playbackRate = this.rate;
    // Who has paused looks at single pictures. That a browser does not play by itself is no error: it is paused then.
    if (!this.held) await video.play().catch(() => {});
  }

  // What was watched has ended, and nothing is recorded for a long time.
  ended(watched, error) {
    const after = error.nearest?.after && Date.parse(error.nearest.after);
    if (after) return this.seek(after, { push: false, watched });
    const why = this.causeOf(watched, watched + 1000);
    this.stage.offer(error.nearest ? `The footage ends here${why ? `: ${why}` : ""}.` : error.message, [["Live", () => this.goLive()]]);
  }

  // Nothing is recorded: say so, and lead to what is.
  nothing(ms, push, error) {
    const { video } = this;
    const after = error.nearest?.after && Date.parse(error.nearest.after);
    const before = error.nearest?.before && Date.parse(error.nearest.before);
    Object.assign(this, { start: ms, frame: null, target: null });
    this.stage.wall.textContent = this.zone.text(ms);
    video.removeAttribute("src");
    video.load();
    this.onMove(ms, push);
    if (!error.nearest) return this.stage.say(error instanceof TypeError ? "The server does not answer." : error.message);
    const ways = [];
    if (before) ways.push({ at: before - LEAD, far: ms - before, text: `${roughly(ms - before)} earlier` });
    if (after) ways.push({ at: after, far: after - ms, text: `${roughly(after - ms)} later` });
    if (!ways.length) return this.stage.say("Nothing is recorded of this camera yet.");
    const [near, other] = ways.sort((a, b) => a.far - b.far);
    const why = this.causeOf(ms, ms + 1);
    const buttons = [["Go there", () => this.seek(near.at)]];
    if (other) buttons.push([`Or ${other.text}`, () => this.seek(other.at)]);
    this.stage.offer(`Nothing is recorded here${why ? ` (${why})` : ""}. Nearest footage: ${near.text}.`, buttons);
  }

  tellSkipped(from, to) {
    this.stage.flash(`Skipped ${roughly(to - from)}: ${this.causeOf(from, to) || "nothing recorded"}.`);
  }

  skipGap() {
    if (this.live || this.video.paused || this.video.seeking) return;
    const { at } = this;
    const gap = this.gaps.find(([from, to]) => at >= from && at < to - 200 && to - from > LEAST_GAP);
    if (!gap) return;
    this.video.currentTime = (gap[1] - this.start) / 1000;
    this.tellSkipped(...gap);
  }

  toggle() {
    if (this.live) return;
    this.held = !this.video.paused;
    if (this.held) this.video.pause(); else this.video.play();
  }

  // A frame on or back, by as many as the camera sends in a second.
  step(frames) {
    if (this.live) return;
    this.held = true;
    this.video.pause();
    this.video.currentTime += frames / (this.camera()?.fps || 30);
  }

  setRate(rate) {
    this.rate = rate;
    if (!this.live) this.video.playbackRate = rate;
  }
}

export const isAway = (camera) => Boolean(camera && (!camera.enabled || ["reconnecting", "failed", "ended"].includes(camera.state)));

function offline(camera, zone) {
  if (!camera.enabled) return `${camera.name} is switched off.`;
  const since = camera.since ? ` since ${zone.text(Date.parse(camera.since))}` : "";
  return `${camera.name} is not recorded${since}: ${reasonOf(camera)}.${camera.state === "reconnecting" ? " It is tried again and again." : ""}`;
}
