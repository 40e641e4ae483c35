// What happens, as this page is told: by one connection for all pages of the browser, where browsers can share one.

import { EVENT_NAMES } from "./event_names.js";
import { visitor } from "./visitor.js";

const AGAIN_MS = 10000;
const listeners = new Map();  // of each, its topics
let topics = [];
let port = null;
let stream = null;
let last = "";  // what was told last, to be told what comes after it by whichever connection is next
let timer = 0;
let alone = !("SharedWorker" in globalThis);

// Be told {name, id, data} of topics, and {state: "open" | "broken"} of the connection; again, of other topics.
export function onEvents(wanted, listener, heard = "") {
  listeners.set(listener, wanted);
  topics = [...new Set([...listeners.values()].flat())];
  last ||= heard;
  connect();
}

function told(message) {
  last = message.id || last;
  const topic = message.name ? `${message.name.split(".")[0]}s` : "";
  for (const [listener, wanted] of listeners) {
    if (!topic || topic === "resets" || wanted.includes(topic)) listener(message);
  }
}

function connect() {
  if (alone) return connectAlone();
  if (!port) {
    // Its name is that of the user: whoever logs in next is not told by what is left of the one before.
    const worker = new SharedWorker("/static/app/event_worker.js", { type: "module", name: `events ${visitor}` });
    worker.onerror = () => { alone = true; port = null; connectAlone(); };    // some browsers share no modules
    port = worker.port;
    port.onmessage = ({ data }) => told(data);
    addEventListener("pagehide", () => port?.postMessage({ bye: true }));
    addEventListener("pageshow", ({ persisted }) => { if (persisted) port?.postMessage({ topics, last }); });
  }
  port.postMessage({ topics, last });
}

// A connection of this page's own, while somebody looks at it.
function connectAlone() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
  if (!topics.length || document.hidden) return;
  const query = new URLSearchParams({ topics: topics.join(), ...(last ? { last_event_id: last } : {}) });
  const mine = stream = new EventSource(`/api/v1/events/stream?${query}`);
  mine.onopen = () => told({ state: "open" });
  mine.onerror = () => {
    told({ state: "broken" });
    if (mine.readyState === EventSource.CLOSED) timer = setTimeout(connectAlone, AGAIN_MS);  // browsers try no more after an answer that is none
  };
  for (const name of EVENT_NAMES) {
    mine.addEventListener(name, (event) => told({ name, id: event.lastEventId, data: event.data }));
  }
}

document.addEventListener("visibilitychange", () => { if (alone) connectAlone(); });
