// Recordings that were interrupted, by a crash or a closed tab: what of them is only in this browser is sent, saved, or let go.

import { megabytes } from "./record_bars.js";
import { stopSession } from "./record_sessions.js";
import { RecordingUpload } from "./record_upload.js";

const LOCK = "gatehouse-recording-";
const place = (id) => document.getElementById(id);

// While a page records, others leave its recording alone.
export function claim(session) {
  navigator.locks?.request(LOCK + session, () => new Promise(() => {}));
}

export async function showUnfinished(spool) {
  const held = new Set(((await navigator.locks?.query())?.held ?? []).map((lock) => lock.name));
  const found = ((await spool?.list().catch(() => [])) ?? []).filter((one) => !held.has(LOCK + one.session));
  place("unfinished-list").replaceChildren(...(await Promise.all(found.map((one) => rowOf(spool, one)))));
  place("unfinished").hidden = !found.length;
}

async function rowOf(spool, recording) {
  const slices = contiguous(await spool.slices(recording.session));
  const row = document.createElement("li"), told = document.createElement("span"), state = document.createElement("span");
  told.className = "grow";
  state.className = "quiet";
  state.setAttribute("role", "status");
  const began = new Date(recording.startedMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const size = slices.reduce((sum, slice) => sum + slice.blob.size, 0);
  told.append(`Recording of ${began} was interrupted: ${megabytes(size)} of it are only in this browser. `, state);
  const buttons = [
    button("Resume upload", () => resume(spool, recording, slices, state, row)),
    ...(slices[0]?.from === 0 ? [button("Save file", () => save(recording, slices))] : []),
    button("Discard", () => discard(spool, recording, row)),
  ];
  row.append(told, ...buttons);
  return row;
}

// A slice that is missing ends what can be sent: bytes in another order are no film.
function contiguous(slices) {
  const broken = slices.findIndex((slice, at) => at > 0 && slice.from !== slices[at - 1].end);
  return broken < 0 ? slices : slices.slice(0, broken);
}

async function resume(spool, recording, slices, state, row) {
  claim(recording.session);
  row.querySelectorAll("button").forEach((one) => (one.disabled = true));
  const upload = new RecordingUpload(spool, recording, {
    onProgress: ({ sent, size }) => (state.textContent = `${megabytes(sent)} of ${megabytes(size)} are on the server.`),
    onWait: ({ reason }) => (state.textContent = reason === "login" ? "You have been logged out: log in, it waits." : "The server does not answer: it waits."),
  }, slices[0]?.from ?? recording.bytes);
  slices.forEach((slice) => upload.addKept(slice.blob));
  await upload.end();
  try {
    await upload.run();
    state.textContent = "All of it is on the server: its files come into the library.";
    row.querySelectorAll("button").forEach((one) => one.remove());
    if (recording.user) stopSession(recording.user);
  } catch (error) {
    state.textContent = `The server does not take it: ${error.message}`;
    row.querySelectorAll("button").forEach((one) => (one.disabled = one.textContent === "Resume upload"));
  }
}

function save(recording, slices) {
  const film = new Blob(slices.map((slice) => slice.blob), { type: recording.type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(film);
  link.download = recording.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function discard(spool, recording, row) {
  if (!confirm("What is only in this browser will be gone, and what the server has of it, too.")) return;
  if (recording.url) await fetch(recording.url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {});
  await spool.forget(recording.session);
  row.remove();
  if (!place("unfinished-list").children.length) place("unfinished").hidden = true;
  if (recording.user) stopSession(recording.user);
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}
