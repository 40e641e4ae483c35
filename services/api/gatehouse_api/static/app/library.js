// The library: files that are dropped or chosen are sent in pieces, rows follow what is done to them, and a pointer on a
// picture looks through the film. Without it the page works too.

import { element } from "./elements.js";
import { onEvents } from "./event_feed.js";
import { freshPage } from "./fresh_page.js";
import { mountSending } from "./sending.js";

const AGAIN_MS = 10_000;
const UNFINISHED = "#media-rows tbody:is([data-state=queued], [data-state=processing])";

const drop = document.getElementById("drop");
if (drop) {
  const chosen = document.getElementById("chosen");
  const sending = mountSending(document.getElementById("sending"), document.getElementById("sending-told"), renew);
  chosen.multiple = true;
  document.getElementById("drop-hint").hidden = false;
  drop.addEventListener("submit", (event) => {
    event.preventDefault();
    sending.add([...chosen.files]);
    drop.reset();
  });
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    sending.add([...event.dataTransfer.files]);
  });
}

listen();
dress(document);
setInterval(() => document.querySelector(UNFINISHED) && renew(), AGAIN_MS);

function listen() {
  if (!document.getElementById("media")) return;
  onEvents(["jobs"], ({ name, data }) => {
    if (name === "reset") renew();
    if (!name?.startsWith("job.")) return;
    const job = JSON.parse(data);
    const row = document.getElementById(`media-${job.media}`);
    const bar = row?.querySelector("progress");
    if (job.kind === "media-process" && job.state === "running" && bar) bar.value = 100 * job.progress;
    else renew();
    if (row?.dataset.state === "queued" && job.state === "running") renew();
  });
}

// The rows as the server shows them now. Those in which somebody watches or writes are left alone, and where they
// are: what is moved loses the focus, and a film in it stops.
let asked = null;
function renew() {
  asked ??= new Promise((done) => setTimeout(done, 300)).then(() => ((asked = null), renewNow()));
  return asked;
}

async function renewNow() {
  const fresh = await freshPage();
  const list = document.getElementById("media-list"), newList = fresh?.getElementById("media-list");
  if (!newList) return; // another page, such as the one to log in on
  if (!isUsed(list)) {
    list.replaceChildren(...newList.childNodes);
    return dress(list);
  }
  const table = document.getElementById("media-rows"), newer = fresh.getElementById("media-rows");
  if (!newer) return;
  const kept = new Map([...table.tBodies].filter(isUsed).map((body) => [body.id, body]));
  for (const body of [...table.tBodies]) if (!kept.has(body.id)) body.remove();
  let before = null;
  for (const body of [...newer.tBodies]) {
    if (!kept.has(body.id)) table.insertBefore(body, before ? before.nextSibling : (table.tBodies[0] ?? null));
    before = kept.get(body.id) ?? body;
  }
  const counted = table.previousElementSibling, count = newer.previousElementSibling;
  if (counted && count) counted.textContent = count.textContent;
  dress(table);
}

function isUsed(part) {
  return part.contains(document.activeElement) || part.querySelector("details[open]") !== null;
}

// A pointer that moves over a picture goes through the film.
function dress(place) {
  for (const image of place.querySelectorAll("img[data-sprite]")) {
    if (image.dataset.dressed) continue;
    image.dataset.dressed = "1";
    const sheet = JSON.parse(image.dataset.sheet);
    const shown = element("span", { className: "sheet", hidden: true });
    image.after(shown);
    const cell = image.parentElement, wide = Math.round((54 * (sheet.width || 16)) / (sheet.height || 9));
    cell.addEventListener("pointerenter", () => {
      if (!(sheet.columns > 0 && sheet.count > 0)) return;
      shown.style.backgroundImage = `url("${image.dataset.sprite}")`;
      shown.style.width = `${wide}px`;
      shown.style.backgroundSize = `${wide * sheet.columns}px ${54 * sheet.rows}px`;
      image.hidden = !(shown.hidden = false);
    });
    cell.addEventListener("pointermove", (event) => {
      const box = cell.getBoundingClientRect();
      const at = Math.min(sheet.count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * sheet.count)));
      shown.style.backgroundPosition = `${-wide * (at % sheet.columns)}px ${-54 * Math.floor(at / sheet.columns)}px`;
    });
    cell.addEventListener("pointerleave", () => (image.hidden = !(shown.hidden = true)));
  }
}
