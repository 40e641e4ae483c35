// What the address of the page says: camera, instant (none: live) and window, so that Back, reload and sharing work.

import { iso } from "./api.js";

const parsed = (text) => (text && !Number.isNaN(Date.parse(text)) ? Date.parse(text) : null);

export class Address {
  constructor() { this.told = false; }

  read() {
    const query = new URLSearchParams(location.search);
    const [from, to] = [parsed(query.get("from")), parsed(query.get("to"))];
    return { camera: query.get("camera"), at: parsed(query.get("t")), range: from !== null && to > from ? [from, to] : null };
  }

  // The first address of the page is what it was opened with: nothing is put before it.
  write({ camera, at, range }, push = false) {
    const query = new URLSearchParams({ camera });
    if (at !== null) query.set("t", iso(at));
    if (range) for (const [name, ms] of [["from", range[0]], ["to", range[1]]]) query.set(name, iso(Math.round(ms)));
    const address = `?${query}`;
    const first = !this.told;
    this.told = true;
    if (address === location.search) return;
    if (push && !first) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }
}
