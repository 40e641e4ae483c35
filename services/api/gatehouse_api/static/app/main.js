// The page: one camera, its picture live or past, its ledger, and a range to download.

import { footageUrl, getJson, problemOf } from "./api.js";
import { CoverageList } from "./coverage.js";
import { LivePlayer } from "./live.js";
import { share } from "./share.js";
import { Timeline } from "./timeline.js";
import { Zone, duration } from "./times.js";
import { otherTroubles, unrecorded } from "./unrecorded.js";

const $ = (id) => document.getElementById(id);
const zone = new Zone(document.body.dataset.zone);
const video = $("video");
const WINDOW = 600e3;

const page = {
  camera: "",
  cameras: [],
  troubles: [],     // what else the banner says
  live: true,
  start: 0,         // wall time of the video's first frame, when playing the past
  end: 0,
  gaps: [],         // of what is played, as [from, to]
  ahead: 0,         // the server's clock minus ours
  serial: 0,
  seen: false,      // whether a live picture has come
  shown: false,     // whether the address tells of something yet
};

const live = new LivePlayer(video, $("mjpeg"), (state, text) => {
  if (!page.live) return;
  page.seen = state === "playing";
  showLive(text);
});

const timeline = new Timeline($("timeline"), zone, {
  onSeek: (ms) => seek(ms),
  onRange: () => loadLedger(),
  onHover: (text) => { $("hint").textContent = text ?? "\u00a0"; },
});

const coverage = new CoverageList($("coverage"), (camera) => choose(camera));

const serverNow = () => Date.now() + page.ahead;
const shownTime = () => (page.live ? serverNow() : page.start + video.currentTime * 1000);

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

const chosen = () => page.cameras.find((c) => c.id === page.camera);
const away = (camera) => camera && (!camera.enabled || ["reconnecting", "failed", "ended"].includes(camera.state));

// Only a picture of now is called live: that of a camera that is away is its last one, and says so.
function showLive(text = "") {
  const camera = chosen();
  const off = away(camera);
  $("mode").textContent = off ? (camera.enabled ? "OFFLINE" : "OFF") : page.seen ? "LIVE" : "…";
  $("mode").toggleAttribute("data-live", !off && page.seen);
  $("stage").classList.toggle("stale", Boolean(off));
  if (off) say(offline(camera));
  else if (page.seen) say("");
  else say(text ? `Waiting for the picture: ${text}.` : "Connecting to the camera…");
}

function offline(camera) {
  if (!camera.enabled) return `${camera.name} is switched off.`;
  const since = camera.since ? ` since ${zone.text(Date.parse(camera.since))}` : "";
  const why = camera.detail || (camera.cause || "no reason is known").replaceAll("_", " ");
  return `${camera.name} is not recorded${since}: ${why}.${camera.state === "reconnecting" ? " It is tried again and again." : ""}`;
}

function goLive({ push = true } = {}) {
  if (!chosen()) return;
  page.live = true;
  page.seen = false;
  page.serial++;
  video.onended = video.onerror = null;
  video.removeAttribute("src");
  video.playbackRate = 1;
  $("speed").value = "1";
  $("live").disabled = true;
  showLive();
  live.start(page.camera);
  remember(null, push);
}

// Play from an instant. What follows is loaded in windows. The file is true to the clock: it holds the frame before a
// gap for as long as the gap is; watched, gaps are skipped.
async function seek(ms, { push = true } = {}) {
  if (!page.camera || Number.isNaN(ms)) return;
  const now = serverNow();
  if (ms >= now - 500) return goLive({ push });
  const serial = ++page.serial;
  live.stop();
  page.live = false;
  $("live").disabled = false;
  $("mode").textContent = "PAST";
  delete $("mode").dataset.live;
  $("stage").classList.remove("stale");
  video.hidden = false;
  const url = footageUrl(page.camera, ms, Math.min(ms + WINDOW, now), { download: "false" });
  try {
    const head = await fetch(url, { method: "HEAD" });
    if (serial !== page.serial) return;
    if (!head.ok) throw await problemOf(await fetch(url));
    if (serial !== page.serial) return;
    page.start = Date.parse(head.headers.get("X-Footage-Start"));
    page.end = Date.parse(head.headers.get("X-Footage-End"));
    page.gaps = JSON.parse(head.headers.get("X-Footage-Gaps") || "[]").map((gap) => gap.map(Date.parse));
    say("");
    if (page.start - ms > 1000) tellSkipped(ms, page.start);
    video.onerror = () => say("This browser cannot play the camera's codec. Download the range to watch it.");
    video.onended = () => { if (serial === page.serial) seek(page.end + 1); };
    video.src = url;
    video.playbackRate = Number($("speed").value);
    await video.play().catch(() => {});
    remember(page.start, push);
  } catch (error) {
    if (serial !== page.serial) return;
    page.start = ms;
    video.removeAttribute("src");
    video.load();
    remember(ms, push);
    if (error.nearest) nothingHere(error.nearest);
    else say(error.message);
  }
}

