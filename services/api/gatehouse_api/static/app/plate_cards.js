// The cards of a list of plates: made once each, and brought up to date in place.

import { element } from "./elements.js";
import { direction, framed, percent, plateText } from "./plate_text.js";
import { duration } from "./times.js";

const PICTURE_WIDTH = 480;
const MOST_LISTS = 3;

export class Cards {
  constructor(list, zone, { nameOf, addressOf, onOpen }) {
    Object.assign(this, { list, zone, nameOf, addressOf, onOpen });
    this.plates = new Map();
    this.made = new Map();
  }

  clear() {
    this.plates.clear();
    this.made.clear();
    this.list.replaceChildren();
  }

  get size() { return this.plates.size; }

  // Pages of what was exactly so and what is like it may share one: it is shown once, where it came first.
  append(plates) {
    for (const plate of plates) if (!this.plates.has(plate.id)) this.put(plate, (card) => this.list.append(card));
  }

  // A plate that has just been told of: in its place, or on top.
  tell(plate) {
    const known = this.made.get(plate.id);
    this.put(plate, (card) => (known ? known.replaceWith(card) : this.list.prepend(card)), !known);
  }

  remove(id) {
    this.made.get(id)?.remove();
    this.made.delete(id);
    this.plates.delete(id);
  }

  put(plate, place, fresh = false) {
    const before = this.made.get(plate.id);
    const focused = before?.contains(document.activeElement);
    plate.match ??= this.plates.get(plate.id)?.match;
    const card = this.make(plate);
    card.classList.toggle("fresh", fresh);
    place(card);
    this.plates.set(plate.id, plate);
    this.made.set(plate.id, card);
    if (focused) card.querySelector("a").focus({ preventScroll: true });
  }

  make(plate) {
    const at = Date.parse(plate.from);
    const name = this.nameOf(plate.camera);
    const link = element("a", { className: "open", href: this.addressOf(plate.id) });
    link.setAttribute("aria-label", `${plate.text}, ${name}, ${this.zone.text(at)}`);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.onOpen(plate.id);
    });
    const pictures = element("div", { className: "pictures" });
    if (plate.links.frame) pictures.append(framed(plate, PICTURE_WIDTH, ""));
    else pictures.append(element("span", { className: "framed gone", title: "No picture was kept." }));
    const crop = plate.links.crop && element("img", { className: "crop", alt: "", loading: "lazy", src: plate.links.crop });
    const time = element("time", { dateTime: plate.from, textContent: this.zone.text(at), title: new Date(at).toISOString() });
    const stay = plate.duration_seconds >= 0.05 ? duration(plate.duration_seconds * 1000) : "";
    const card = element("li", { className: "card" },
      link, pictures,
      element("div", { className: "reading" }, crop || null, plateText(plate), element("span", { className: "quiet", textContent: percent(plate.confidence) })),
      element("p", { className: "meta" }, time, element("span", { textContent: name })),
      element("p", { className: "meta quiet" },
        direction(plate),
        stay && element("span", { textContent: `stayed ${stay}` }),
        plate.seen.count > 1 ? element("span", { className: "seen", textContent: `seen ${plate.seen.count}×` }) : null,
        ...badges(plate)));
    card.dataset.id = plate.id;
    card.classList.toggle("rejected", plate.rejected);
    return card;
  }

  // Move to the next or previous card; returns whether there was one.
  step(by) {
    const links = [...this.list.querySelectorAll("a.open")];
    const now = links.indexOf(document.activeElement);
    const next = links[now < 0 ? (by > 0 ? 0 : links.length - 1) : now + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return next?.closest(".card").dataset.id;
  }

  focus(id) { this.made.get(id)?.querySelector("a").focus(); }
}

// What a plate is on, in words: what is only like an entry says so.
export const listed = (one) => `${one.kind}: ${one.name}${one.match === "fuzzy" ? ` (like ${one.plate})` : ""}`;

export function badges(plate) {
  const found = [];
  if (plate.state === "open") found.push(["here", "here now"]);
  if (plate.rejected) found.push(["no", "no plate"]);
  else if (plate.corrected_at && plate.text !== plate.voted_text) found.push(["corrected", `was ${plate.voted_text}`]);
  if (plate.match === "fuzzy") found.push(["similar", "similar"]);
  for (const one of plate.lists.slice(0, MOST_LISTS)) found.push([one.kind === "allow" && one.match === "fuzzy" ? "similar" : one.kind, listed(one)]);
  if (plate.lists.length > MOST_LISTS) found.push(["more", `${plate.lists.length - MOST_LISTS} more lists`]);
  return found.map(([kind, text]) => element("span", { className: `badge ${kind}`, textContent: text }));
}
