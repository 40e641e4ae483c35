// One film that is being recorded: slices of a second, its length without pauses, and how much of it has arrived.

import { forms, recorderOf } from "./record_codecs.js";
import { UNSUPPORTED } from "./record_failures.js";
import { RecordingUpload } from "./record_upload.js";

const SLICE_MS = 1000;
const MOST_PAUSES = 250; // as many as the server is told

export class Film {
  #recorder = null; #stream; #hooks; #spool; #upload = null;
  #marks = [];   // [bytes, ms]: so many bytes are so much of the film
  #lasted = 0;   // ms, without what goes on
  #since = null; // when what goes on began
  #arrived = 0;
  #order = Promise.resolve();
  #startedAfter = 0;  // ms
  #pauses = [];       // { at, lasted } in ms
  #pausedAt = null;
  #isAbandoned = false;
  #broken = null;     // why it broke off

  // Hooks: onEnded(), onWait, onGoing, onUnkept as those of the upload; onSent(): it is on the server; onFailed(error): the
  // server does not take it, see `retry`; onBroken(error): it broke off, what there is of it is sent; onEmpty(): there is
  // nothing of it.
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
  get mayPause() { return this.#pauses.length < MOST_PAUSES; }

  // Begin with the first form that this browser can really record. recordingOf: { session, user, owner, startedMs, name,
  // answeredAt }, the last by performance.now(): when the server had begun the session.
  async start(recordingOf) {
    let failed = new Error(UNSUPPORTED);
    for (const form of forms(this.#stream)) {
      try {
        return await this.#begun(form, recordingOf);
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
    this.#pausedAt = performance.now();
  }

  resume() {
    if (!this.isPaused) return;
    this.#recorder.resume();
    this.#since = performance.now();
    this.#pauses.push({ at: this.#lasted, lasted: this.#since - this.#pausedAt });
    this.#upload?.note({ pauses: [...this.#pauses] });
  }

  // Send it after all, when the server did not take it.
  retry() {
    this.#send();
  }

  // End it, and let go of what there is of it, here and on the server.
  async abandon() {
    this.#hooks = {};
    this.#isAbandoned = true;
    this.stop();
    await this.#order;
    await this.#upload?.cancel();
  }

  // End it: what there is is sent, and kept here until it is.
  stop() {
    if (this.isGoing) this.#recorder.stop();
  }

  #begun(form, recordingOf) {
    const recorder = recorderOf(this.#stream, form);
    return new Promise((done, failed) => {
      const isMine = () => this.#recorder === recorder; // one that could not begin is heard no more
      recorder.onstart = () => {
        this.#recorder = recorder;
        this.#since = performance.now();
        this.#startedAfter = this.#since - recordingOf.answeredAt;
        done();
      };
      recorder.onerror = ({ error }) => (isMine() ? this.#breakOff(error) : failed(error));
      recorder.ondataavailable = ({ data }) => isMine() && this.#take(data, recorder, recordingOf);
      recorder.onstop = () => (isMine() ? this.#ended() : failed(new Error(UNSUPPORTED)));
      recorder.start(SLICE_MS);
    });
  }

  #take(data, recorder, recordingOf) {
    if (!data.size || this.#isAbandoned) return;
    const at = this.elapsedMs;
    this.#order = this.#order.then(async () => {
      if (!this.#upload) await this.#beginUpload(this.#kept(recordingOf, recorder));
      this.#marks.push([this.#upload.size + data.size, at]);
      await this.#upload.add(data);
    });
    this.#hooks.onSlice?.();
  }

  #kept({ answeredAt: _, ...recording }, recorder) {
    const startedAfterMs = Math.max(1, Math.round(this.#startedAfter));
    return { ...recording, startedAfterMs, type: recorder.mimeType, pauses: [...this.#pauses], interrupted: Boolean(this.#broken) };
  }

  #breakOff(error) {
    this.#broken = error ?? new Error("the browser does not say why.");
    this.#hooks.onBroken?.(this.#broken);
    this.#upload?.note({ interrupted: true });
    this.stop();
  }

  async #beginUpload(recording) {
    await this.#spool?.begin(recording).catch((error) => this.#hooks.onUnkept?.(error));
    this.#upload = new RecordingUpload(this.#spool, recording, { ...this.#hooks, onProgress: ({ sent }) => this.#progress(sent) });
    this.#send();
  }

  #send() {
    this.#upload?.run().then(() => this.#hooks.onSent?.(), (error) => this.#hooks.onFailed?.(error));
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
    this.#order.then(() => (this.#upload ? this.#upload.end() : this.#hooks.onEmpty?.()));
  }
}
