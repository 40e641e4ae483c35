// The tray: what is made for whoever looks, how far it is, what came of it; told by the page's one stream of events.

import { getJson, problemOf } from "./api.js";
import { onEvents } from "./event_feed.js";
import { Zone } from "./times.js";

const MOST = 20, SOON_MS = 300, AGAIN_MS = 10000;
const WHAT = { "media-process": "Making playable", "media-export": "Export", "media-audio": "Making sound", "media-video": "Making a film" };
const HOW = { queued: "waits", running: "goes on", done: "done", failed: "failed", cancelled: "called off" };
const $ = (id) => document.getElementById(id);
const zone = new Zone(document.body.dataset.zone || "UTC");
const names = new Map();    // of media, by their numbers
const asked = new Set();    // jobs that were heard of and are not in the list, which is asked for
const others = new Set();   // those that were not in it then either
const newer = new Map();    // what was told of jobs since the list was asked for last, which may be older
let jobs = [];

const goesOn = (job) => job.state === "queued" || job.state === "running";

function told({ name, state, data }) {
  if (state === "open") want();
  if (name === "reset") want();
  if (!name?.startsWith("job.") || !data) return;
  const job = JSON.parse(data), known = jobs.findIndex((one) => one.id === job.id);
  if (known < 0) {    // it may be another's: only the list says which are one's own
    if (!others.has(job.id)) { asked.add(job.id); want(); }
    return;
  }
  if (goesOn(jobs[known]) && !goesOn(job)) $("tray-told").textContent = `${titleOf(job)}: ${HOW[job.state]}.`;
  jobs[known] = job;
  newer.set(job.id, job);
  show();
}

function want() {
  clearTimeout(want.timer);
  want.timer = setTimeout(load, SOON_MS);
}

async function load() {
  const heard = [...asked], turn = load.turn = (load.turn ?? 0) + 1;
  asked.clear();
  newer.clear();
  try {
    const { items } = await getJson(`/api/v1/jobs?mine=true&limit=${MOST}`);
    if (turn !== load.turn) { for (const id of heard) asked.add(id); return; }    // another asks, who is told later things
    jobs = items.map((job) => newer.get(job.id) ?? job);
    for (const id of heard) if (!jobs.some((job) => job.id === id)) others.add(id);
    await Promise.all(jobs.map((job) => learn(job.media)));
    say("");
  } catch (error) {
    for (const id of heard) asked.add(id);
    say(error.message);
  }
  show();
}

// What is made is called by the file that it is of, or that comes of it; one that is gone has its number.
async function learn(media) {
  if (media === null || names.has(media)) return;
  names.set(media, `file ${media}`);
  try { names.set(media, (await getJson(`/api/v1/media/${media}`)).name); } catch { /* it is gone, or in the trash */ }
}

const titleOf = (job) => `${WHAT[job.kind] ?? job.kind}, ${names.get(job.media) ?? `file ${job.media}`}`;

function show() {
  const count = jobs.filter(goesOn).length;
  $("tray").hidden = false;
  $("tray-count").textContent = count > 9 ? "9+" : count || "";
  $("tray").setAttribute("aria-label", count ? `Jobs, ${count} going on` : "Jobs");
  $("no-jobs").hidden = jobs.length > 0;
  const items = new Map([...$("tray-list").children].map((item) => [item.dataset.job, item]));
  const sorted = [...jobs].sort((a, b) => goesOn(b) - goesOn(a));
  sorted.forEach((job, place) => {
    const item = items.get(job.id) ?? make(job);
    items.delete(job.id);
    fill(item, job);
    const { children } = $("tray-list");
    if (children[place] !== item) $("tray-list").insertBefore(item, children[place] ?? null);
  });
  for (const gone of items.values()) gone.remove();
}

function make(job) {
  const item = $("tray-item").content.firstElementChild.cloneNode(true);
  item.dataset.job = job.id;
  item.querySelector("button").addEventListener("click", () => cancel(job.id));
  return item;
}

function fill(item, job) {
  const part = (name) => item.querySelector(`.${name}`);
  const runs = job.state === "running", percent = Math.floor(100 * job.progress);
  item.dataset.state = job.state;
  set(part("title"), titleOf(job));
  part("title").href = job.media === null ? "/dashboard" : `/dashboard#media-${job.media}`;
  const why = job.state === "failed" || runs ? job.detail : "";
  set(part("how"), [runs ? `${percent} %` : HOW[job.state], why].filter(Boolean).join(": "));
  set(part("when"), zone.text(Date.parse(job.ended ?? job.started ?? job.created)));
  const bar = item.querySelector("progress");
  bar.hidden = !goesOn(job);
  bar.value = percent;
  bar.setAttribute("aria-label", `Progress of ${titleOf(job)}`);
  const button = item.querySelector("button");
  if (!goesOn(job) && document.activeElement === button) part("title").focus();
  button.hidden = !goesOn(job);
  button.setAttribute("aria-label", `Cancel ${titleOf(job)}`);
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

async function cancel(id) {
  try {
    const answer = await fetch(`/api/v1/jobs/${id}`, { method: "DELETE" });
    if (!answer.ok) throw await problemOf(answer);
    say("");
  } catch (error) {
    say(error.message);
  }
  await load();
}

function say(text) {
  $("tray-problem").textContent = text;
  $("tray-problem").hidden = !text;
}

// Before the bell, whose connection begins with what it was told last.
export function beginTray() {
  if (!$("tray")) return;
  onEvents(["jobs"], told);
  setInterval(() => { if (!document.hidden && jobs.some(goesOn)) want(); }, AGAIN_MS);
  want();
}
