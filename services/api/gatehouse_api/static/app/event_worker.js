// One connection for all pages of a browser that want to be told what happens: a browser has six to a server.
// A page says {topics, last} when it comes and {bye: true} when it goes; it is told {state} and {name, id, data}.

import { EVENT_NAMES } from "./event_names.js";

const AGAIN_MS = 10000;
const pages = new Map();  // port -> its topics
let stream = null;
let asked = "";
let last = "";
let state = "closed";
let timer = 0;

function tell(message) {
  const topic = message.name ? `${message.name.split(".")[0]}s` : "";
  for (const [port, topics] of pages) {
    if (!topic || topic === "resets" || topics.includes(topic)) port.postMessage(message);
  }
}

function open() {
  const topics = [...new Set([...pages.values()].flat())].sort().join();
  if (topics === asked && stream && stream.readyState !== EventSource.CLOSED) return;
  clearTimeout(timer);
  stream?.close();
  stream = null;
  asked = topics;
  if (!topics) return;
  const query = new URLSearchParams({ topics, ...(last ? { last_event_id: last } : {}) });
  const mine = stream = new EventSource(`/api/v1/events/stream?${query}`);
  mine.onopen = () => tell({ state: state = "open" });
  mine.onerror = () => {
    tell({ state: state = "broken" });
    if (mine.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);  // as many as may are told
  };
  for (const name of EVENT_NAMES) {
    mine.addEventListener(name, (event) => {
      last = event.lastEventId;
      tell({ name, id: event.lastEventId, data: event.data });
    });
  }
}

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    if (data.bye) pages.delete(port);
    else pages.set(port, data.topics);
    last ||= data.last || "";
    if (!data.bye && state === "open") port.postMessage({ state });
    open();
  };
  port.start();
};
