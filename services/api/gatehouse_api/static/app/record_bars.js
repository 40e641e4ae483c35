// How far a recording in this browser is: its clock, a bar for each of its files, and how far the upload is behind.

const WORDS = { waiting: "waits", recording: "recording", paused: "paused", uploading: "uploading", stored: "saved" };
const two = (n) => String(n).padStart(2, "0");
const place = (id) => document.getElementById(id);

export const clock = (seconds) => `${two(Math.floor(seconds / 60))}:${two(Math.floor(seconds) % 60)}`;
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

// Make the bars of a recording: all lengths in seconds.
export function begin(total, perFile) {
  place("own-total").textContent = clock(total);
  const bars = Array.from({ length: Math.ceil(total / perFile) }, (_, at) => {
    const bar = document.createElement("li");
    bar.innerHTML = `<span class="quiet">${at + 1}</span> <progress max="100" value="0" aria-label="File ${at + 1}"></progress> <span class="word"></span>`;
    return bar;
  });
  place("own-chunks").replaceChildren(...bars);
}

// state: { elapsed, arrived, total, perFile (seconds), isGoing, isPaused, isSent, bytes, unsent }
export function show(state) {
  const bars = [...place("own-chunks").children];
  const position = Math.min(Math.floor(state.elapsed / state.perFile) + 1, bars.length);
  place("own-elapsed").textContent = clock(Math.min(state.elapsed, state.total));
  place("own-position").textContent = `chunk ${position} of ${bars.length}`;
  bars.forEach((bar, at) => {
    const found = stateOf(at, position, state);
    if (bar.dataset.state !== found) {
      bar.dataset.state = found;
      bar.querySelector(".word").textContent = WORDS[found];
    }
    const share = (100 * (state.elapsed - at * state.perFile)) / state.perFile;
    bar.querySelector("progress").value = Math.max(0, Math.min(100, share));
  });
  const behind = Math.max(0, state.elapsed - state.arrived);
  const way = state.isSent ? "all of it is on the server" : `${megabytes(state.bytes - state.unsent)} of it are on the server, ${behind.toFixed(0)} s behind`;
  place("own-way").textContent = `${megabytes(state.bytes)} recorded; ${way}.`;
}

function stateOf(at, position, { elapsed, arrived, perFile, isGoing, isPaused, isSent }) {
  if (at * perFile >= elapsed && at > 0) return "waiting";
  if (at + 1 === position && isGoing) return isPaused ? "paused" : "recording";
  return isSent || arrived >= (at + 1) * perFile ? "stored" : "uploading";
}
