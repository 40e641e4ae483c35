// The timeline's page: one camera, its picture live or past, its ledger, and a range to save. This puts its parts together.

import { Address } from "./address.js";
import { iso } from "./api.js";
import { Calendar } from "./calendar.js";
import { ChosenCamera } from "./chosen_camera.js";
import { CoverageList } from "./coverage.js";
import { LIVE_ONLY, mayLookBack } from "./camera_state.js";
import { causeOf, gapAt } from "./gaps.js";
import { Ledger } from "./ledger.js";
import { takeNewCameras } from "./new_camera.js";
import { PictureInPicture } from "./picture_in_picture.js";
import { Player, isAway } from "./player.js";
import { mountRecordButton } from "./record_button.js";
import { SavedRange } from "./saved_range.js";
import { onSite, refresh, serverNow } from "./site.js";
import { Stage } from "./stage.js";
import { Thumbnail } from "./thumbnail.js";
import { Timeline } from "./timeline.js";
import { TimelineList } from "./timeline_list.js";
import { Zone, roughly } from "./times.js";
import { takeTypedTimes } from "./time_entry.js";
import { takeKeys } from "./timeline_keys.js";

const $ = (id) => document.getElementById(id);
const zone = new Zone(document.body.dataset.zone);
const video = $("video");
const DAY = 86400e3;

const page = {
  at: null,        // the instant in the address; null: live
  zoomed: false,   // whether the window is another than the day of the picture
  before: 0,       // where the picture was at the last look
  isEmpty: false,  // whether there was no camera to show
};

const stage = new Stage($);
const address = new Address();
const cameras = new ChosenCamera($, {
  onChange: () => {
    showCoverage();
    if (player.live) player.showLive();
    if (page.isEmpty && cameras.items.length) recall();
  },
});
const camera = () => (cameras.chosen ? cameras.id : null);
const past = () => (mayLookBack(cameras.chosen) ? cameras.id : null);
const player = new Player(video, $("mjpeg"), stage, zone, { camera: () => cameras.chosen, now: serverNow, causeOf: causeBetween, onMove: moved, onViewing: offerRecording });
const timeline = new Timeline($("timeline"), zone, { onSeek: (ms) => player.seek(ms), onRange: ranged, onHover: hovered });
const ledger = new Ledger(timeline, {
  camera: past, plates: Boolean($("page").dataset.plates),
  onLoad: () => list.show(timeline),
  onError: (error) => { $("hint").textContent = error instanceof TypeError ? "The server does not answer." : error.message; },
});
const list = new TimelineList($("list"), $("list-told"), zone, { onSeek: (ms) => player.seek(ms) });
const thumbnail = new Thumbnail($("thumbnail"), zone);
const calendar = new Calendar($, zone, { camera: past, onDay: openDay });
const coverage = new CoverageList($("coverage"), (id) => choose(id));
const range = new SavedRange($, zone, { camera, now: serverNow, onMarks: (marks) => { timeline.marks = marks; timeline.draw(); } });

const showCoverage = () => coverage.show(cameras.id, cameras.names);
function mark(which) {
  if (player.live && isAway(cameras.chosen)) return stage.flash("There is no picture of now to mark.");
  range.mark(which, player.marked(which));
}

function causeBetween(from, to) {
  const gap = gapAt(timeline.gaps, (from + to) / 2) ?? timeline.gaps.find((g) => g.from < to && g.to > from);
  return gap ? causeOf(gap) : "";
}

// What is watched live can be recorded, if files of this camera are for who watches.
function offerRecording(id, viewing) {
  const slot = $("record-slot");
  if (!slot) return;
  if (viewing && cameras.chosen?.may.includes("export")) mountRecordButton(slot, viewing);
  else { slot.recordButton?.stop(); slot.replaceChildren(); }
}

function hovered(place) {
  $("hint").textContent = place?.text ?? (camera() && !past() ? LIVE_ONLY : "\u00a0");
  if (place?.recorded && past()) thumbnail.show(past(), place.ms, place.x, timeline);
  else thumbnail.hide();
}

