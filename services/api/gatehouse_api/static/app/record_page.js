// The page Record with the sources of this browser: what is chosen, its preview, and the recording while it goes on.

import { begin as beginBars, show as showBars } from "./record_bars.js";
import { obstacle } from "./record_failures.js";
import { Film } from "./record_film.js";
import { follow } from "./record_files.js";
import { save } from "./record_kept.js";
import { measure } from "./record_meter.js";
import { beginSession, stopSession, wasStopped } from "./record_sessions.js";
import { devices, open } from "./record_sources.js";
import { Spool } from "./record_spool.js";
import { Troubles } from "./record_troubles.js";
import { claim, showUnfinished } from "./record_unfinished.js";
import { visitor } from "./visitor.js";

const KINDS = { camera: "Camera of this device", screen: "Screen", both: "Screen and camera, a recording each", microphone: "Microphone" };
const NO_PICTURE = { microphone: "Sound alone is recorded: there is no picture." };
const SHOW_MS = 250, ASK_MS = 3000;
const place = (id) => document.getElementById(id);
const chosen = () => { const [where, kind] = place("camera").value.split(":"); return where === "browser" ? kind : null; };

let source = null, endMeter = null;
let spooled = Promise.resolve(null);

// Offer the sources of this browser, and what was interrupted in it.
export async function prepare() {
  const wrong = obstacle();
  if (wrong) {
    if (!place("camera").options.length) problem(wrong);
    return;
  }
  spooled = Spool.open();
  const group = document.createElement("optgroup");
  group.label = "This browser";
  const kinds = Object.entries(KINDS).filter(([kind]) => navigator.mediaDevices.getDisplayMedia || !["screen", "both"].includes(kind));
  group.append(...kinds.map(([kind, name]) => new Option(name, `browser:${kind}`)));
  place("camera").append(group);
  if (place("camera").dataset.chosen === undefined) place("camera").value = "browser:camera";
  place("camera").addEventListener("change", () => (letGo(), arrange()));
  place("show").addEventListener("click", () => preview().catch((error) => problem(error.message)));
  place("mirrored").addEventListener("change", arrange);
  for (const id of ["own-camera", "own-microphone", "height", "fps", "system"]) place(id).addEventListener("change", () => source && preview().catch((error) => problem(error.message)));
  navigator.mediaDevices.addEventListener("devicechange", list);
  place("begin").addEventListener("submit", submitted);
  await list();
  arrange();
  await showUnfinished(await spooled);
}

async function list() {
  const [cameras, microphones] = await Promise.all([devices("videoinput"), devices("audioinput")]);
  fill(place("own-camera"), cameras);
  fill(place("own-microphone"), microphones, new Option("None", "none"));
}

function fill(select, found, ...more) {
  const before = select.value;
  select.replaceChildren(...(found.length ? found.map(({ id, name }) => new Option(name, id)) : [new Option("The usual one", "")]), ...more);
  if ([...select.options].some((option) => option.value === before)) select.value = before;
}

function arrange() {
  const kind = chosen();
  place("in-browser").hidden = kind === null;
  if (kind) place("in-browser").querySelectorAll("[data-for]").forEach((one) => (one.hidden = !one.dataset.for.split(" ").includes(kind)));
  const live = place("live");
  if (live) live.hidden = kind !== null;
  if (live && kind) live.removeAttribute("src"); // nobody looks at it: it need not be sent
  place("preview").hidden = !source;
  place("no-picture").hidden = Boolean(source || (live && kind === null));
  place("no-picture").textContent = NO_PICTURE[kind] ?? (kind ? "Press “Show the preview” to see what would be recorded." : "Choose what is recorded to see its picture.");
  place("preview").classList.toggle("mirrored", kind === "camera" && place("mirrored").checked);
}

function problem(words) {
  place("device-problem").hidden = !words;
  place("device-problem").textContent = words;
}

function letGo() {
  endMeter?.();
  source?.close();
  source = endMeter = null;
  place("preview").srcObject = null;
  place("loudness").hidden = true;
}

// Open what is chosen and show it, without its sound.
async function preview() {
  problem("");
  letGo();
  const microphone = place("own-microphone").value;
  source = await open({
    kind: chosen(),
    camera: place("own-camera").value,
    microphone: microphone === "none" ? null : microphone,
    height: Number(place("height").value),
    fps: Number(place("fps").value),
    system: place("system").checked,
  });
  await list();
  const { stream } = source.films[0];
  if (stream.getVideoTracks().length) place("preview").srcObject = stream;
  endMeter = measure(stream, place("meter"), (silent) => (place("silent").hidden = !silent));
  place("loudness").hidden = !endMeter;
  arrange();
}

async function submitted(event) {
  if (!chosen()) return; // a server's camera: the form is sent
  event.preventDefault();
  const start = event.submitter;
  start.disabled = true;
  try {
    if (!source) await preview();
    await record();
  } catch (error) {
    problem(error.message);
  }
  start.disabled = false;
}

const minutes = (name) => Math.round(Number(place("begin").elements[name].value.trim().replace(",", ".")) * 60);

async function record() {
  const name = place("begin").elements.name.value.trim(), total = minutes("total"), perFile = minutes("chunk");
  const troubles = new Troubles(place("own-problem"));
  const wanted = { user_name: name, total_duration_seconds: total, chunk_duration_seconds: perFile };
  const films = [], spool = await spooled;
  if (!spool) troubles.unkept("it keeps nothing here, as in a private window");
  try {
    for (const one of source.films) films.push(await begun(one, wanted, { films, spool, troubles, total }));
  } catch (error) { // nothing is recorded unseen
    films.forEach((film) => (film.abandon(), stopSession(film.user, film.session)));
    throw error;
  }
  await goOn(films, { name: films[0].user, total, perFile, troubles, spool });
}

