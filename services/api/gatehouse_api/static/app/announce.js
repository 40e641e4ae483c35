// The banner of pages that show no camera: that one is not recorded is nobody's business to look for.

import { getJson } from "./api.js";
import { Zone } from "./times.js";
import { otherTroubles, unrecorded } from "./unrecorded.js";

const banner = document.getElementById("banner");
const zone = new Zone(document.body.dataset.zone);

async function look() {
  let text;
  try {
    const [{ items }, troubles] = await Promise.all([getJson("/api/v1/cameras"), otherTroubles()]);
    text = [...troubles, ...unrecorded(items, zone)].join(" · ");
  } catch (error) {
    text = `The server does not answer: ${error.message}`;
  }
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !text;
}

look();
setInterval(look, 3000);
