// The timeline in words: what the canvas shows of its window, the newest first, each a way there.

import { button, element } from "./elements.js";
import { causeOf } from "./gaps.js";
import { describePin } from "./pins.js";
import { duration } from "./times.js";

const MOST = 200;

export class TimelineList {
  constructor(list, told, zone, { onSeek }) {
    Object.assign(this, { list, told, zone, onSeek, shown: "" });
  }

  show({ recorded, gaps, times, start, end }) {
    const inside = ({ from, to }) => to >= start && from < end;
    const rows = [
      ...recorded.map(([from, to]) => ({ from, to, text: "recorded" })),
      ...gaps.map((g) => ({ from: g.from, to: g.to, text: g.count > 1 ? `${g.count} gaps, ${duration(g.missing)} in all: ${causeOf(g)}` : `gap: ${causeOf(g)}` })),
      ...times.map((one) => ({ from: one.from, to: one.to, text: describePin(one, this.zone), plate: true })),
    ].filter(inside).sort((a, b) => b.from - a.from);
    const left = Math.max(0, rows.length - MOST);
    const items = rows.slice(0, MOST);
    const key = `${left} ${JSON.stringify(items)}`;
    if (key === this.shown) return;  // who is on a button of the list keeps it
    this.shown = key;
    this.told.textContent = `${this.zone.text(start)} – ${this.zone.text(end)}${left ? `: the newest ${MOST}, ${left} more before them; zoom in to see them` : ""}`;
    this.list.replaceChildren(...items.map((row) => this.row(row)));
    if (!rows.length) this.list.append(element("li", { textContent: "Nothing in this window." }));
  }

  row({ from, to, text, plate }) {
    const way = button(this.zone.text(from), () => this.onSeek(plate ? from - 5000 : from));
    return element("li", {}, way, plate ? ` ${text}` : ` ${duration(to - from)}, ${text}`);
  }
}
