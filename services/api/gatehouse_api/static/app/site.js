// How the site is: its cameras and its health, asked for once for everything on a page that shows them.

import { getJson } from "./api.js";

const AGAIN_MS = 3000;
const listeners = new Set();

export const site = {
  cameras: [],
  checks: [],
  error: "",
  ahead: 0,     // the server's clock minus this browser's, in milliseconds
  known: false,
};

export const serverNow = () => Date.now() + site.ahead;

// Call now, if anything is known, and whenever it has been asked again.
export function onSite(listener) {
  listeners.add(listener);
  if (site.known) listener(site);
}

// Ask now, and wait for what is answered.
export async function refresh() {
  try {
    const asked = Date.now();
    const health = await getJson("/api/v1/health");
    const answered = Date.now();
    site.ahead = Date.parse(health.now) - (asked + answered) / 2;
    site.checks = health.checks;
    site.cameras = await camerasOf();
    site.error = "";
  } catch (error) {
    // A TypeError is the browser's: it has no answer at all, and says so in words of its own.
    site.error = error instanceof TypeError ? "The server does not answer." : `The server does not answer as it should: ${error.message}`;
  }
  site.known = true;
  for (const listener of listeners) listener(site);
}

// To whoever may not know of cameras there are none: that is no fault to be announced, and not asked for again.
let mayKnow = true;
async function camerasOf() {
  if (!mayKnow) return [];
  try {
    return (await getJson("/api/v1/cameras")).items;
  } catch (error) {
    if (error.status !== 403) throw error;
    mayKnow = false;
    return [];
  }
}

let wake = () => {};
document.addEventListener("visibilitychange", () => wake());

export async function keepLooking() {
  for (;;) {
    await refresh();
    await new Promise((done) => {
      wake = done;
      // A hidden page asks less often: nobody sees its banner, and it is asked at once when somebody does again.
      setTimeout(done, document.hidden ? AGAIN_MS * 10 : AGAIN_MS);
    });
  }
}
