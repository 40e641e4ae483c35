// Sending a file, or what is recorded while it comes, in pieces that can be gone on with (tus 1.0.0).
//
//   const upload = new TusUpload(new BlobSource(file), { metadata: { filename: file.name }, onProgress });
//   await upload.run();                    // ends when the server has every byte durably; throws `Refused` or `Cancelled`
//
// A source has `size` (bytes that are there so far), `isWhole` (whether that is all of it), `read(start, end)` (a Blob, or a
// promise of one), `more()` (a promise that more came, or its end) and `acknowledged(offset)` (the server has so many).

const VERSION = "1.0.0";
const UPLOADS = "/api/v1/uploads";
const LEAST_PIECE = 64 * 1024, MOST_PIECE = 8 * 1024 * 1024;
const AIM_MS = 2000;
const WAITS_S = [1, 2, 4, 8, 16, 30];
const LOGIN_S = 5, FULL_S = 30;
// A connection that died without a word is given up after so long; the least piece passes at 1.4 kB/s.
const ANSWER_MS = 50_000;
// Nothing is wrong with the upload when the server answers these: it is asked how far it is, and gone on from there.
const PASSING = new Set([401, 408, 409, 423, 425, 429, 460]);
const ENDED = "it has taken the upload for ended, as nothing of it came for long; the rest cannot be added to it any more.";

// The server does not want it, or has it no more: trying again does not help.
class Refused extends Error {}

export class Cancelled extends Error {}

class Passing extends Error {
  constructor(message, status = 0, seconds = null) {
    super(message);
    Object.assign(this, { status, seconds });
  }
}

// A file that is all there.
export class BlobSource {
  constructor(blob) {
    this.blob = blob;
    this.isWhole = true;
  }
  get size() { return this.blob.size; }
  read(start, end) { return this.blob.slice(start, end); }
  more() { return Promise.resolve(); }
  acknowledged() {}
}

