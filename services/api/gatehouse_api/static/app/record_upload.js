// The way of a recording to the server: each slice into the spool first, then into the upload, dropped when it has arrived.

import { QueueSource, TusUpload } from "./tus_client.js";

export class RecordingUpload {
  #spool; #session; #source; #tus; #hooks; #facts;

  // recording: as the spool keeps it; from: how many bytes of it are not in `add` any more. Hooks: onProgress({sent, size}),
  // onWait({reason, seconds, message}), onGoing(), onUnkept(error): the spool does not take it.
  constructor(spool, recording, hooks, from = 0) {
    this.#spool = spool;
    this.#session = recording.session;
    this.#hooks = hooks;
    this.#source = new QueueSource(from);
    const metadata = { filename: recording.name, filetype: recording.type.split(";")[0], username: recording.user, session: recording.session, started_at: new Date(recording.startedMs).toISOString(), started_after_ms: recording.startedAfterMs };
    this.#facts = { pauses: recording.pauses ?? [], interrupted: Boolean(recording.interrupted) };
    this.#tus = new TusUpload(this.#source, {
      url: recording.url,
      metadata,
      later: () => this.#told(),
      key: `recording-${recording.session}`,
      onBegun: (url) => this.#keep((kept) => kept.change(recording.session, { url })),
      onProgress: ({ sent, size }) => {
        this.#keep((kept) => kept.acknowledged(recording.session, sent));
        hooks.onProgress?.({ sent, size });
      },
      onWait: (wait) => hooks.onWait?.(wait),
      onGoing: () => hooks.onGoing?.(),
    });
    this.size = from;
  }

  get sent() { return this.#tus.offset; }

  async add(blob) {
    const from = this.size;
    this.size += blob.size;
    await this.#keep((kept) => kept.add(this.#session, from, blob));
    this.#source.add(blob);
  }

  // What was kept before, and is there already.
  addKept(blob) {
    this.size += blob.size;
    this.#source.add(blob);
  }

  // Note what the server is to be told of it with its last bytes: { pauses: [{ at, lasted }] in ms, interrupted }.
  note(facts) {
    Object.assign(this.#facts, facts);
    return this.#keep((kept) => kept.change(this.#session, { ...this.#facts }));
  }

  async end() {
    await this.#keep((kept) => kept.change(this.#session, { isWhole: true }));
    this.#source.end();
  }

  // Send all of it, however long the server or the network is away; then nothing of it is kept here any more, unless
  // there is more of it here than was added (`keep`).
  async run({ keep = false } = {}) {
    await this.#tus.run();
    await this.#keep((kept) => (keep ? kept.change(this.#session, { isSent: true }) : kept.forget(this.#session)));
  }

  // Let go of it, here and on the server.
  async cancel() {
    await this.#tus.cancel();
    await this.#keep((kept) => kept.forget(this.#session));
  }

  #told() {
    const pauses = this.#facts.pauses.map(({ at, lasted }) => `${Math.round(at)}+${Math.round(lasted)}`).join(" ");
    return { ...(pauses && { pauses }), ...(this.#facts.interrupted && { interrupted: "1" }) };
  }

  async #keep(work) {
    if (!this.#spool) return;
    try {
      await work(this.#spool);
    } catch (error) {
      this.#hooks.onUnkept?.(error);
    }
  }
}
