// Files on their way to the server, as rows that say how far they are: paused, gone on with, cancelled. Those that another
// page, or this one before it was loaded anew, has begun are listed too: the file has to be chosen again for them.

import { getJson } from "./api.js";
import { button, element } from "./elements.js";
import { BlobSource, Cancelled, TusUpload, letGo } from "./tus_client.js";

const HEAD_BYTES = 64 * 1024;
const MEMORY = "gatehouse.sending";
const AT_ONCE = 2;

// list: the <ul>; told: where it is said what happened, for who does not see; onDone: a file is whole at the server.
export function mountSending(list, told, onDone) {
  const waiting = [];
  let going = 0;
  const say = (text) => (told.textContent = text);

  const next = () => {
    while (going < AT_ONCE && waiting.length) {
      going += 1;
      waiting.shift()().finally(() => ((going -= 1), next()));
    }
  };

  const start = (file, row, url, head) => {
    row.file = file;
    const upload = new TusUpload(new BlobSource(file), {
      url,
      metadata: { filename: file.name, filetype: file.type || null },
      onBegun: (place) => remember(place, { name: file.name, size: file.size, head }),
      onProgress: ({ sent, total }) => row.show("sending", share(sent, total), sent / Math.max(1, total)),
      onWait: ({ seconds, reason, message }) => row.show("waiting", waitWords(seconds, reason, message)),
      onGoing: () => row.show("sending", "goes on"),
    });
    row.attach(upload, () => forget(upload.url));
    row.show("queued", "waits for the others");
    waiting.push(async () => {
      try {
        await upload.run();
        forget(upload.url);
        row.remove();
        say(`${file.name} is uploaded.`);
        onDone();
      } catch (error) {
        if (error instanceof Cancelled) return;
        forget(upload.url);
        row.show("failed", error.message);
        say(`${file.name} was not uploaded: ${error.message}`);
      }
    });
    next();
  };

  const add = async (files) => {
    for (const file of files) {
      if (!file.size) {
        newRow(list, file.name).show("failed", "There is nothing in this file.");
        continue;
      }
      const head = await digestOf(file);
      const row = [...list.children].map((item) => item.row).find((one) => one.unfinished && isSame(one.unfinished, file, head));
      if (row) {
        const { url } = row.unfinished;
        row.unfinished = null;
        start(file, row, url, head);
      } else start(file, newRow(list, file.name), null, head);
    }
  };

  const listUnfinished = async () => {
    const { items } = await getJson("/api/v1/uploads");
    const known = memory();
    for (const one of items.filter((item) => item.state === "receiving" && item.door === "tus" && item.length !== null)) {
      const row = newRow(list, one.name);
      row.unfinished = { url: one.url, name: one.name, size: one.length, head: known[one.url]?.head ?? null };
      row.attach({ cancel: () => letGo(one.url) }, () => forget(one.url));
      row.show("unfinished", `${share(one.offset, one.length)}: choose the file again to go on`, one.offset / one.length);
    }
  };

  addEventListener("beforeunload", (event) => {
    if (going || waiting.length) event.preventDefault();
  });
  listUnfinished().catch(() => {});  // without them the page works, and they are listed the next time
  return { add };
}

function newRow(list, name) {
  const item = element("li", {});
  const bar = element("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", `Upload of ${name}`);
  const words = element("span", { className: "so-far" });
  const acts = element("span", { className: "row" });
  item.append(element("span", { className: "name", textContent: name }), acts, bar, words);
  list.append(item);
  list.hidden = false;
  const row = {
    unfinished: null,
    show(state, text, part) {
      item.dataset.state = state;
      words.textContent = text;
      if (part !== undefined) bar.value = part;
      bar.hidden = state === "failed";
      if (state === "failed") acts.replaceChildren(button("Dismiss", () => row.remove(), `Dismiss ${name}`));
    },
    attach(upload, gone) {
      acts.replaceChildren();
      if (upload.pause) {
        const pause = button("Pause", () => {
          const on = upload.isPaused;
          if (on) upload.resume();
          else upload.pause();
          row.show(on ? "sending" : "paused", on ? "goes on" : "paused");
          pause.textContent = on ? "Pause" : "Resume";
          pause.setAttribute("aria-label", `${pause.textContent} the upload of ${name}`);
        }, `Pause the upload of ${name}`);
        acts.append(pause);
      }
      acts.append(button("Cancel", async () => {
        await upload.cancel();
        gone();
        row.remove();
      }, `Cancel the upload of ${name}`));
    },
    remove() {
      item.remove();
      list.hidden = !list.children.length;
    },
  };
  item.row = row;
  return row;
}

const isSame = (one, file, head) => one.name === file.name && one.size === file.size && (one.head === null || one.head === head);

function waitWords(seconds, reason, message) {
  if (reason === "login") return "you have been logged out: log in on another page, and it goes on";
  const again = `tries again in ${Math.ceil(seconds)} s`;
  return reason === "network" ? `the server does not answer; ${again}` : `${message} ${again}`;
}

function share(sent, total) {
  const mega = (bytes) => (bytes / 1e6).toFixed(1);
  return `${mega(sent)} of ${mega(total)} MB, ${Math.floor((100 * sent) / Math.max(1, total))} %`;
}

// By which a file is known again; no secret, so that it needs nothing that browsers give only to safe pages (FNV-1a).
async function digestOf(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}

function memory() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY)) ?? {};
  } catch {
    return {}; // nothing is kept here, or something else was
  }
}

function keep(all) {
  try {
    localStorage.setItem(MEMORY, JSON.stringify(all));
  } catch {
    // Full, or forbidden: then files are known again by name and size alone.
  }
}

function remember(url, facts) {
  keep({ ...Object.fromEntries(Object.entries(memory()).slice(-99)), [url]: facts });
}

function forget(url) {
  const { [url]: _gone, ...others } = memory();
  keep(others);
}
