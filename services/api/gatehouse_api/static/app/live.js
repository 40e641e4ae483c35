// The live picture: fragmented MP4 into Media Source Extensions; MJPEG where the browser lacks the codec.

import { getJson } from "./api.js";
import { newViewing } from "./viewing.js";

// Further behind the edge than this: jump; than that: catch up a little faster than time passes.
const JUMP_S = 0.8;
const HURRY_S = 0.22;
const KEPT_S = 20;

export class LivePlayer {
  // `onViewing(camera, viewing)` is told what the viewing that begins is called; null, null: it has ended.
  constructor(video, image, onState, onViewing = () => {}) {
    this.video = video;
    this.image = image;
    this.onState = onState;
    this.onViewing = onViewing;
    this.run = 0;
  }

  async start(camera) {
    const run = ++this.run;
    this.abort?.abort();
    this.abort = new AbortController();
    this.viewing = newViewing();
    this.onViewing(camera, this.viewing);
    while (run === this.run) {
      try {
        const view = await getJson(`/api/v1/cameras/${encodeURIComponent(camera)}/live`, this.abort.signal);
        if (run !== this.run) return;
        if (window.MediaSource && MediaSource.isTypeSupported(view.mime)) {
          await this.play(view, run);
        } else {
          this.show(`${view.mjpeg}?viewing=${this.viewing}`);
          return;
        }
      } catch (error) {
        if (run !== this.run) return;
        this.onState("waiting", error.message);
      }
      await new Promise((done) => setTimeout(done, 1000));
    }
  }

  stop() {
    this.run++;
    this.abort?.abort();
    this.onViewing(null, null);
    this.image.hidden = true;
    this.image.removeAttribute("src");
    if (this.url) {
      URL.revokeObjectURL(this.url);
      this.url = null;
      this.video.removeAttribute("src");
      this.video.load();
    }
  }

  show(mjpeg) {
    this.video.hidden = true;
    this.image.hidden = false;
    this.image.onload = () => this.onState("playing", "");
    this.image.src = mjpeg;
  }

  async play(view, run) {
    const { video } = this;
    this.image.hidden = true;
    video.hidden = false;
    const source = new MediaSource();
    if (this.url) URL.revokeObjectURL(this.url);
    video.src = this.url = URL.createObjectURL(source);
    await new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
    const buffer = source.addSourceBuffer(view.mime);
    const answer = await fetch(`${view.stream}?viewing=${this.viewing}`, { signal: this.abort.signal });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    const reader = answer.body.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || run !== this.run) return;
      await append(buffer, value);
      this.follow(buffer);
    }
  }

  // Stay at the edge: jump when behind, and forget what is long gone.
  follow(buffer) {
    const { video } = this;
    if (!buffer.buffered.length) return;
    const last = buffer.buffered.length - 1;
    const start = buffer.buffered.start(last), end = buffer.buffered.end(last);
    const behind = end - video.currentTime;
    if (video.currentTime < start || behind > JUMP_S) video.currentTime = Math.max(start, end - 0.15);
    video.playbackRate = behind > HURRY_S ? 1.1 : 1;
    if (video.paused) video.play().then(() => this.onState("playing", ""), () => {});
    else this.onState("playing", "");
    if (!buffer.updating && end - buffer.buffered.start(0) > KEPT_S * 2) {
      buffer.remove(buffer.buffered.start(0), end - KEPT_S);
    }
  }
}

function append(buffer, data) {
  return new Promise((done, failed) => {
    const go = () => {
      buffer.addEventListener("updateend", done, { once: true });
      buffer.addEventListener("error", () => failed(new Error("The browser cannot decode this.")), { once: true });
      try { buffer.appendBuffer(data); } catch (error) { failed(error); }
    };
    if (buffer.updating) buffer.addEventListener("updateend", go, { once: true });
    else go();
  });
}
