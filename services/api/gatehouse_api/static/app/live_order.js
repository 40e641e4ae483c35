// The order of the live page's tiles: by dragging, by buttons, by arrow keys; the server keeps it, for all one's devices.

import { problemOf } from "./api.js";

const EDGE = 60, STEP = 14;   // pixels: so near to the edge of the window it is scrolled by so much

export class LiveOrder {
  constructor($, grid) {
    Object.assign(this, { $, grid, active: false, dragged: null, next: null, saving: null });
    this.ids = this.shown();
    $("arrange").addEventListener("click", () => this.toggle());
    $("by-name").addEventListener("click", () => this.reset());
    grid.addEventListener("pointerdown", (event) => this.take(event));
    grid.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) grid.addEventListener(name, () => this.drop());
    grid.addEventListener("dragstart", (event) => event.preventDefault());
    grid.addEventListener("keydown", (event) => this.key(event));
    grid.addEventListener("click", (event) => this.click(event));
    document.addEventListener("keydown", ({ key }) => { if (key === "Escape" && this.active) { this.toggle(); $("arrange").focus(); } });
  }

  shown() { return [...this.grid.children].map((tile) => tile.dataset.camera); }

  // Cameras as they were put; those that came since are at the end.
  sort(cameras) {
    const places = new Map(this.ids.map((id, place) => [id, place]));
    const placeOf = (camera) => places.get(camera.id) ?? places.size;
    this.$("arrange").hidden = cameras.length < 2;
    return [...cameras].sort((a, b) => placeOf(a) - placeOf(b));
  }

  // What is new on the page may be moved too.
  mark() {
    for (const tile of this.grid.children) {
      tile.querySelector(".view").tabIndex = this.active ? -1 : 0;
      const moves = tile.querySelector(".moves");
      moves.hidden = !this.active;
      for (const button of moves.children) {
        const label = `Move ${tile.querySelector(".name").textContent} ${button.dataset.by < 0 ? "forward" : "back"}`;
        if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
      }
    }
  }

  toggle() {
    this.active = !this.active;
    this.drop();
    this.grid.classList.toggle("arranging", this.active);
    this.$("arrange").setAttribute("aria-pressed", this.active);
    this.$("arrange").textContent = this.active ? "Done" : "Arrange";
    this.$("arranging").hidden = !this.active;
    this.mark();
    dispatchEvent(new Event("resize"));
  }

  take(event) {
    const tile = event.target.closest(".tile");
    if (!this.active || !tile || event.button || event.target.closest("button")) return;
    event.preventDefault();
    this.grid.setPointerCapture(event.pointerId);
    this.dragged = tile;
    this.before = this.ids.join();
    tile.classList.add("dragged");
  }

  drag({ clientX, clientY }) {
    if (!this.dragged) return;
    const over = document.elementFromPoint(clientX, clientY)?.closest(".tile");
    if (over && over !== this.dragged && over.parentElement === this.grid) this.put(this.dragged, [...this.grid.children].indexOf(over));
    if (clientY < EDGE) scrollBy(0, -STEP);
    else if (clientY > innerHeight - EDGE) scrollBy(0, STEP);
  }

  drop() {
    if (!this.dragged) return;
    this.dragged.classList.remove("dragged");
    const tile = this.dragged;
    this.dragged = null;
    if (this.ids.join() !== this.before) this.moved(tile);
  }

  click(event) {
    if (!this.active) return;
    event.preventDefault();
    const button = event.target.closest("button[data-by]");
    if (button) this.move(button.closest(".tile"), Number(button.dataset.by));
  }

  key(event) {
    const tile = event.target.closest(".tile");
    if (!this.active || !tile || event.ctrlKey || event.metaKey || event.altKey) return;
    const columns = getComputedStyle(this.grid).gridTemplateColumns.split(" ").length, all = this.grid.children.length;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -all, End: all }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.move(tile, by);
  }

  move(tile, by) {
    const from = [...this.grid.children].indexOf(tile), last = this.grid.children.length - 1;
    const to = Math.max(0, Math.min(last, from + by));
    if (to !== from) this.put(tile, to);
    this.moved(tile, to !== from);
  }

  // What has the focus keeps it, though its tile is somewhere else.
  put(tile, place) {
    const { children } = this.grid, had = document.activeElement;
    const from = [...children].indexOf(tile);
    this.grid.insertBefore(tile, children[place > from ? place + 1 : place] ?? null);
    if (tile.contains(had)) had.focus();
    this.ids = this.shown();
  }

  moved(tile, save = true) {
    this.say(`${tile.querySelector(".name").textContent} is ${this.ids.indexOf(tile.dataset.camera) + 1} of ${this.ids.length}.`);
    if (save) this.save(this.ids);
  }

  async reset() {
    const kept = await this.save([]);
    if (!kept) return;
    this.ids = kept;
    for (const id of kept) this.grid.append(...[...this.grid.children].filter((tile) => tile.dataset.camera === id));
    this.say("The cameras are in the order of their names in addresses.");
  }

  // One after another: of those that wait meanwhile the last is what counts. Also as the page is left.
  save(cameras) {
    this.next = cameras;
    this.saving ??= this.keep().finally(() => { this.saving = null; });
    return this.saving;
  }

  async keep() {
    let kept = null;
    while (this.next) {
      const body = JSON.stringify({ cameras: this.next });
      this.next = null;
      try {
        const answer = await fetch("/api/v1/live/order", { method: "PUT", headers: { "Content-Type": "application/json" }, body, keepalive: true });
        if (!answer.ok) throw await problemOf(answer);
        kept = (await answer.json()).cameras;
      } catch (error) {
        this.say(`The order was not kept: ${error.message}`, true);
      }
    }
    return kept;
  }

  say(text, wrong = false) {
    this.$("moved").textContent = text;
    this.$("moved").classList.toggle("problem", wrong);
  }
}
