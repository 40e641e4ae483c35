// The page Record: the picture of the camera that is chosen, and how far a recording is. Without it the page works too.

import { getJson } from "./api.js";
import { clock } from "./record_bars.js";
import { prepare } from "./record_page.js";
import { Spool } from "./record_spool.js";
import { isSending, showUnfinished } from "./record_unfinished.js";
import { follow as followFiles, renew } from "./record_files.js";

const camera = document.getElementById("camera");
camera?.addEventListener("change", () => {
  const live = document.getElementById("live");
  const name = camera.selectedOptions[0].textContent;
  if (live && !camera.value.startsWith("browser:")) {
    live.src = `/live/${encodeURIComponent(camera.value)}.mjpg`;
    live.alt = `Live picture of ${name}`;
  }
});

const going = document.getElementById("going");
if (going) follow(going);
if (document.querySelector("#files [data-state=saving]")) followFiles();
if (document.getElementById("in-browser")) prepare();
else Spool.open().then(showUnfinished);

function follow(place) {
  const name = place.dataset.name;
  const perFile = Number(place.dataset.chunkSeconds);
  const look = async () => {
    let status;
    try {
      status = await getJson(`/api/recording-status/${encodeURIComponent(name)}`);
    } catch {
      return; // the banner says that the server does not answer
    }
    if (!status.is_recording && !isSending()) return location.reload();
    if (!status.is_recording) return;
    if (status.total_chunks_so_far !== Number(place.dataset.files)) {
      place.dataset.files = status.total_chunks_so_far;
      renew();
    }
    show(place, status.elapsed_seconds, perFile, status.total_chunks_so_far);
  };
  setInterval(look, 1000);
}

function show(place, elapsed, perFile, saved) {
  const bars = [...place.querySelectorAll(".chunks li")];
  const position = Math.min(Math.floor(elapsed / perFile) + 1, bars.length);
  document.getElementById("elapsed").textContent = clock(elapsed);
  document.getElementById("position").textContent = `chunk ${position} of ${bars.length}`;
  bars.forEach((bar, at) => {
    if (bar.dataset.state === "failed") return;
    const [state, word] = at < saved ? ["stored", "saved"] : at + 1 < position ? ["saving", "being saved"]
      : at + 1 === position ? ["recording", "recording"] : ["waiting", "waits"];
    bar.dataset.state = state;
    bar.querySelector("progress").value = state === "recording" ? Math.min(100, (100 * (elapsed - at * perFile)) / perFile) : state === "waiting" ? 0 : 100;
    bar.querySelector(".word").textContent = word;
  });
}