// What grows by slices, such as those of a MediaRecorder. Slices are let go of once the server has them.
export class QueueSource {
  #slices = [];
  #from;
  #wake = () => {};
  #waiting = null;
  constructor(from = 0) {
    this.#from = this.size = from;
    this.isWhole = false;
  }
  add(blob) {
    this.#slices.push(blob);
    this.size += blob.size;
    this.#tell();
  }
  end() {
    this.isWhole = true;
    this.#tell();
  }
  read(start, end) {
    if (start < this.#from) throw new Refused("the server asks for bytes that it had said to have");
    return new Blob(this.#slices).slice(start - this.#from, end - this.#from);
  }
  more() {
    this.#waiting ??= new Promise((done) => (this.#wake = done));
    return this.#waiting;
  }
  acknowledged(offset) {
    while (this.#slices.length && this.#from + this.#slices[0].size <= offset) this.#from += this.#slices.shift().size;
  }
  #tell() {
    this.#wake();
    this.#waiting = null;
  }
}

export class TusUpload {
  #source; #metadata; #later; #length; #key; #hooks;
  #piece = 1024 * 1024;
  #request = null;
  #paused = null;
  #wakeUp = () => {};
  #mustLook;
  #stopped;
  #stop;

  // url: of an upload that was begun before; key: of the request that begins it, so that one which is repeated begins no
  // second. Hooks: onBegun(url), onProgress({sent, size, total}), onWait({seconds,
  // reason, message}) before each pause between tries (reason: network, login, full, busy), onGoing() when it goes on after
  // one. later(): what else is told of it once it is whole, as metadata is.
  constructor(source, { url = null, metadata = {}, later = () => ({}), key = randomKey(), ...hooks } = {}) {
    this.#source = source;
    this.#metadata = metadata;
    this.#later = later;
    this.#length = source.isWhole ? source.size : null; // null: not known yet
    this.#key = key;
    this.#hooks = hooks;
    this.#mustLook = url !== null;
    this.url = url;
    this.offset = 0;
    this.isCancelled = false;
    this.#stopped = new Promise((done) => (this.#stop = done));
  }

  get isPaused() { return this.#paused !== null; }

  // Send all there is and all that comes, until the source is whole and the server has it.
  async run() {
    if (this.url === null) await this.#patiently(() => this.#begin());
    else await this.#patiently(() => this.#look());
    while (!this.#isDone()) {
      if (this.#source.size > this.offset || this.#source.isWhole) await this.#patiently(() => this.#send());
      else await Promise.race([this.#source.more(), this.#stopped]);
      this.#refuseIfCancelled();
    }
    return this;
  }

  // Send nothing until `resume`; what the server has by then it keeps.
  pause() {
    if (this.#paused) return;
    let go;
    this.#paused = { until: new Promise((done) => (go = done)), go };
    this.#request?.abort();
    this.#wakeUp();
  }

  resume() {
    this.#paused?.go();
    this.#paused = null;
    this.#wakeUp();
  }

  // End it; the server lets go of what it has. `run` throws `Cancelled`.
  async cancel() {
    this.isCancelled = true;
    this.#stop();
    this.#request?.abort();
    this.resume();
    if (this.url) await letGo(this.url);
  }

  #isDone() {
    return this.#source.isWhole && this.#length === this.offset && this.#source.size === this.offset;
  }

  #refuseIfCancelled() {
    if (this.isCancelled) throw new Cancelled("the upload was cancelled");
  }

  // Do a step until it is done: a network that is away comes back, a server that is started anew does too.
  async #patiently(step) {
    for (let failed = 0; ; failed += 1) {
      await this.#paused?.until;
      this.#refuseIfCancelled();
      try {
        if (this.#mustLook && this.url !== null) await this.#look();
        await step();
        if (failed) this.#hooks.onGoing?.();
        return;
      } catch (error) {
        this.#refuseIfCancelled();
        if (!(error instanceof Passing)) throw error;
        this.#mustLook = true;
        if (this.isPaused) failed = -1;
        else if (error.status !== 409) await this.#wait(failed, error);
        else if (failed > 2) await this.#wait(failed - 2, error);
        this.#piece = Math.max(LEAST_PIECE, this.#piece / 2);
      }
    }
  }

  async #wait(failed, error) {
    const planned = WAITS_S[Math.min(failed, WAITS_S.length - 1)] * (0.75 + Math.random() / 2);
    const seconds = error.seconds ?? ({ 401: LOGIN_S, 507: FULL_S }[error.status] ?? planned);
    const reason = error.status === 401 ? "login" : error.status === 507 ? "full" : error.status ? "busy" : "network";
    this.#hooks.onWait?.({ seconds, reason, message: error.message });
    await new Promise((done) => {
      const timer = setTimeout(done, seconds * 1000);
      this.#wakeUp = () => (clearTimeout(timer), done());
      addEventListener("online", this.#wakeUp, { once: true });
      this.#stopped.then(this.#wakeUp);
    });
    removeEventListener("online", this.#wakeUp);
  }

  async #begin() {
    const headers = { "Upload-Metadata": written(this.#metadata), "Idempotency-Key": this.#key };
    if (this.#length === null) headers["Upload-Defer-Length"] = "1";
    else headers["Upload-Length"] = String(this.#length);
    const answer = await this.#ask(UPLOADS, "POST", headers);
    const place = new URL(answer.headers.get("Location") ?? "", new URL(UPLOADS, location.href));
    this.url = place.pathname + place.search; // behind a proxy the server may not know by which name it is called
    this.#mustLook = false;
    this.#hooks.onBegun?.(this.url);
    this.#acknowledge(0);
  }

  async #look() {
    const answer = await this.#ask(this.url, "HEAD", {});
    const length = answer.headers.get("Upload-Length");
    if (length !== null) this.#length = Number(length);
    const offset = Number(answer.headers.get("Upload-Offset"));
    if (length !== null && offset === this.#length && this.#source.size > offset) throw new Refused(ENDED);
    if (offset > this.#source.size || (this.#source.isWhole && this.#length !== null && this.#length !== this.#source.size)) {
      throw new Refused("this is another file than the one of which the server has the beginning");
    }
    this.#mustLook = false;
    this.#acknowledge(offset);
  }

  // Send the next piece, as long as it is by now: after a try that failed it is shorter, and begins where the server is.
  async #send() {
    const end = Math.min(this.#source.size, this.offset + this.#piece);
    if (this.#isDone() || (end <= this.offset && !this.#source.isWhole)) return;
    const piece = await this.#source.read(this.offset, end);
    const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(this.offset) };
    if (this.#length === null && this.#source.isWhole) headers["Upload-Length"] = String(this.#source.size);
    const more = this.#source.isWhole ? written(this.#later()) : "";
    if (more) headers["Upload-Metadata"] = more;
    const digest = await digestOf(piece);
    if (digest) headers["Upload-Checksum"] = `sha256 ${digest}`;
    const began = performance.now();
    const answer = await this.#ask(this.url, "PATCH", headers, piece);
    if (headers["Upload-Length"]) this.#length = Number(headers["Upload-Length"]);
    const factor = AIM_MS / Math.max(1, performance.now() - began);
    this.#piece = Math.round(Math.min(MOST_PIECE, Math.max(LEAST_PIECE, this.#piece * Math.min(2, factor))));
    this.#acknowledge(Number(answer.headers.get("Upload-Offset") ?? this.offset + piece.size));
  }

  #acknowledge(offset) {
    this.offset = offset;
    this.#source.acknowledged(offset);
    this.#hooks.onProgress?.({ sent: offset, size: this.#source.size, total: this.#length });
  }

  async #ask(url, method, headers, body) {
    const request = (this.#request = new AbortController());
    const late = setTimeout(() => request.abort(), ANSWER_MS);
    let answer;
    try {
      answer = await fetch(url, { method, body, signal: request.signal, headers: { "Tus-Resumable": VERSION, ...headers } });
    } catch (error) {
      throw new Passing(error.message);
    } finally {
      clearTimeout(late);
      this.#request = null;
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const message = problem.detail || problem.title || `The server answered ${answer.status}.`;
    const isPassing = PASSING.has(answer.status) || answer.status >= 500;
    if (!isPassing) throw new Refused(message);
    throw new Passing(message, answer.status, Number(answer.headers.get("Retry-After")) || null);
  }
}

// Let the server let go of an upload; return its answer, null: there is none.
export function letGo(url) {
  return fetch(url, { method: "DELETE", headers: { "Tus-Resumable": VERSION } }).catch(() => null);
}

function written(metadata) {
  const pairs = Object.entries(metadata).filter(([, value]) => value !== null && value !== undefined);
  return pairs.map(([name, value]) => `${name} ${base64(new TextEncoder().encode(String(value)))}`).join(",");
}

function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

// Browsers compute digests only where the page came safely; elsewhere TCP's own sums have to do.
async function digestOf(piece) {
  if (!globalThis.crypto?.subtle || piece.size === 0) return null;
  return base64(new Uint8Array(await crypto.subtle.digest("SHA-256", await piece.arrayBuffer())));
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
