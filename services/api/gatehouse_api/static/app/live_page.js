// The live page: a tile for each camera, all fed by one connection; tiles that nobody can see are not fed.

import { stateOf, whole } from "./camera_state.js";
import { GridStream } from "./grid_stream.js";
import { LiveOrder } from "./live_order.js";
import { onSite, serverNow } from "./site.js";

const $ = (id) => document.getElementById(id);
const grid = $("grid");
const tiles = new Map();
const order = new LiveOrder($, grid);
const WIDTHS = [160, 240, 320, 480, 640, 960, 1280];
const STALE_MS = 6000;      // a picture that is older is not called live
const SETTLE_MS = 150;      // tiles come in and out of sight in a row while somebody scrolls
const MOST = 64;            // cameras in one answer
const LEAST = 200, CAPTION = 34, GAP = 8, FOOT = 12;   // pixels

class Tile {
  constructor(item) {
    this.item = item;
    this.id = item.dataset.camera;
    this.canvas = item.querySelector("canvas");
    this.inSight = false;
    this.at = NaN;
    this.camera = null;
  }

  // Take a picture. While one is being decoded only the newest of those that come is kept.
  async take(part) {
    this.next = part;
    if (this.busy) return;
    this.busy = true;
    while (this.next) {
      const { jpeg, at } = this.next;
      this.next = null;
      try {
        const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
        this.draw(picture, at);
        picture.close();
      } catch { /* a camera sent what is no picture: the next may be one, and the age of the last says so */ }
    }
    this.busy = false;
  }

  draw(picture, at) {
    const { canvas } = this;
    if (canvas.width !== picture.width) canvas.width = picture.width;
    if (canvas.height !== picture.height) canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    this.at = at;
    this.drawn = Date.now();
    this.item.dataset.drawn = (Number(this.item.dataset.drawn) || 0) + 1;
    this.show();
  }

  show() {
    if (!this.camera) return;
    const now = serverNow();
    const { kind, words, why } = stateOf(this.camera, now);
    const age = now - this.at;
    let said = why;
    if (!said && Number.isNaN(this.at)) said = "waiting for the picture";
    else if (!said && !document.hidden && this.inSight && age > STALE_MS && Date.now() - this.drawn > STALE_MS) said = `no new picture for ${whole(age)}`;
    const label = `Open ${this.camera.name}: ${words}${said ? `, ${said}` : ""}`;
    set(this.item.dataset, "state", kind);
    this.item.classList.toggle("stale", Boolean(said));
    set(this.item.querySelector(".name"), "textContent", this.camera.name);
    set(this.item.querySelector(".words"), "textContent", words);
    const over = this.item.querySelector(".why");
    set(over, "textContent", said);
    set(over, "hidden", !said);
    const link = this.item.querySelector(".view");
    if (link.getAttribute("aria-label") !== label) link.setAttribute("aria-label", label);
  }
}

function set(what, name, value) {
  if (what[name] !== value) what[name] = value;
}

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const tile = tiles.get(entry.target.dataset.camera);
    if (tile) tile.inSight = entry.isIntersecting;
  }
  settle();
}, { rootMargin: "80px" });

const stream = new GridStream({
  onPicture: (part) => tiles.get(part.camera)?.take(part),
  onTrouble: (text) => {
    $("trouble").textContent = text ? `The live pictures are away: ${text.replace(/\.$/, "")}. They are asked for again.` : "";
    $("trouble").hidden = !text;
  },
});

function settle() {
  clearTimeout(settle.timer);
  settle.timer = setTimeout(feed, SETTLE_MS);
}

// Ask for what can be seen, as large as it is shown, and the fewer there are the oftener.
function feed() {
  const seen = document.hidden ? [] : [...tiles.values()].filter((tile) => tile.inSight).slice(0, MOST);
  if (!seen.length) return stream.watch([]);
  const wide = seen[0].canvas.clientWidth * Math.min(2, devicePixelRatio || 1);
  const width = WIDTHS.find((one) => one >= wide * 0.9) ?? WIDTHS.at(-1);
  const fps = seen.length <= 2 ? 10 : seen.length <= 6 ? 8 : 5;
  stream.watch(seen.map((tile) => tile.id), width, fps);
}

