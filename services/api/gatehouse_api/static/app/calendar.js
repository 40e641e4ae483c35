// A month with the days on which something was recorded, and how much; a day is opened by a click or with the keys.

import { getJson } from "./api.js";
import { duration } from "./times.js";

const STEP = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const pad = (n) => String(n).padStart(2, "0");

export class Calendar {
  constructor(part, zone, { camera, onDay }) {
    Object.assign(this, { zone, camera, onDay, days: new Map() });
    this.body = part("days");
    this.name = part("month-name");
    this.told = part("day-told");
    part("month-before").addEventListener("click", () => this.turn(-1));
    part("month-after").addEventListener("click", () => this.turn(1));
    this.body.addEventListener("keydown", (e) => this.key(e));
    this.body.addEventListener("focusin", (e) => this.say(e.target.dataset.date));
    this.body.addEventListener("pointerover", (e) => this.say(e.target.closest("button")?.dataset.date));
  }

  // Show the month of a day, `YYYY-MM-DD`, and mark the day; asked anew when the camera or the month is another.
  async show(date, today, { anew = false, focus = false } = {}) {
    this.today = today;
    const month = date.slice(0, 7), camera = this.camera();
    const other = month !== this.month || camera !== this.of;
    Object.assign(this, { date, month, of: camera });
    if (other) {
      this.days = new Map();
      this.draw();
    }
    if (focus) this.button(date)?.focus();
    if (!other && !anew) return this.mark();
    if (!camera) return;
    try {
      const { items } = await getJson(`/api/v1/days?${new URLSearchParams({ camera, month })}`);
      if (this.month !== month || this.of !== camera) return;
      this.days = new Map(items.map((day) => [day.date, day]));
      this.failed = "";
    } catch (error) {
      this.failed = `The days cannot be shown: ${error.message}`;
    }
    this.fill();
  }

  turn(months) {
    const [y, m] = this.month.split("-").map(Number);
    const to = new Date(Date.UTC(y, m - 1 + months, 1));
    this.show(this.inMonth(to.toISOString().slice(0, 7)), this.today);
  }

  inMonth(month) {
    const [y, m] = month.split("-").map(Number);
    const last = new Date(Date.UTC(y, m, 0)).getUTCDate();
    return `${month}-${pad(Math.min(Number(this.date.slice(8)), last))}`;
  }

  draw() {
    const [y, m] = this.month.split("-").map(Number);
    const first = new Date(Date.UTC(y, m - 1, 1));
    this.name.textContent = first.toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
    const rows = [];
    const last = new Date(Date.UTC(y, m, 0)).getUTCDate();
    let row = this.row(rows, (first.getUTCDay() + 6) % 7);
    for (let day = 1; day <= last; day++) {
      if (row.children.length === 7) row = this.row(rows, 0);
      row.append(this.cell(`${this.month}-${pad(day)}`, day));
    }
    this.body.replaceChildren(...rows);
    this.fill();
  }

  row(rows, empty) {
    const row = document.createElement("tr");
    for (let k = 0; k < empty; k++) row.append(document.createElement("td"));
    rows.push(row);
    return row;
  }

  cell(date, day) {
    const cell = document.createElement("td");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: day });
    button.dataset.date = date;
    button.addEventListener("click", () => { this.date = date; this.mark(); this.onDay(date); });
    cell.append(button);
    return cell;
  }

  fill() {
    for (const button of this.body.querySelectorAll("button")) {
      const day = this.days.get(button.dataset.date);
      button.toggleAttribute("data-recorded", Boolean(day?.recorded_seconds));
      button.style.setProperty("--part", day ? day.recorded_seconds / day.length_seconds : 0);
      button.setAttribute("aria-label", this.words(button.dataset.date));
    }
    this.mark();
  }

  mark() {
    for (const button of this.body.querySelectorAll("button")) {
      const { date } = button.dataset;
      button.toggleAttribute("data-today", date === this.today);
      button.tabIndex = date === this.date ? 0 : -1;
      if (date === this.date) button.setAttribute("aria-current", "date"); else button.removeAttribute("aria-current");
    }
    this.say(this.date);
  }

  button(date) { return this.body.querySelector(`button[data-date="${date}"]`); }

  words(date) {
    const day = this.days.get(date);
    const name = new Date(`${date}T12:00:00Z`).toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
    if (!day) return name;
    if (!day.recorded_seconds) return `${name}: nothing recorded`;
    const whole = day.recorded_seconds > day.length_seconds - 1;
    const of = duration(day.length_seconds * 1000).replace(" 0 min", "");
    return `${name}: ${whole ? `all ${of}` : `${duration(day.recorded_seconds * 1000)} of ${of}`} recorded`;
  }

  say(date) {
    if (date) this.told.textContent = this.failed || this.words(date);
  }

  key(event) {
    const from = event.target.dataset.date;
    if (!from || event.altKey || event.ctrlKey || event.metaKey) return;
    const [y, m, d] = from.split("-").map(Number);
    let to;
    if (event.key in STEP) to = new Date(Date.UTC(y, m - 1, d + STEP[event.key])).toISOString().slice(0, 10);
    else if (event.key === "PageUp" || event.key === "PageDown") to = this.inMonth(new Date(Date.UTC(y, m - 1 + (event.key === "PageUp" ? -1 : 1), 1)).toISOString().slice(0, 7));
    else if (event.key === "Home" || event.key === "End") to = `${this.month}-${pad(event.key === "Home" ? 1 : new Date(Date.UTC(y, m, 0)).getUTCDate())}`;
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.show(to, this.today, { focus: true });
  }
}
