// The cameras there are, and how the one is that is shown.

import { rate } from "./camera_state.js";

export class ChosenCamera {
  constructor(part, { onChange }) {
    Object.assign(this, { onChange, id: "", items: [], chooser: part("camera"), state: part("state"), hint: part("hint") });
  }

  get chosen() { return this.items.find((c) => c.id === this.id); }
  get names() { return new Map(this.items.map((c) => [c.id, c.name])); }

  choose(id) {
    this.id = this.chooser.value = id;
    this.show();
  }

  take(items) {
    this.items = items;
    const { chooser } = this;
    if ([...chooser.options].map((o) => o.value).join() !== items.map((c) => c.id).join()) {
      chooser.replaceChildren(...items.map((c) => new Option(c.name, c.id)));
      if (this.id) chooser.value = this.id;
    }
    this.show();
    this.onChange();
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
      recording: `Recording ${chosen.width}×${chosen.height}, ${rate(chosen)}`,
      reconnecting: `Not recording: ${(chosen.cause || "").replaceAll("_", " ")}`,
      starting: "Starting", ended: "Ended", failed: "Failed", disabled: "Switched off",
    };
    told.textContent = words[chosen.state] || chosen.state;
    state.title = chosen.detail || chosen.advice || "";
    if (chosen.fallback) this.hint.textContent = `Using ${chosen.fallback} in place of the configured device.`;
  }
}