// Nothing is recorded: say so, and lead to what is.
function nothingHere({ before, after }) {
  const ways = [[before && Date.parse(before) - 5000, "Before"], [after && Date.parse(after), "After"]].filter(([at]) => at);
  say(ways.length ? "Nothing is recorded here. " : "Nothing is recorded of this camera yet.");
  for (const [at, name] of ways) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${name}: ${zone.text(at)}`;
    button.addEventListener("click", () => seek(at));
    $("message").append(button, " ");
  }
}

function tellSkipped(from, to) {
  const known = timeline.gaps.find((g) => g.from < to && g.to > from);
  flash(`Skipped ${duration(to - from)}: ${known ? known.cause.replaceAll("_", " ") : "nothing recorded"}.`);
}

function skipGap() {
  if (page.live || video.paused || video.seeking) return;
  const at = shownTime();
  const gap = page.gaps.find(([from, to]) => at >= from && at < to - 200 && to - from > 2000);
  if (!gap) return;
  video.currentTime = (gap[1] - page.start) / 1000;
  tellSkipped(...gap);
}

function flash(text) {
  say(text);
  setTimeout(() => { if ($("message").textContent === text) say(""); }, 3000);
}

async function loadLedger() {
  clearTimeout(loadLedger.timer);
  loadLedger.timer = setTimeout(async () => {
    if (!chosen()) return;
    const query = new URLSearchParams({
      cameras: page.camera, from: new Date(timeline.start).toISOString(), to: new Date(timeline.end).toISOString(),
    });
    try {
      const found = await getJson(`/api/v1/timeline?${query}`);
      page.ahead = Date.parse(found.now) - Date.now();
      const [item] = found.items;
      timeline.recorded = item.recorded.map(([from, to]) => [Date.parse(from), Date.parse(to)]);
      timeline.gaps = item.gaps.map((g) => ({ ...g, from: Date.parse(g.from), to: Date.parse(g.to) }));
      timeline.draw();
      listTwin();
    } catch (error) {
      $("hint").textContent = error.message;
    }
  }, 120);
}

function listTwin() {
  const rows = [
    ...timeline.recorded.map(([from, to]) => ({ from, to, text: "recorded" })),
    ...timeline.gaps.map((g) => ({ from: g.from, to: g.to, text: `gap: ${g.cause.replaceAll("_", " ")}` })),
  ].sort((a, b) => b.from - a.from).slice(0, 200);
  $("list").replaceChildren(...rows.map(({ from, to, text }) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = zone.text(from);
    button.addEventListener("click", () => seek(from));
    item.append(button, ` ${duration(to - from)}, ${text}`);
    return item;
  }));
  if (!rows.length) $("list").append(Object.assign(document.createElement("li"), { textContent: "Nothing in this window." }));
}

// What keeps footage from being stored, before a camera shows it.
async function loadHealth() {
  try {
    page.troubles = await otherTroubles();
  } catch { return; }  // that the server does not answer, the cameras show
  showState();
}

async function loadCameras() {
  try {
    const { items } = await getJson("/api/v1/cameras");
    page.cameras = items;
    const chooser = $("camera");
    if ([...chooser.options].map((o) => o.value).join() !== items.map((c) => c.id).join()) {
      chooser.replaceChildren(...items.map((c) => new Option(c.name, c.id)));
      if (page.camera) chooser.value = page.camera;
    }
    showState();
    showCoverage();
  } catch (error) {
    showBanner(`The server does not answer: ${error.message}`);
  }
}

function showState() {
  const camera = chosen();
  const state = $("state");
  if (!camera) {
    delete state.dataset.state;
    state.lastElementChild.textContent = page.camera ? "No such camera" : "No camera yet";
    return;
  }
  if (page.live) showLive();
  state.dataset.state = camera.state;
  const words = {
    recording: `Recording ${camera.width}×${camera.height}, ${camera.fps.toFixed(0)} fps`,
    reconnecting: `Not recording: ${(camera.cause || "").replaceAll("_", " ")}`,
    starting: "Starting", ended: "Ended", failed: "Failed", disabled: "Switched off",
  };
  state.lastElementChild.textContent = words[camera.state] || camera.state;
  state.title = camera.detail;
  showBanner([...page.troubles, ...unrecorded(page.cameras, zone)].join(" · "));
  if (camera.fallback) $("hint").textContent = `Using ${camera.fallback} in place of the configured device.`;
}

const showCoverage = () => coverage.show(page.camera, new Map(page.cameras.map((c) => [c.id, c.name])));

function showBanner(text) {
  $("banner").textContent = text;
  $("banner").hidden = !text;
}

function choose(camera, at, { push = true } = {}) {
  page.camera = camera;
  $("camera").value = camera;
  if (!chosen()) {
    live.stop();
    $("mode").textContent = "";
    say(`There is no camera “${camera}”. Choose one above.`);
    showState();
    return;
  }
  timeline.recorded = [];
  timeline.gaps = [];
  showState();
  showCoverage();
  loadLedger();
  if (at) seek(at, { push });
  else goLive({ push });
}

function mark(which) {
  timeline.marks[which] = Math.round(shownTime());
  $(which ? "to" : "from").value = zone.text(timeline.marks[which], 3);
  timeline.draw();
  measure();
}

function typed(id) {
  const text = $(id).value.trim();
  if (!text) return null;
  const match = text.match(/^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?$/);
  if (!match) { const ms = Date.parse(text); return Number.isNaN(ms) ? NaN : ms; }
  const [y, mo, d, h, mi, s, f] = match.slice(1);
  const local = Date.UTC(y, mo - 1, d, h, mi, s || 0, (f || "0").padEnd(3, "0"));
  return local - zone.offset(local - zone.offset(local));
}

function measure() {
  const [from, to] = [typed("from"), typed("to")];
  timeline.marks = [from, to].map((t) => (t === null || Number.isNaN(t) ? null : t));
  timeline.draw();
  $("length").textContent = from && to && to > from ? duration(to - from) : "";
}

function fail(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

// The range that is typed, or null once it has been said what is wrong with it.
function range() {
  const [from, to] = [typed("from"), typed("to")];
  const wrong = !from || !to ? "Give both times like 2026-05-17 10:23:00, or set them from the picture."
    : to <= from ? "‘To’ must be after ‘From’." : "";
  fail(wrong);
  return wrong ? null : [from, to];
}

async function giveOut() {
  const wanted = range();
  if (!wanted) return;
  try {
    await share(page.camera, ...wanted, $("shared"));
  } catch (error) {
    fail(error.message);
  }
}

async function save(event) {
  event.preventDefault();
  const wanted = range();
  if (!wanted) return;
  const [from, to] = wanted;
  const url = footageUrl(page.camera, from, to, { gaps: $("gaps").value, cut: $("cut").value });
  const head = await fetch(url, { method: "HEAD" }).catch(() => null);
  if (!head) return fail("The server does not answer.");
  if (!head.ok) return fail((await problemOf(await fetch(url))).message);
  const size = Number(head.headers.get("Content-Length"));
  $("length").textContent = `${duration(to - from)}, ${(size / 1e6).toFixed(1)} MB`;
  Object.assign(document.createElement("a"), { href: url, download: "" }).click();
}

// The address holds the state, so that Back, reload and sharing work.
function remember(at, push) {
  const query = new URLSearchParams({ camera: page.camera });
  if (at) query.set("t", new Date(at).toISOString());
  const address = `?${query}`;
  const first = !page.shown;
  page.shown = true;
  if (address === location.search) return;
  if (push && !first) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

function recall() {
  const query = new URLSearchParams(location.search);
  const wanted = query.get("camera") || document.body.dataset.camera || page.cameras[0]?.id;
  if (wanted) choose(wanted, Date.parse(query.get("t")) || null, { push: false });
  else {
    say("No camera yet. Add the first one under “Add a camera”.");
    $("add").open = true;
  }
}

async function add(event) {
  event.preventDefault();
  const [id, url] = [$("new-id").value.trim(), $("new-url").value.trim()];
  const problem = $("add-problem");
  problem.hidden = true;
  const answer = await fetch("/api/v1/cameras", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ id, url }),
  }).catch(() => null);
  if (!answer?.ok) {
    problem.textContent = answer ? (await problemOf(answer)).message : "The server does not answer.";
    problem.hidden = false;
    return;
  }
  $("add-form").reset();
  $("add").open = false;
  await loadCameras();
  choose(id);
}

function tick() {
  const now = serverNow();
  skipGap();
  timeline.now = now;
  timeline.at = shownTime();
  $("now").textContent = zone.time(now);
  const paused = !page.live && video.paused;
  $("play").textContent = paused ? "Play" : "Pause";
  $("play").disabled = page.live;
  if (page.live) $("wall").textContent = away(chosen()) || !chosen() ? "" : zone.text(now);
  else if (!video.requestVideoFrameCallback) $("wall").textContent = zone.text(timeline.at, 2);
  $("day").textContent = zone.date(timeline.start + (timeline.end - timeline.start) / 2);
  const last = timeline.recorded.at(-1);
  if (last && chosen()?.state === "recording" && now - last[1] < 30e3) last[1] = Math.min(now, timeline.end);
  $("snapshot").href = page.live
    ? `/api/v1/cameras/${page.camera}/snapshot.jpg?width=3840`
    : `/api/v1/cameras/${page.camera}/thumbnail.jpg?exact=true&width=3840&at=${encodeURIComponent(new Date(timeline.at).toISOString())}`;
  timeline.draw();
}

// The clock over a picture of the past is that of the very frame which is shown.
function onFrame(_now, frame) {
  if (!page.live) $("wall").textContent = zone.text(page.start + frame.mediaTime * 1000, 2);
  video.requestVideoFrameCallback(onFrame);
}

function onKey(event) {
  if (event.target.closest("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const jump = { ArrowLeft: -10e3, ArrowRight: 10e3, j: -10e3 }[event.key];
  if (jump) seek(shownTime() + jump);
  else if (event.key === " " && !event.target.closest("button")) toggle();
  else if (event.key === "," || event.key === ".") { if (!page.live) { video.pause(); video.currentTime += event.key === "." ? 1 / 30 : -1 / 30; } }
  else if (event.key === "i") mark(0);
  else if (event.key === "o") mark(1);
  else if (event.key === "l") goLive();
  else return;
  event.preventDefault();
}

function toggle() {
  if (page.live) return;
  if (video.paused) video.play(); else video.pause();
}

async function start() {
  await loadCameras();
  recall();
  setInterval(tick, 250);
  setInterval(loadCameras, 3000);
  loadHealth();
  setInterval(loadHealth, 10000);
  coverage.load();
  setInterval(() => coverage.load(), 15000);
  setInterval(loadLedger, 5000);
}

addEventListener("popstate", recall);
$("hour").addEventListener("click", () => { const at = timeline.at; timeline.setRange(at - 50 * 60e3, at + 10 * 60e3); });
$("add-form").addEventListener("submit", add);
$("camera").addEventListener("change", (e) => choose(e.target.value));
$("live").addEventListener("click", goLive);
$("play").addEventListener("click", toggle);
$("back").addEventListener("click", () => seek(shownTime() - 30e3));
$("forward").addEventListener("click", () => seek(shownTime() + 30e3));
$("speed").addEventListener("change", (e) => { if (!page.live) video.playbackRate = Number(e.target.value); });
$("in").addEventListener("click", () => timeline.zoomAt(0.5, timeline.at));
$("out").addEventListener("click", () => timeline.zoomAt(2, timeline.at));
$("earlier").addEventListener("click", () => timeline.shift(-0.5));
$("later").addEventListener("click", () => timeline.shift(0.5));
$("today").addEventListener("click", () => { const m = zone.midnight(serverNow()); timeline.setRange(m, m + 86400e3); });
$("mark-in").addEventListener("click", () => mark(0));
$("mark-out").addEventListener("click", () => mark(1));
$("from").addEventListener("input", measure);
$("to").addEventListener("input", measure);
$("save").addEventListener("submit", save);
$("share")?.addEventListener("click", giveOut);
document.addEventListener("keydown", onKey);
video.requestVideoFrameCallback?.(onFrame);
start();
