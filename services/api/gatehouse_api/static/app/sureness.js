// How sure reads were: a histogram with the threshold in it, and the threshold of a camera to change.

import { getJson, problemOf } from "./api.js";
import { element } from "./elements.js";

export class Sureness {
  constructor(section, { cameras, query, nameOf, say }) {
    Object.assign(this, { section, cameras, query, nameOf, say });
  }

  get open() { return !this.section.hidden; }

  close() { this.section.hidden = true; }

  async show() {
    this.section.hidden = false;
    try {
      this.fill(await getJson(`/api/v1/plates/confidences?${this.query()}`));
    } catch (error) {
      this.section.replaceChildren(element("p", { className: "problem", textContent: error.message }));
    }
  }

  fill(found) {
    const total = found.counts.reduce((a, b) => a + b, 0);
    const thresholds = Object.values(found.thresholds);
    const least = thresholds.length ? Math.min(...thresholds) : 0.5;
    const most = Math.max(1, ...found.counts);
    const bars = element("div", { className: "bars" });
    bars.setAttribute("role", "img");
    bars.setAttribute("aria-label", `${total} reads, of which ${found.below_threshold} were not above the threshold`);
    found.counts.forEach((count, k) => {
      const bar = element("span", { className: found.edges[k + 1] <= least ? "bar-of below" : "bar-of", title: `${found.edges[k].toFixed(2)} to ${found.edges[k + 1].toFixed(2)}: ${count}` });
      bar.style.height = `${(count / most) * 100}%`;
      bars.append(bar);
    });
    for (const threshold of new Set(thresholds)) {
      const line = element("span", { className: "threshold", title: `threshold ${threshold}` });
      line.style.left = `${threshold * 100}%`;
      bars.append(line);
    }
    const close = element("button", { type: "button", textContent: "Close" });
    close.addEventListener("click", () => this.close());
    const scale = element("p", { className: "row quiet scale" }, element("span", { textContent: "0" }), element("span", { className: "grow" }), element("span", { textContent: "sure" }));
    const sentence = total
      ? `${found.below_threshold} of ${total} reads were not above the threshold, so they opened nothing and made no clip.`
      : "Nothing was read in this time, sure or not.";
    this.section.replaceChildren(
      element("header", { className: "row" }, element("h2", { textContent: "How sure reads were" }), element("span", { className: "grow" }), close),
      bars, scale, element("p", { textContent: sentence }), ...this.forms(found.thresholds));
  }

  // Each camera may have a threshold of its own.
  forms(thresholds) {
    return Object.entries(thresholds).slice(0, 12).map(([camera, threshold]) => {
      const value = element("input", { type: "number", min: 0, max: 1, step: 0.01, value: threshold, required: true });
      value.setAttribute("aria-label", `Threshold of ${this.nameOf(camera)}`);
      const form = element("form", { className: "row threshold-form" }, element("span", { textContent: `${this.nameOf(camera)}: above` }), value, element("button", { type: "submit", textContent: "Set" }));
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const answer = await fetch(`/api/v1/cameras/${camera}`, {
          method: "PATCH", headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ settings: { plates: { threshold: Number(value.value) } } }),
        }).catch(() => null);
        if (answer?.ok) { this.say(`Reads of ${this.nameOf(camera)} count from now on if they are surer than ${value.value}.`); this.show(); }
        else this.say(answer ? (await problemOf(answer)).message : "The server does not answer.");
      });
      return form;
    });
  }
}
