// The pictures of many cameras over one connection: a browser has six to a server, and one for each tile would leave
// none for anything else. What is read is the multipart answer of /api/v1/live/grid.

import { problemOf } from "./api.js";

const SILENT_MS = 10e3;      // the server gives a sign every three seconds
const AGAIN_MS = [500, 1000, 2000, 4000, 8000];

export class GridStream {
  constructor({ onPicture, onTrouble }) {
    Object.assign(this, { onPicture, onTrouble });
    this.wanted = "";
    this.run = 0;
  }

  // Show these cameras from now on; the same again changes nothing, none ends it.
  watch(cameras, width, fps) {
    const wanted = cameras.length ? String(new URLSearchParams({ cameras: cameras.join(), width, fps })) : "";
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.abort?.abort();
    this.run++;
    if (wanted) this.follow(this.run, wanted);
  }

  async follow(run, wanted) {
    for (let failed = 0; run === this.run; failed++) {
      let told = "";
      try {
        await this.read(wanted, () => { failed = 0; this.onTrouble(""); });
      } catch (error) {
        told = error.message;
      }
      if (run !== this.run) return;
      if (failed) this.onTrouble(told || "the server ended it");
      await new Promise((done) => setTimeout(done, AGAIN_MS[Math.min(failed, AGAIN_MS.length - 1)]));
    }
  }

  async read(wanted, onSign) {
    const abort = this.abort = new AbortController();
    const answer = await fetch(`/api/v1/live/grid?${wanted}`, { signal: abort.signal });
    if (!answer.ok) throw await problemOf(answer);
    const parts = new Parts();
    const reader = answer.body.getReader();
    let watch;
    const wait = () => { clearTimeout(watch); watch = setTimeout(() => abort.abort(new Error("no sign of the server")), SILENT_MS); };
    try {
      for (wait(); ;) {
        const { value, done } = await reader.read();
        if (done) return;
        wait();
        for (const part of parts.push(value)) {
          onSign();
          if (part.camera) this.onPicture(part);
        }
      }
    } finally {
      clearTimeout(watch);
    }
  }
}

// Takes a multipart body apart as it comes; its parts say how long they are.
export class Parts {
  constructor() {
    this.rest = new Uint8Array();
    this.text = new TextDecoder();
  }

  push(data) {
    const all = new Uint8Array(this.rest.length + data.length);
    all.set(this.rest);
    all.set(data, this.rest.length);
    const found = [];
    let at = 0;
    for (;;) {
      const end = headEnd(all, at);
      if (end < 0) break;
      const head = this.text.decode(all.subarray(at, end));
      const field = (name) => head.match(new RegExp(`^${name}: *(.*)$`, "im"))?.[1].trim();
      const length = Number(field("Content-Length"));
      if (!Number.isInteger(length)) throw new Error("the answer cannot be read");
      const next = end + 4 + length + 2;
      if (next > all.length) break;
      found.push({ camera: field("X-Camera"), at: Date.parse(field("X-Picture-Time")), jpeg: all.slice(end + 4, end + 4 + length) });
      at = next;
    }
    this.rest = all.slice(at);
    return found;
  }
}

// Where the blank line after a head begins, -1 while it has not come.
function headEnd(data, from) {
  for (let k = from; k + 3 < data.length; k++) {
    if (data[k] === 13 && data[k + 1] === 10 && data[k + 2] === 13 && data[k + 3] === 10) return k;
  }
  return -1;
}