// The window has changed: by hand, unless `showDay` says otherwise.
function ranged() {
  page.zoomed = true;
  $("span").textContent = roughly(timeline.span);
  ledger.want();
  clearTimeout(ranged.timer);
  ranged.timer = setTimeout(() => { remember(); list.show(timeline); }, 300);
}

function showDay(ms) {
  const midnight = zone.midnight(ms);
  timeline.setRange(midnight, zone.midnight(ms, 1));
  page.zoomed = false;
}

function remember(push = false) {
  if (cameras.id) address.write({ camera: cameras.id, at: page.at, range: page.zoomed ? [timeline.start, timeline.end] : null }, push);
}

// The picture is somewhere else now: live where `at` is null. The window follows.
function moved(at, push) {
  page.at = at === null ? null : Math.round(at);
  $("live").disabled = at === null;
  if (at === null) { $("speed").value = "1"; player.rate = 1; }
  const ms = at ?? serverNow();
  page.before = timeline.at = ms;
  if (ms < timeline.start || ms > timeline.end) {
    if (page.zoomed) timeline.moveTo(ms - timeline.span / 2);
    else showDay(ms);
  }
  remember(push);
  calendar.show(zone.date(ms), zone.date(serverNow()));
}

// Playing on, the picture leaves the window at its end: the window goes on with it.
function follow() {
  const { before } = page;
  page.before = timeline.at;
  if (before > timeline.end || timeline.at <= timeline.end || timeline.at - before > 60e3 || timeline.gestures.pointers.size) return;
  if (page.zoomed) timeline.moveTo(timeline.at - timeline.span * 0.1);
  else showDay(timeline.at);
}

function choose(id, at = null, { push = true } = {}) {
  const other = id !== cameras.id;
  cameras.choose(id);
  if (other) { ledger.forget(); range.measure(); hovered(null); }
  showCoverage();
  if (!cameras.chosen) {
    player.halt();
    stage.say(`There is no camera “${id}”. Choose one above.`);
  } else if (at !== null) player.seek(at, { push });
  else player.goLive({ push });
}

// What the address says is shown, and of that only what is not shown yet.
function recall() {
  const { camera: named, at, range: window } = address.read();
  const id = named || document.body.dataset.camera || cameras.items[0]?.id;
  page.isEmpty = !id;
  cameras.chooser.parentElement.hidden = !id;
  if (!id) {
    const mayAdd = !$("add").hidden;
    stage.say(mayAdd ? "No camera yet. Add the first one under “Add a camera”." : "There is no camera that you may see yet.");
    $("add").open = mayAdd;
    showDay(serverNow());
    calendar.show(zone.date(serverNow()), zone.date(serverNow()));
    return;
  }
  if (window) timeline.setRange(...window);
  else showDay(at ?? serverNow());
  if (id !== cameras.id || at !== page.at || !address.told) choose(id, at, { push: false });
}

async function openDay(date) {
  const [y, m, d] = date.split("-").map(Number);
  const midnight = zone.instant(Date.UTC(y, m - 1, d));
  showDay(midnight + DAY / 2);
  if (midnight > serverNow()) return stage.say("That day has not come yet.");
  const id = past(), { serial } = player;
  if (!id) return camera() && stage.flash(LIVE_ONLY);
  try {
    const { recorded } = await ledger.spans(id, { from: midnight, to: timeline.end, resolution: 60e3 });
    if (id === past() && serial === player.serial) player.seek(recorded[0]?.[0] ?? midnight);
  } catch (error) {
    stage.say(error.message);
  }
}

async function goToEvent(back) {
  const id = past(), { serial } = player;
  if (!id) return camera() && stage.flash(LIVE_ONLY);
  try {
    const event = await ledger.event(player.at, back);
    if (id !== past() || serial !== player.serial) return;  // somebody has gone elsewhere meanwhile
    if (!event) return stage.flash(back ? "No earlier event within 40 days." : "No later event.");
    player.seek(event.from);
  } catch (error) {
    stage.flash(error.message);
  }
}

