// What stands in the way of a recording that goes on all the same, in one sentence, the worst of it.

import { megabytes } from "./record_bars.js";

const MOST_UNSENT = 64 * 1024 * 1024;

export class Troubles {
  #shown; #wait = null; #refused = ""; #isKept = true; #broken = ""; #note = ""; #unkept = ""; #behind = null; #silentWord = "";

  constructor(shown) {
    this.#shown = shown;
  }

  wait(wait) { this.#wait = wait; this.show(); }
  going() { this.#wait = null; this.show(); }
  // isKept: what is not on the server is in the spool. No message: it is tried again.
  refused(message, isKept = true) { this.#refused = message; this.#isKept = isKept; this.show(); }
  unkept(why = "its room is used up") { this.#unkept = why; this.show(); }
  broken(message) { this.#broken = message; this.show(); }
  note(message) { this.#note = message; this.show(); }
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

  // That it broke off is said to the end, beside what else there is.
  #words() {
    const broken = this.#broken && `The recording broke off: ${this.#broken} What was recorded until then is kept.`;
    return [broken, this.#note, this.#wayWords()].filter(Boolean).join(" ");
  }

  #wayWords() {
    if (this.#refused) return `The server does not take the recording: ${this.#refused} ${this.#isKept ? "What it has not taken is kept in this browser." : "Keep this page open."}`;
    if (this.#wait?.reason === "login") return "You have been logged out. The recording goes on, and waits here until you are logged in again.";
    if (this.#unkept) return `This browser cannot keep the recording: ${this.#unkept}. Keep this page open until all of it is on the server.`;
    if (this.#wait?.reason === "full") return `The server has no room: ${this.#wait.message} The recording goes on, and is sent when there is room again.`;
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
