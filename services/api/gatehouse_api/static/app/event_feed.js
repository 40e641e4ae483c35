// What happens, as this page is told: by one connection for all pages of the browser, where browsers can share one.

import { EVENT_NAMES } from "./event_names.js";
import { visitor } from "./visitor.js";

const listeners = new Map();  // of each, its topics
let topics = [];
let port = null;
let stream = null;
let alone = !("SharedWorker" in globalThis);

// Be told {name, id, data} of topics, and {state: "open" | "broken"} of the connection; again, of other topics.
export function onEvents(wanted, listener, last = "") {
  listeners.set(listener, wanted);
  topics = [...new Set([...listeners.values()].flat())];
  connect(last);
}

function told(message) {
  const topic = message.name ? `${message.name.split(".")[0]}s` : "";
  for (const [listener, wanted] of listeners) {
    if (!topic || topic === "resets" || wanted.includes(topic)) listener(message);
  }
}

function connect(last) {
  if (alone) return connectAlone(last);
  if (!port) {
    // Its name is that of the user: whoever logs in next is not told by what is left of the one before.
    const worker = new SharedWorker("/static/app/event_worker.js", { type: "module", name: `events ${visitor}` });
    worker.onerror = () => { alone = true; port = null; connectAlone(""); };    // some browsers share no modules
    port = worker.port;
    port.onmessage = ({ data }) => told(data);
    addEventListener("pagehide", () => port?.postMessage({ bye: true }));
    addEventListener("pageshow", ({ persisted }) => { if (persisted) port?.postMessage({ topics, last: "" }); });
  }
  port.postMessage({ topics, last });
}

// A connection of this page's own, while somebody looks at it.
function connectAlone(last) {
  stream?.close();
  stream = null;
  if (!topics.length || document.hidden) return;
  stream = new EventSource(`/api/v1/events/stream?${new URLSearchParams({ topics: topics.join(), ...(last ? { last_event_id: last } : {}) })}`);
  stream.onopen = () => told({ state: "open" });
  stream.onerror = () => told({ state: "broken" });
  for (const name of EVENT_NAMES) {
    stream.addEventListener(name, (event) => told({ name, id: event.lastEventId, data: event.data }));
  }
}

document.addEventListener("visibilitychange", () => { if (alone) connectAlone(""); });
