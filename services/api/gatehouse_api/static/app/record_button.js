// The button "Record this session": records what this page shows of a camera, until it is left or stopped.
// It stands in #record-slot, whose data-viewing is the UUID that the page gave its stream (?viewing=).
// Pages that change cameras call `mountRecordButton(slot, viewing)` again, with the UUID of the new stream.

import { getJson, problemOf } from "./api.js";
import { element } from "./elements.js";

const LOOK_MS = 2000;
const two = (n) => String(n).padStart(2, "0");

export function mountRecordButton(slot, viewing) {
  slot.recordButton?.stop();
  const button = element("button", { type: "button", textContent: "Record this session", disabled: true });
  const running = element("span", { className: "rec", hidden: true });
  const clock = element("span");
  const problem = element("span", { className: "problem", role: "alert" });
  running.append(element("span", { className: "dot" }), " Recording ", clock);
  const row = element("div", { className: "row record-button" });
  row.append(running, button, problem);
  slot.replaceChildren(row);

  let since = null, asked = false;
  const path = `/api/v1/viewings/${encodeURIComponent(viewing)}`;
  const tick = () => {
    const seconds = Math.max(0, Math.floor((Date.now() - since) / 1000));
    clock.textContent = `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  };
  const show = (found) => {
    since = found.recording ? Date.parse(found.recording_since) : null;
    running.hidden = since === null;
    button.textContent = since === null ? "Record this session" : "Stop recording";
    button.disabled = found.end !== null;
    if (since !== null) tick();
  };
  const look = async () => {
    if (asked) return;
    try {
      show(await getJson(path));
    } catch {
      button.disabled = true; // its stream has not begun yet, or the server does not answer
    }
  };
  button.addEventListener("click", async () => {
    asked = button.disabled = true;
    problem.textContent = "";
    try {
      const answer = await fetch(`${path}/record`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ on: since === null }),
      });
      if (!answer.ok) throw await problemOf(answer);
      show(await answer.json());
    } catch (error) {
      problem.textContent = error.message;
      button.disabled = false;
    }
    asked = false;
  });
  const looking = setInterval(look, LOOK_MS);
  const ticking = setInterval(() => since !== null && tick(), 1000);
  slot.recordButton = { stop: () => [looking, ticking].forEach(clearInterval) };
  setTimeout(look, 800);  // the server has written down by then that somebody watches
  return slot.recordButton;
}

const slot = document.getElementById("record-slot");
if (slot?.dataset.viewing) mountRecordButton(slot, slot.dataset.viewing);
