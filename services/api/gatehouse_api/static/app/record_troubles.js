// What stands in the way of a recording that goes on all the same, in one sentence, the worst of it.

import { megabytes } from "./record_bars.js";

const MOST_UNSENT = 64 * 1024 * 1024;

export class Troubles {
  #shown; #wait = null; #refused = ""; #unkept = false; #behind = null; #silentWord = "";

  constructor(shown) {
    this.#shown = shown;
  }

  wait(wait) { this.#wait = wait; this.show(); }
  going() { this.#wait = null; this.show(); }
  refused(message) { this.#refused = message; this.show(); }
  unkept() { this.#unkept = true; this.show(); }
  behind(unsent, seconds) {
    const behind = unsent > MOST_UNSENT ? { unsent, seconds } : null;
    if (behind || this.#behind) { this.#behind = behind; this.show(); }
  }

  show() {
    const words = this.#words();
    if (words === this.#silentWord) return;
    this.#silentWord = words;
    this.#shown.hidden = !words;
    this.#shown.textContent = words;
    if (words && this.#wait?.reason === "login" && !this.#refused) this.#shown.append(" ", loginLink());
  }

  #words() {
    if (this.#refused) return `The server does not take the recording: ${this.#refused} It is kept in this browser.`;
    if (this.#wait?.reason === "login") return "You have been logged out. The recording goes on, and waits here until you are logged in again.";
    if (this.#unkept) return "This browser cannot keep the recording: its room is used up. Keep this page open until all of it is on the server.";
    if (this.#wait) return navigator.onLine ? "The server does not answer. The recording goes on, and catches up when it does." : "There is no network. The recording goes on, and catches up when it is back.";
    if (this.#behind) return `The upload is behind by ${Math.round(this.#behind.seconds)} s: ${megabytes(this.#behind.unsent)} wait here. The recording goes on.`;
    return "";
  }
}

function loginLink() {
  const link = document.createElement("a");
  link.href = "/login?next=/account";
  link.target = "_blank";
  link.textContent = "Log in again in another tab";
  return link;
}
