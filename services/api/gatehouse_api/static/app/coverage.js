// How much of each camera is recorded in the last 24 hours: the chosen one first, then those of which most is missing.

import { getJson } from "./api.js";
import { button, element } from "./elements.js";
import { duration } from "./times.js";

const MOST = 5;

export class CoverageList {
  constructor(list, onChoose) {
    Object.assign(this, { list, onChoose });
    this.items = [];
  }

  async load() {
    try {
      this.items = (await getJson("/api/v1/coverage")).items;
    } catch { return; }  // what is wrong with the server is said elsewhere; what was true a moment ago stays
    this.draw();
  }

  show(camera, names) {
    Object.assign(this, { camera, names });
    this.draw();
  }

  draw() {
    const missing = (item) => item.expected_seconds - item.recorded_seconds;
    const chosen = this.items.filter((item) => item.camera === this.camera);
    const others = this.items.filter((item) => item.camera !== this.camera).sort((a, b) => missing(b) - missing(a));
    const shown = [...chosen, ...others].slice(0, MOST);
    const rows = shown.map((item) => this.row(item));
    const left = this.items.length - shown.length;
    if (left > 0) rows.push(element("li", { className: "more", textContent: `and ${left} more cameras, of which less is missing` }));
    this.list.replaceChildren(...rows);
    this.list.parentElement.hidden = !rows.length;
  }

  row(item) {
    const name = button(this.names?.get(item.camera) ?? item.camera, () => this.onChoose(item.camera));
    name.className = "name";
    name.toggleAttribute("aria-current", item.camera === this.camera);
    const part = element("span");
    part.style.setProperty("--part", item.length_seconds ? item.recorded_seconds / item.length_seconds : 0);
    const strip = element("span", { className: "strip" }, part);
    strip.setAttribute("aria-hidden", "true");
    return element("li", {}, name, strip,
      element("span", { className: "share", textContent: percent(item.percentage) }),
      element("span", { className: "why", textContent: reasons(item) }));
  }
}

// Never 100 % while a second is missing.
function percent(share) {
  if (share === null) return "–";
  if (share >= 100) return "100 %";
  return `${Math.min(99.99, Math.floor(share * 100) / 100).toFixed(2)} %`;
}

function reasons(item) {
  const gaps = Object.entries(item.gap_seconds).filter(([, seconds]) => seconds >= 0.1);
  if (!gaps.length) return item.length_seconds < 86_000 ? `all ${duration(item.length_seconds * 1000)} since it was added` : "no gap";
  return gaps.map(([cause, seconds]) => `${duration(seconds * 1000)} ${cause.replaceAll("_", " ")}`).join(" · ");
}
