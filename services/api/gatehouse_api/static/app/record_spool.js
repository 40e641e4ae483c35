// What was recorded and is not on the server yet, kept by the browser: a crash, a closed tab, a dead network lose none of it.
// IndexedDB, because a slice and what is known of its recording have to be kept together or not at all.

const NAME = "gatehouse-recordings", VERSION = 1;

function opened() {
  return new Promise((done, failed) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("recordings", { keyPath: "session" });
      request.result.createObjectStore("slices", { keyPath: ["session", "from"] });
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

const all = (session) => IDBKeyRange.bound([session, 0], [session, Infinity]);

export class Spool {
  #db;

  // Return a spool; null where the browser keeps nothing (a private window): it is recorded all the same.
  static async open() {
    try {
      const spool = new Spool();
      spool.#db = await opened();
      navigator.storage?.persist?.().catch(() => false); // not awaited: it may ask, and nobody answers
      return spool;
    } catch {
      return null;
    }
  }

  // Run `work(recordings, slices)` in one transaction; durable when this is done.
  #change(work) {
    return new Promise((done, failed) => {
      const change = this.#db.transaction(["recordings", "slices"], "readwrite", { durability: "strict" });
      const result = work(change.objectStore("recordings"), change.objectStore("slices"));
      change.oncomplete = () => done(result?.result);
      change.onabort = change.onerror = () => failed(change.error);
    });
  }

  // Keep what is known of a recording: { session, startedMs, type, url, owner, name, isWhole, arrived, ... }.
  begin(recording) { return this.#change((recordings) => recordings.put({ url: null, isWhole: false, arrived: 0, ...recording })); }

  change(session, facts) {
    return this.#change((recordings) => {
      const request = recordings.get(session);
      request.onsuccess = () => request.result && recordings.put({ ...request.result, ...facts });
    });
  }

  add(session, from, blob) {
    return this.#change((_recordings, slices) => slices.put({ session, from, end: from + blob.size, blob }));
  }

  // Drop the slices that the server has all of, but the first: without it, none of the others can be shown.
  acknowledged(session, offset) {
    return this.#change((recordings, slices) => {
      const known = recordings.get(session);
      known.onsuccess = () => known.result && recordings.put({ ...known.result, arrived: offset });
      const request = slices.openCursor(all(session));
      request.onsuccess = () => {
        const at = request.result;
        if (!at || at.value.end > offset) return;
        if (at.value.from > 0) at.delete();
        at.continue();
      };
    });
  }

  forget(session) {
    return this.#change((recordings, slices) => {
      recordings.delete(session);
      slices.delete(all(session));
    });
  }

  get(session) { return this.#change((recordings) => recordings.get(session)); }

  list() { return this.#change((recordings) => recordings.getAll()); }

  async slices(session) {
    return (await this.#change((_recordings, slices) => slices.getAll(all(session)))).sort((a, b) => a.from - b.from);
  }
}
