// What stands over the picture: what it is, when it was, and what there is to say where there is none.

import { button } from "./elements.js";

export class Stage {
  constructor(part) {
    Object.assign(this, { frame: part("stage"), mode: part("mode"), wall: part("wall"), message: part("message") });
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  // Say something for three seconds.
  flash(text) {
    this.say(text);
    this.flashed = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.flashed = ""; if (this.message.textContent === text) this.say(""); }, 3000);
  }

  // Say nothing any more, but for what is said for three seconds: a live picture that comes does not cut it short.
  rest() {
    if (this.message.textContent !== this.flashed) this.say("");
  }

  // Say something, with ways on: `[text, act]`.
  offer(text, ways) {
    this.say(text);
    for (const [name, act] of ways) this.message.append(" ", button(name, act));
  }

  show(mode, { live = false, stale = false } = {}) {
    this.mode.textContent = mode;
    this.mode.toggleAttribute("data-live", live);
    this.frame.classList.toggle("stale", stale);
  }
}
