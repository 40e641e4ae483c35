// A recording as blobs of equal size, numbered from 1, each sent until the server has it (POST /upload_blob/).

const BLOB_BYTES = 1 << 20;
const LONGEST_PAUSE_MS = 30_000;

export class Refused extends Error {}

export class BlobUpload {
  // server: its origin, e.g. "https://gate.example.org". token: an API token with the scope `uploads:write`.
  // told: called with {sent, waiting} in bytes whenever that changes, and with {trouble} when a blob has to be sent again.
  // refused: called with the reason when the server will not have the recording; what is added then is not sent.
  constructor({ server, token, username, filename, told = () => {}, refused = () => {} }) {
    this.address = new URL("/upload_blob/", server);
    this.headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    this.name = { username, filename };
    this.told = told;
    this.refused = refused;
    this.held = [];
    this.heldBytes = 0;
    this.sent = 0;
    this.number = 0;
    this.line = Promise.resolve();
  }

  // Add what the recorder gave; whole blobs go at once, one after the other. Bytes that wait stay in memory.
  add(data) {
    this.held.push(data);
    this.heldBytes += data.size;
    while (this.heldBytes >= 2 * BLOB_BYTES) this.send(this.take(BLOB_BYTES), false);
    this.tell();
  }

  // Send what is left; the last blob says so. Resolves to what the server says of the video.
  finish() {
    return this.send(this.take(this.heldBytes), true);
  }

  // At least a blob is always kept back: that which turns out to be the last one has to say so.
  take(size) {
    const all = new Blob(this.held);
    this.held = size < all.size ? [all.slice(size)] : [];
    this.heldBytes = all.size - size;
    return all.slice(0, size);
  }

  send(blob, isLast) {
    const number = ++this.number;
    this.line = this.line.then(() => this.untilTaken(blob, number, isLast));
    this.line.catch(this.refused);
    return this.line;
  }

  async untilTaken(blob, number, isLast) {
    const body = JSON.stringify({
      ...this.name,
      blobId: String(number),
      blobObject: await base64(blob),
      is_last: isLast ? "True" : "False",
    });
    for (let pause = 1000; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      let wait = pause;
      try {
        const answer = await fetch(this.address, { method: "POST", headers: this.headers, body });
        if (answer.ok) {
          this.sent += blob.size;
          this.tell();
          return await answer.json();
        }
        // What was asked is wrong, or not allowed: it would be so again. All else may be better in a while.
        if (answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
          throw new Refused(await reason(answer));
        }
        wait = Math.max(wait, 1000 * Number(answer.headers.get("Retry-After") ?? 0));
        this.told({ trouble: `The server answers ${answer.status}; blob ${number} is sent again.` });
      } catch (error) {
        if (error instanceof Refused) throw error;
        this.told({ trouble: `The server does not answer; blob ${number} is sent again.` });
      }
      await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random() / 2)));
    }
  }

  tell() {
    this.told({ sent: this.sent, waiting: this.heldBytes });
  }
}

async function base64(blob) {
  const url = await new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(",") + 1);
}

async function reason(answer) {
  try {
    const told = await answer.json();
    return told.detail ?? told.error ?? `The server answers ${answer.status}.`;
  } catch {
    return `The server answers ${answer.status}.`;
  }
}