// The tiles of cameras that have come, and without those that have gone; the server made those that were there.
function arrange(all) {
  const cameras = order.sort(all);
  const there = new Set(cameras.map((camera) => camera.id));
  for (const [id, tile] of tiles) if (!there.has(id)) { sight.unobserve(tile.item); tile.item.remove(); tiles.delete(id); }
  cameras.forEach((camera, k) => {
    if (!tiles.has(camera.id)) adopt(grid.querySelector(`[data-camera="${camera.id}"]`) ?? make(camera.id));
    const tile = tiles.get(camera.id);
    if (grid.children[k] !== tile.item) grid.insertBefore(tile.item, grid.children[k] ?? null);
    tile.camera = camera;
    tile.show();
  });
  const recorded = cameras.filter((camera) => camera.state === "recording").length;
  set($("count"), "textContent", cameras.length ? `${recorded} of ${cameras.length} recorded` : "");
  set($("none"), "hidden", cameras.length > 0);
  order.mark();
  fit();
}

function make(id) {
  const item = $("tile").content.firstElementChild.cloneNode(true);
  item.dataset.camera = id;
  item.querySelector(".view").href = `/live/${id}`;
  return item;
}

function adopt(item) {
  const tile = new Tile(item);
  tiles.set(tile.id, tile);
  sight.observe(item);
}

// How many columns make all tiles largest in the window; where they would be too small they are as wide as is good to
// look at, and the rest is further down.
function fit() {
  const fixed = { 1: 1, 4: 2, 9: 3 }[grid.dataset.grid];
  const count = tiles.size, whole = grid.clientWidth;
  const room = (document.fullscreenElement ? innerHeight : innerHeight - grid.getBoundingClientRect().top - scrollY) - FOOT;
  const wideOf = (k, rows) => Math.min(whole / k - GAP, (room / rows - CAPTION) * 16 / 9);
  let columns = fixed ?? 0, wide = fixed ? Math.max(wideOf(fixed, fixed), Math.min(LEAST, whole / fixed - GAP)) : 0;
  for (let k = 1; !fixed && k <= count; k++) {
    const found = wideOf(k, Math.ceil(count / k));
    if (found > wide + 1) { wide = found; columns = k; }
  }
  if (!fixed && wide < LEAST) {
    columns = Math.max(1, Math.floor(whole / (whole < 600 ? 160 : 300)));
    wide = whole / columns;
  }
  grid.style.setProperty("--columns", Math.max(1, columns));
  grid.style.setProperty("--wide", `${Math.floor(wide)}px`);
  settle();
}

function choose(event) {
  const link = event.target.closest("a[data-grid]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.grid !== grid.dataset.grid) history.pushState(null, "", link.href);
  recall();
}

function recall() {
  const asked = new URLSearchParams(location.search).get("grid");
  const links = [...document.querySelectorAll("a[data-grid]")];
  const chosen = links.find((link) => link.dataset.grid === asked) ?? links[0];
  for (const link of links) link === chosen ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  grid.dataset.grid = chosen.dataset.grid;
  fit();
}

function fill() {
  if (document.fullscreenElement) document.exitFullscreen();
  else grid.requestFullscreen().catch(() => {});
}

function onKey(event) {
  if (event.target.closest("input, textarea, select, [contenteditable], dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "f") fill();
  else if (!order.active && /^[1-9]$/.test(event.key)) grid.children[event.key - 1]?.querySelector(".view").click();
  else return;
  event.preventDefault();
}

for (const item of [...grid.children]) adopt(item);
fit();
onSite(({ cameras, error }) => { if (!error) arrange(cameras.filter((camera) => camera.may.includes("live"))); });
setInterval(() => { for (const tile of tiles.values()) tile.show(); }, 1000);
document.querySelector(".choices").addEventListener("click", choose);
$("whole").addEventListener("click", fill);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", feed);
addEventListener("popstate", recall);
new ResizeObserver(fit).observe(document.body);
