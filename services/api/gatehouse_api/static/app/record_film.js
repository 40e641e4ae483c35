// One film that is being recorded: slices of a second, its length without pauses, and how much of it has arrived.

import { forms, recorderOf } from "./record_codecs.js";
import { UNSUPPORTED } from "./record_failures.js";
import { RecordingUpload } from "./record_upload.js";

const SLICE_MS = 1000;

export class Film {
  #recorder = null; #stream; #hooks; #spool; #upload = null;
  #marks = [];   // [bytes, ms]: so many bytes are so much of the film
  #lasted = 0;   // ms, without what goes on
  #since = null; // when what goes on began
  #arrived = 0;
  #order = Promise.resolve();

  // Hooks: onEnded(), onWait, onGoing, onUnkept as those of the upload; onSent(): it is on the server; onFailed(error).
  constructor(stream, spool, hooks) {
    this.#stream = stream;
    this.#spool = spool;
    this.#hooks = hooks;
  }

  get elapsedMs() { return this.#lasted + (this.#since === null ? 0 : performance.now() - this.#since); }
  get arrivedMs() { return this.#arrived; }
  get bytes() { return this.#upload?.size ?? 0; }
  get unsent() { return this.bytes - (this.#upload?.sent ?? 0); }
  get isPaused() { return this.#recorder?.state === "paused"; }
  get isGoing() { return this.#recorder !== null && this.#recorder.state !== "inactive"; }
  get type() { return this.#recorder?.mimeType ?? ""; }

  // Begin with the first form that this browser can really record.
  async start(recordingOf) {
    let failed = new Error(UNSUPPORTED);
    for (const form of forms(this.#stream)) {
      try {
        this.#recorder = await this.#begun(form, recordingOf);
        return;
      } catch (error) {
        failed = error;
      }
    }
    throw failed;
  }

  pause() {
    if (!this.isGoing || this.isPaused) return;
    this.#recorder.pause();
    this.#stopWatch();
  }

  resume() {
    if (!this.isPaused) return;
    this.#recorder.resume();
    this.#since = performance.now();
  }

  // End it: what there is is sent, and kept here until it is.
  stop() {
    if (this.isGoing) this.#recorder.stop();
  }

  #begun(form, recordingOf) {
    const recorder = recorderOf(this.#stream, form);
    return new Promise((done, failed) => {
      recorder.onerror = (event) => (this.#upload ? this.stop() : failed(event.error));
      recorder.onstart = () => ((this.#since = performance.now()), done(recorder));
      recorder.ondataavailable = ({ data }) => this.#take(data, recorder, recordingOf);
      recorder.onstop = () => this.#ended();
      recorder.start(SLICE_MS);
    });
  }

  #take(data, recorder, recordingOf) {
    if (!data.size) return;
    const at = this.elapsedMs;
    this.#order = this.#order.then(async () => {
      if (!this.#upload) await this.#beginUpload({ ...recordingOf, type: recorder.mimeType });
      this.#marks.push([this.#upload.size + data.size, at]);
      await this.#upload.add(data);
    });
    this.#hooks.onSlice?.();
  }

  async #beginUpload(recording) {
    await this.#spool?.begin(recording).catch((error) => this.#hooks.onUnkept?.(error));
    this.#upload = new RecordingUpload(this.#spool, recording, { ...this.#hooks, onProgress: ({ sent }) => this.#progress(sent) });
    this.#upload.run().then(() => this.#hooks.onSent?.(), (error) => this.#hooks.onFailed?.(error));
  }

  #progress(sent) {
    while (this.#marks.length && this.#marks[0][0] <= sent) this.#arrived = this.#marks.shift()[1];
  }

  #stopWatch() {
    if (this.#since !== null) this.#lasted += performance.now() - this.#since;
    this.#since = null;
  }

  #ended() {
    this.#stopWatch();
    this.#hooks.onEnded?.();
    this.#order.then(() => (this.#upload ? this.#upload.end() : this.#hooks.onFailed?.(new Error("Nothing was recorded."))));
  }
}