function tick() {
  const now = serverNow();
  player.skipGap();
  timeline.now = now;
  timeline.at = player.at;
  follow();
  $("play").textContent = player.paused ? "Play" : "Pause";
  $("play").disabled = player.live;
  if (player.live) stage.wall.textContent = isAway(cameras.chosen) || !cameras.chosen ? "" : zone.text(now);
  else if (!video.requestVideoFrameCallback) stage.wall.textContent = zone.text(timeline.at, 2);
  const [first, until] = [timeline.start, timeline.end - 1].map((ms) => zone.date(ms));
  $("day").textContent = timeline.span > 1.5 * DAY ? `${first} – ${until.slice(5)}` : zone.date(timeline.start + timeline.span / 2);
  const last = timeline.recorded.at(-1);
  if (last && ledger.loaded && cameras.chosen?.state === "recording" && now - ledger.edge < 30e3) last[1] = Math.min(now, ledger.loaded.to);
  const at = encodeURIComponent(iso(timeline.at));
  if (camera()) $("snapshot").href = player.live
    ? `/api/v1/cameras/${camera()}/snapshot.jpg?width=3840`
    : `/api/v1/cameras/${camera()}/thumbnail.jpg?exact=true&width=3840&at=${at}`;
  timeline.tell();
  timeline.draw();
}

async function start() {
  await new Promise((known) => onSite(({ cameras: items, error }) => { if (!error) { cameras.take(items); known(); } }));
  recall();
  coverage.load();
  setInterval(tick, 250);
  setInterval(() => coverage.load(), 15e3);
  setInterval(() => ledger.refresh(), 5000);
  setInterval(() => { if (calendar.date) calendar.show(calendar.date, zone.date(serverNow()), { anew: true }); }, 60e3);
}

new PictureInPicture($("pip"), video, (text) => stage.flash(text));
const act = (id, does) => $(id).addEventListener("click", does);
addEventListener("popstate", recall);
$("camera").addEventListener("change", (e) => choose(e.target.value));
$("speed").addEventListener("change", (e) => player.setRate(Number(e.target.value)));
act("live", () => player.goLive());
act("play", () => player.toggle());
act("back", () => player.seek(player.at - 30e3));
act("forward", () => player.seek(player.at + 30e3));
act("previous", () => goToEvent(true));
act("next", () => goToEvent(false));
act("in", () => timeline.zoomAt(0.5, timeline.at));
act("out", () => timeline.zoomAt(2, timeline.at));
act("earlier", () => timeline.shift(-0.5));
act("later", () => timeline.shift(0.5));
act("hour", () => timeline.setRange(timeline.at - 50 * 60e3, timeline.at + 10 * 60e3));
act("today", () => showDay(serverNow()));
act("month", () => timeline.setRange(zone.midnight(serverNow(), 1) - 30 * DAY, zone.midnight(serverNow(), 1)));
act("mark-in", () => mark(0));
act("mark-out", () => mark(1));
takeTypedTimes($, zone, serverNow, (ms) => player.seek(ms));
takeNewCameras($, async (id) => { await refresh(); choose(id); });
takeKeys({
  ArrowLeft: (e) => player.seek(player.at - (e.shiftKey ? 1e3 : 10e3)),
  ArrowRight: (e) => player.seek(player.at + (e.shiftKey ? 1e3 : 10e3)),
  j: () => player.seek(player.at - 10e3),
  k: () => player.toggle(),
  " ": () => player.toggle(),
  ",": () => player.step(-1),
  ".": () => player.step(1),
  "[": () => goToEvent(true),
  "]": () => goToEvent(false),
  i: () => mark(0),
  o: () => mark(1),
  h: () => range.openHold(),
  g: () => { $("when").focus(); $("when").select(); },
  f: () => (document.fullscreenElement ? document.exitFullscreen() : $("stage").requestFullscreen()),
  l: () => player.live || player.goLive(),
});
start();
