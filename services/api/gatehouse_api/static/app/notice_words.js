// What happened, in a sentence, and where it is seen: {kind, text, link, at}; null: nothing that a person is told of.
// With an id where the message's own is not that of what happened: all that was missed comes by one id.

import { reasonOf } from "./camera_state.js";
import { checkName, troubleText } from "./site_words.js";

export function noticeOf({ name, id, data }, cameraName) {
  const told = JSON.parse(data);
  const at = timeOf(id);
  const where = (camera, when) => `/timeline?${new URLSearchParams({ camera, at: when })}`;
  const filmed = told.camera ? cameraName(told.camera) : "in a browser"; // a recording of no camera is one in a browser
  switch (name) {
    case "camera.offline":
      return { kind: "cameras", grave: true, at, text: `${told.name} is not recorded: ${reasonOf(told)}`, link: where(told.id, told.since ?? "") };
    case "camera.online":
      return { kind: "cameras", at, text: `${told.name} is recorded.`, link: `/timeline?camera=${told.id}` };
    case "camera.disabled":
      return { kind: "cameras", at, text: `${told.name} was switched off.`, link: `/timeline?camera=${told.id}` };
    case "recording.started":
      return { kind: "recordings", at, text: `${told.user_name} records ${filmed}.`, link: "/dashboard" };
    case "recording.stopped":
      return { kind: "recordings", at, text: `The recording ${told.camera ? `of ${filmed}` : filmed} by ${told.user_name} has ended.`, link: "/dashboard" };
    case "recording.failed":
      return { kind: "recordings", grave: true, at, text: `A file ${told.camera ? `of ${filmed}` : `recorded ${filmed}`} by ${told.user_name} could not be made: ${told.detail}`, link: "/dashboard" };
    case "plate.detected":
      return { kind: "plates", at, text: `Plate ${told.text} at ${cameraName(told.camera)}.`, link: `/plates?${new URLSearchParams({ q: told.text })}` };
    case "plate.listed": {
      const close = told.match === "fuzzy" ? `, like ${told.plate}` : "";
      return { id: told.id, kind: "plates", grave: told.kind === "deny", at: Date.parse(told.at), text: `Plate ${told.text} at ${cameraName(told.camera)} is on ${told.name} (${told.kind}${close}).`, link: `/plates?${new URLSearchParams({ q: told.text })}` };
    }
    default:
      return null;
  }
}

// What is wrong with the site, as the health of it tells, and that it is well again.
export function troubleOf(check, at) {
  return check.ok
    ? { kind: "site", at, text: `${checkName(check)}: well again.`, link: "/stats" }
    : { kind: "site", grave: true, at, text: troubleText(check), link: "/stats" };
}

// A UUIDv7 begins with the milliseconds of when it was made.
const timeOf = (id) => parseInt(id.replaceAll("-", "").slice(0, 12), 16);
