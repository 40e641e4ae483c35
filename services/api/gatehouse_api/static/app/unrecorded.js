// What keeps cameras from being recorded, in sentences for the banner of every page.

// What is wrong besides cameras, each of which says so itself.
export function troublesOf(checks) {
  const wrong = checks.filter((c) => !c.ok && !c.name.startsWith("camera "));
  return wrong.map((c) => `${c.name[0].toUpperCase()}${c.name.slice(1)}: ${c.detail || "not well"}`);
}

export function unrecorded(cameras, zone) {
  const broken = cameras.filter((c) => c.enabled && ["reconnecting", "failed"].includes(c.state));
  return broken.map((c) => `${c.name} is not recorded since ${zone.time(Date.parse(c.since))}: ${c.detail || c.cause}`);
}
