// The cameras there are, how the one is that is shown, and the banner of what is not recorded that should be.

import { getJson } from "./api.js";
import { otherTroubles, unrecorded } from "./unrecorded.js";

export class ChosenCamera {
  constructor(part, zone, { onChange }) {
    Object.assign(this, { zone, onChange, id: "", items: [], troubles: [] });
    Object.assign(this, { chooser: part("camera"), state: part("state"), banner: part("banner"), hint: part("hint") });
  }

  get chosen() { return this.items.find((c) => c.id === this.id); }
  get names() { return new Map(this.items.map((c) => [c.id, c.name])); }

  choose(id) {
    this.id = this.chooser.value = id;
    this.show();
  }

  async load() {
    try {
      const { items } = await getJson("/api/v1/cameras");
      this.items = items;
      const { chooser } = this;
      if ([...chooser.options].map((o) => o.value).join() !== items.map((c) => c.id).join()) {
        chooser.replaceChildren(...items.map((c) => new Option(c.name, c.id)));
        if (this.id) chooser.value = this.id;
      }
      this.show();
      this.onChange();
    } catch (error) {
      this.warn(`The server does not answer: ${error.message}`);
    }
  }

  // What keeps footage from being stored, before a camera shows it.
  async loadHealth() {
    try {
      this.troubles = await otherTroubles();
    } catch { return; }  // that the server does not answer, the cameras show
    this.show();
  }

  show() {
    const { chosen, state } = this;
    const told = state.lastElementChild;
    if (!chosen) {
      delete state.dataset.state;
      told.textContent = this.id ? "No such camera" : "No camera yet";
      return;
    }
    state.dataset.state = chosen.state;
    const words = {
      recording: `Recording ${chosen.width}×${chosen.height}, ${chosen.fps.toFixed(0)} fps`,
      reconnecting: `Not recording: ${(chosen.cause || "").replaceAll("_", " ")}`,
      starting: "Starting", ended: "Ended", failed: "Failed", disabled: "Switched off",
    };
    told.textContent = words[chosen.state] || chosen.state;
    state.title = chosen.detail;
    this.warn([...this.troubles, ...unrecorded(this.items, this.zone)].join(" · "));
    if (chosen.fallback) this.hint.textContent = `Using ${chosen.fallback} in place of the configured device.`;
  }

  warn(text) {
    if (this.banner.textContent !== text) this.banner.textContent = text;
    this.banner.hidden = !text;
  }
}