// Begin a session and the film of it; beside the first, if there is one. No session is left behind when the film fails.
async function begun({ what, stream }, wanted, { films, spool, troubles, total }) {
  const session = await beginSession(films.length ? { ...wanted, beside: films[0].session } : wanted);
  const film = new Film(stream, spool, {
    onSlice: () => film.elapsedMs >= total * 1000 && end(films),
    onEnded: () => end(films),
    onSent: () => (film.isSent = true),
    onWait: (wait) => troubles.wait(wait),
    onGoing: () => troubles.going(),
    onUnkept: () => troubles.unkept(),
    onFailed: (error) => ((film.isRefused = true), troubles.refused(error.message, spool !== null)),
    onBroken: (error) => troubles.broken(error.message),
    onEmpty: () => ((film.isEmpty = true), troubles.note("Nothing was recorded.")),
  });
  Object.assign(film, { session: session.session_id, user: session.user_name });
  claim(film.session);
  const startedMs = Date.now(), kind = stream.getVideoTracks().length ? "video" : "sound";
  const name = `${what}-${kind}-${new Date(startedMs).toISOString().slice(0, 19).replace(/[-:]/g, "")}`;
  try {
    await film.start({ session: film.session, user: film.user, owner: visitor, startedMs, name, answeredAt: session.answeredAt });
  } catch (error) {
    stopSession(film.user, film.session);
    throw error;
  }
  stream.getVideoTracks().forEach((track) => track.addEventListener("ended", () => end(films)));
  return film;
}

function end(films) {
  films.forEach((film) => film.stop());
}

// Show a recording until all of it is on the server.
async function goOn(films, { name, total, perFile, troubles, spool }) {
  const main = films[0];
  place("begin").hidden = true;
  place("what").hidden = true;
  place("own").hidden = false;
  place("own-name").textContent = name;
  beginBars(total, perFile);
  place("own-title").focus();
  place("pause").onclick = () => films.forEach((film) => (film.isPaused ? film.resume() : film.pause()));
  place("stop").onclick = () => end(films);
  place("retry").onclick = () => {
    const refused = films.filter((film) => film.isRefused);
    troubles.refused("");
    refused.forEach((film) => ((film.isRefused = false), film.retry()));
  };
  place("save").onclick = () => films.filter((film) => !film.isSent).forEach((film) => saveKept(spool, film.session));
  const guard = (event) => event.preventDefault();
  addEventListener("beforeunload", guard);
  const wake = keepAwake(() => main.isGoing);
  const asking = setInterval(() => films.forEach((film) => askWhetherStopped(film, films, troubles)), ASK_MS);
  let isStopped = false;
  const look = () => {
    const elapsed = main.elapsedMs / 1000, unsent = films.reduce((sum, film) => sum + film.unsent, 0);
    if (elapsed >= total) end(films);
    const isGoing = films.some((film) => film.isGoing);
    if (!isGoing && !isStopped) {
      isStopped = true;
      letGo();
      arrange();
      wake();
      clearInterval(asking);
      films.forEach((film) => stopSession(film.user, film.session));
    }
    const isOver = films.every((film) => film.isSent || film.isEmpty), isSent = isOver && films.some((film) => film.isSent);
    const isRefused = films.some((film) => film.isRefused);
    showBars({ elapsed, arrived: main.arrivedMs / 1000, total, perFile, isGoing, isPaused: main.isPaused, isSent, bytes: films.reduce((sum, film) => sum + film.bytes, 0), unsent });
    troubles.behind(unsent, elapsed - main.arrivedMs / 1000);
    place("own-state").textContent = isGoing ? (main.isPaused ? "Paused" : "Recording") : isSent ? "Recorded" : isOver ? "Failed" : isRefused ? "Not sent" : "Uploading";
    place("own-state").parentElement.className = `rec${isOver ? " done" : main.isPaused || !isGoing ? " paused" : ""}`;
    place("pause").textContent = main.isPaused ? "Go on" : "Pause";
    place("stop").hidden = !isGoing;
    place("pause").hidden = !isGoing || !(main.isPaused || main.mayPause);
    place("retry").hidden = !isRefused;
    place("save").hidden = !isRefused || !spool;
    if (isRefused && !isGoing && spool) { // it can be left: it is kept, and offered again
      removeEventListener("beforeunload", guard);
      place("again").hidden = false;
    }
    return isOver;
  };
  await new Promise((done) => {
    const timer = setInterval(() => look() && (clearInterval(timer), done()), SHOW_MS);
  });
  removeEventListener("beforeunload", guard);
  place("again").hidden = false;
  if (films.some((film) => film.isSent)) await follow(`/record?${new URLSearchParams({ name })}`, 1);
}

// Whoever stops a session on another page, or by a program, stops what this page records, too.
async function askWhetherStopped(film, films, troubles) {
  if (!film.isGoing || !(await wasStopped(film.user, film.session)) || !film.isGoing) return;
  troubles.note("It was stopped from elsewhere.");
  end(films);
}

async function saveKept(spool, session) {
  const recording = await spool.get(session);
  if (recording) save(recording, await spool.slices(session));
}

// Keep the screen on while something is recorded, again whenever the page is looked at anew; return what ends it.
function keepAwake(isGoing) {
  let lock = null;
  const hold = async () => {
    if (document.visibilityState === "visible" && isGoing()) lock = await navigator.wakeLock?.request("screen").catch(() => null);
  };
  document.addEventListener("visibilitychange", hold);
  hold();
  return () => (document.removeEventListener("visibilitychange", hold), lock?.release());
}
