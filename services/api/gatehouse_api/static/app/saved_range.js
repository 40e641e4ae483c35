// A range to save: marked or typed, how long and how large it is, and what can be done with it.

import { footageUrl, iso, problemOf } from "./api.js";
import { share } from "./share.js";
import { duration } from "./times.js";
import { typedTime } from "./typed_time.js";

const REST_MS = 300;
const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
const length = (ms) => (ms < 60e3 ? `${(ms / 1000).toFixed(1)} s` : duration(ms));

export class SavedRange {
  constructor(part, zone, { camera, now, onMarks }) {
    Object.assign(this, { part, zone, camera, now, onMarks, fields: [part("from"), part("to")] });
    for (const field of this.fields) field.addEventListener("input", () => this.measure());
    for (const id of ["gaps", "cut"]) part(id).addEventListener("change", () => this.measure());
    part("save").addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    part("share")?.addEventListener("click", () => this.give());
    part("hold")?.addEventListener("click", () => this.openHold());
    part("place-hold").addEventListener("click", () => this.hold());
    part("reason").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); this.hold(); } });
    part("clear").addEventListener("click", () => this.clear());
  }

  mark(which, ms) {
    this.fields[which].value = this.zone.exact(ms, 3);
    this.measure();
  }

  clear() {
    for (const field of this.fields) field.value = "";
    this.part("holding").hidden = this.part("held").hidden = this.part("shared").hidden = true;
    this.part("hold")?.setAttribute("aria-expanded", "false");
    this.fail("");
    this.measure();
    this.fields[0].focus();
  }

  // What is typed: milliseconds UTC, null where nothing is, NaN where it is no time. Of an hour that comes twice a
  // range has both.
  typed(which) {
    const text = this.fields[which].value.trim();
    if (!text) return null;
    try {
      return typedTime(text, this.zone, this.now(), { later: which === 1 }).ms;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return NaN;
    }
  }

  measure() {
    const [from, to] = [this.typed(0), this.typed(1)];
    const marks = [from, to].map((t) => (Number.isNaN(t) ? null : t));
    this.part("clear").disabled = !this.fields.some((field) => field.value);
    const told = this.part("length");
    this.onMarks(marks);
    clearTimeout(this.timer);
    this.abort?.abort();
    const whole = marks[0] !== null && marks[1] !== null && to > from;
    told.textContent = whole ? length(to - from) : "";
    if (whole) {
      this.fail("");
      this.timer = setTimeout(() => this.estimate(from, to), REST_MS);
    }
  }

  // The server says how long the file would be before it is made.
  async estimate(from, to) {
    const abort = this.abort = new AbortController();
    const url = footageUrl(this.camera(), from, to, { ...this.options(), download: "false" });
    try {
      const head = await fetch(url, { method: "HEAD", signal: abort.signal });
      const bytes = Number(head.headers.get("Content-Length"));
      if (abort.signal.aborted) return;
      if (head.ok && bytes) this.part("length").textContent = `${length(to - from)}, about ${size(bytes)}`;
      else if (head.status === 404) this.part("length").textContent = `${length(to - from)}, nothing recorded`;
    } catch (error) {
      if (error.name !== "AbortError") this.fail("The server does not answer.");
    }
  }

  options() { return { gaps: this.part("gaps").value, cut: this.part("cut").value }; }

  fail(text) {
    this.part("problem").textContent = text;
    this.part("problem").hidden = !text;
    for (const field of this.fields) field.setAttribute("aria-invalid", Boolean(text));
  }

  // The range that is typed, or null once it has been said what is wrong with it.
  range() {
    const [from, to] = [this.typed(0), this.typed(1)];
    const wrong = !from || !to ? "Give both times like 2026-05-17 10:23:00, or set them from the picture."
      : to <= from ? "‘To’ must be after ‘From’." : "";
    this.fail(wrong);
    return wrong ? null : [from, to];
  }

  async save() {
    const wanted = this.range();
    if (!wanted) return;
    const url = footageUrl(this.camera(), ...wanted, this.options());
    const head = await fetch(url, { method: "HEAD" }).catch(() => null);
    if (!head) return this.fail("The server does not answer.");
    if (!head.ok) return this.fail((await problemOf(await fetch(url))).message);
    Object.assign(document.createElement("a"), { href: url, download: "" }).click();
  }

  async give() {
    const wanted = this.range();
    if (!wanted) return;
    try {
      await share(this.camera(), ...wanted, this.part("shared"));
    } catch (error) {
      this.fail(error.message);
    }
  }

  openHold() {
    const button = this.part("hold");
    if (!button || !this.range()) return;
    const box = this.part("holding");
    box.hidden = !box.hidden;
    button.setAttribute("aria-expanded", !box.hidden);
    if (!box.hidden) this.part("reason").focus();
  }

  async hold() {
    const wanted = this.range();
    const reason = this.part("reason").value.trim();
    if (!wanted) return;
    if (!reason) return this.fail("Say why it is held: whoever finds it later wants to know.");
    const [from, to] = wanted;
    const answer = await fetch("/api/v1/holds", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ camera: this.camera(), from: iso(from), to: iso(to), reason }),
    }).catch(() => null);
    if (!answer?.ok) return this.fail(answer ? (await problemOf(answer)).message : "The server does not answer.");
    this.part("holding").hidden = true;
    this.part("hold").setAttribute("aria-expanded", "false");
    this.part("reason").value = "";
    this.part("held").textContent = `Held: nothing deletes ${this.zone.text(from)} – ${this.zone.time(to)} until the hold is released.`;
    this.part("held").hidden = false;
    this.part("hold").focus();
  }
}
