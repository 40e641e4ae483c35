// The list of files on the page Record, as the server shows it now.

import { freshPage } from "./fresh_page.js";

const AGAIN_MS = 2000;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Show it anew; one that is being watched is left alone.
export async function renew(address = location.href) {
  const shown = document.getElementById("files");
  if (shown && [...shown.querySelectorAll("video")].some((film) => !film.paused)) return;
  const fresh = (await freshPage(address))?.getElementById("files");
  if (!fresh) return;
  if (shown) shown.replaceWith(fresh);
  else document.getElementById("page").append(fresh);
}

// Show it until no file of it is being saved any more; with `atLeast`, until so many are there.
export async function follow(address = location.href, atLeast = 0) {
  for (;;) {
    const rows = [...document.querySelectorAll("#files li[data-state]")];
    if (rows.length >= atLeast && !rows.some((row) => row.dataset.state === "saving")) return;
    await pause(AGAIN_MS);
    await renew(address);
  }
}
