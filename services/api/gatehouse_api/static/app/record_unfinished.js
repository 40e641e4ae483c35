// Recordings that were interrupted, by a crash or a closed tab: what of them is only in this browser is sent, saved, or let go.

import { button, element } from "./elements.js";
import { megabytes } from "./record_bars.js";
import { partsOf, save, sizeOf } from "./record_kept.js";
import { stopSession } from "./record_sessions.js";
import { RecordingUpload } from "./record_upload.js";
import { letGo } from "./tus_client.js";
import { visitor } from "./visitor.js";

const LOCK = "gatehouse-recording-";
let sending = 0;
const place = (id) => document.getElementById(id);

// While a page records, others leave its recording alone.
export function claim(session) {
  navigator.locks?.request(LOCK + session, () => new Promise(() => {}));
}

// Whether this page sends what was interrupted: whoever leaves it would interrupt that again.
export const isSending = () => sending > 0;

// One's own: who else uses this browser neither sees nor ends them.
export async function showUnfinished(spool) {
  const held = new Set(((await navigator.locks?.query())?.held ?? []).map((lock) => lock.name));
  const found = ((await spool?.list().catch(() => [])) ?? []).filter((one) => !held.has(LOCK + one.session) && (one.owner ?? visitor) === visitor);
  place("unfinished-list").replaceChildren(...(await Promise.all(found.map((one) => rowOf(spool, one)))));
  place("unfinished").hidden = !found.length;
}

async function rowOf(spool, recording) {
  const slices = await spool.slices(recording.session), { toSend } = partsOf(recording, slices);
  const row = element("li"), told = element("span", { className: "grow" }), state = element("span", { className: "quiet", role: "status" });
  const began = new Date(recording.startedMs).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  told.append(recording.isSent
    ? `Of the recording of ${began} a part could not be kept; what came after it, ${megabytes(sizeOf(slices))} with its beginning, is only in this browser. `
    : `Recording of ${began} was interrupted: ${megabytes(sizeOf(toSend))} of it are only in this browser. `, state);
  const buttons = [
    ...(recording.isSent ? [] : [button("Resume upload", () => resume(spool, recording.session, state, row))]),
    ...(slices[0]?.from === 0 ? [button("Save file", () => spool.slices(recording.session).then((kept) => save(recording, kept)))] : []),
    button("Discard", () => discard(spool, recording, state, row)),
  ];
  row.append(told, ...buttons);
  return row;
}

async function resume(spool, session, state, row) {
  claim(session);
  const buttons = [...row.querySelectorAll("button")];
  buttons.forEach((one) => (one.disabled = true));
  const guard = (event) => event.preventDefault();
  addEventListener("beforeunload", guard);
  sending += 1;
  try {
    if (await sent(spool, session, state)) buttons.forEach((one) => one.remove());
    else buttons.forEach((one) => (one.disabled = one.textContent === "Resume upload"));
  } catch (error) {
    state.textContent = `The server does not take it: ${error.message}`;
    buttons.forEach((one) => (one.disabled = false));
  }
  sending -= 1;
  removeEventListener("beforeunload", guard);
}

// Send what is kept of a recording; return whether that is all of it.
async function sent(spool, session, state) {
  const recording = await spool.get(session);
  const { toSend, from, hasGap } = partsOf(recording, await spool.slices(session));
  const interrupted = Boolean(recording.interrupted) || !recording.isWhole || hasGap;
  const upload = new RecordingUpload(spool, recording, {
    onProgress: ({ sent: bytes, size }) => (state.textContent = `${megabytes(bytes)} of ${megabytes(size)} are on the server.`),
    onWait: ({ reason, message }) => (state.textContent = waitWords(reason, message)),
  }, from);
  await upload.note({ interrupted });
  toSend.forEach((slice) => upload.addKept(slice.blob));
  await upload.end();
  await upload.run({ keep: hasGap });
  state.textContent = hasGap
    ? "A part of it could not be kept: what came before that is on the server. The rest can be saved as a file here."
    : "All of it is on the server: its files come into the library.";
  if (recording.user) stopSession(recording.user, session);
  return !hasGap;
}

function waitWords(reason, message) {
  if (reason === "login") return "You have been logged out: log in, it waits.";
  return reason === "full" ? `The server has no room, it waits: ${message}` : "The server does not answer: it waits.";
}

async function discard(spool, recording, state, row) {
  if (!confirm("What is only in this browser will be gone, and what the server has of it, too.")) return;
  const problem = recording.url && !recording.isSent ? await removed(recording.url) : "";
  if (problem) return (state.textContent = problem);
  await spool.forget(recording.session);
  row.remove();
  if (!place("unfinished-list").children.length) place("unfinished").hidden = true;
  if (recording.user) stopSession(recording.user, recording.session);
}

// Let the server let go of an upload; return what hinders it. One that it does not have any more is gone; of one that has
// ended there are files, which are deleted in the library.
async function removed(url) {
  const answer = await letGo(url);
  if (answer && (answer.ok || [404, 409, 410].includes(answer.status))) return "";
  if (!answer) return "It was not discarded: the server does not answer.";
  return answer.status === 401 ? "It was not discarded: log in first." : `It was not discarded: the server answered ${answer.status}.`;
}
