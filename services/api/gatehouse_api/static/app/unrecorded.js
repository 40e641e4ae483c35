// What keeps cameras from being recorded, in sentences for the banner of every page.

import { getJson } from "./api.js";

export async function storageTroubles() {
  const { checks } = await getJson("/api/v1/health");
  return checks.filter((c) => c.name === "storage" && !c.ok).map((c) => `Storage: ${c.detail}`);
}

export function unrecorded(cameras, zone) {
  const broken = cameras.filter((c) => c.enabled && ["reconnecting", "failed"].includes(c.state));
  return broken.map((c) => `${c.name} is not recorded since ${zone.time(Date.parse(c.since))}: ${c.detail || c.cause}`);
}
