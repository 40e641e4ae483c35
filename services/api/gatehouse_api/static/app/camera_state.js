// What a camera is doing, in words; colours only say it again.

import { duration } from "./times.js";

const WORDS = { starting: "Starting", reconnecting: "Reconnecting", failed: "Failed", ended: "Ended", disabled: "Switched off" };

// {kind, words, why}: a kind for the dot, words for beside it, and for over the picture why there is none of now.
export function stateOf(camera, now) {
  const since = camera.since ? Date.parse(camera.since) : NaN;
  const words = WORDS[camera.state] ?? camera.state;
  if (camera.state === "recording") {
    return { kind: "recording", words: `REC, ${rate(camera)}`, why: "" };
  }
  if (camera.state === "disabled") return { kind: "off", words, why: "switched off" };
  if (camera.state === "ended") return { kind: "off", words, why: "its film has ended" };
  if (camera.state === "starting") return { kind: "waiting", words, why: "" };
  const away = Number.isNaN(since) ? "" : ` ${whole(now - since)}`;
  return { kind: "failed", words: "Not recorded", why: `offline${away}: ${reasonOf(camera)}` };
}

// Why a camera is not recorded, as it says itself, or by the name of the cause.
export const reasonOf = ({ detail, cause }) => detail || (cause || "no reason is known").replaceAll("_", " ");

// Who may watch a camera live need not be allowed to look at what it recorded.
export const LIVE_ONLY = "Only the live picture of this camera is open to you.";
export const mayLookBack = (camera) => Boolean(camera?.may.includes("playback"));

// How many pictures a second come, and of how many, where that is not about the same.
export function rate(camera) {
  const comes = camera.fps.toFixed(0);
  return camera.advice && camera.asked_fps ? `${comes} of ${camera.asked_fps.toFixed(0)} fps` : `${comes} fps`;
}

// How long, as one says it: "3 min" and not "3 min 12 s".
export function whole(ms) {
  const minutes = Math.floor(ms / 60e3);
  if (minutes < 1) return duration(Math.floor(Math.max(0, ms) / 1000) * 1000).replace(".0", "");
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}
