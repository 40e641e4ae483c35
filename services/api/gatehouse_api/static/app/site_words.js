// What is wrong with the site and its cameras, in sentences: for the banner of every page, and for notices.

import { reasonOf } from "./camera_state.js";

// What is looked after besides cameras, each of which says so itself.
export const ofSite = (checks) => checks.filter((one) => !one.name.startsWith("camera "));

export const checkName = ({ name }) => name[0].toUpperCase() + name.slice(1);

export const troubleText = (check) => `${checkName(check)}: ${check.detail || "not well"}`;

export function unrecorded(cameras, zone) {
  const broken = cameras.filter((c) => c.enabled && ["reconnecting", "failed"].includes(c.state));
  return broken.map((c) => `${c.name} is not recorded since ${zone.time(Date.parse(c.since))}: ${reasonOf(c)}`);
}
