// One plate: its clip from five seconds before, the frame it was read on, its reads, and what a person may say of it.

import { problemOf } from "./api.js";
import { button, element } from "./elements.js";
import { badges, listed } from "./plate_cards.js";
import { direction, framed, percent, plateText } from "./plate_text.js";
import { duration } from "./times.js";

const PRE_MS = 5000;

export class Detail {
  constructor(section, zone, { nameOf, addressOf, onOpen, onClose, onChange, say }) {
    Object.assign(this, { section, zone, nameOf, addressOf, onOpen, onClose, onChange, say });
    this.id = null;
    this.tag = null;
  }

  get open() { return !this.section.hidden; }

  async show(id, { focus = true } = {}) {
    const other = id !== this.id;
    this.id = id;
    this.section.hidden = false;
    document.body.classList.add("with-detail");
    if (other) this.section.replaceChildren(this.head("Loading…"), element("div", { className: "skeleton tall" }));
    if (focus) this.section.focus({ preventScroll: matchMedia("(min-width: 1000px)").matches });
    try {
      const answer = await fetch(`/api/v1/plates/${id}`);
      if (!answer.ok) throw await problemOf(answer);
      if (id !== this.id) return;
      this.fill(await answer.json(), answer.headers.get("ETag"), other, other ? null : this.unfinished());
    } catch (error) {
      if (id !== this.id) return;
      this.section.replaceChildren(this.head("Not found"), this.trouble(error));
    }
  }

  close() {
    this.id = null;
    this.section.hidden = true;
    this.section.replaceChildren();
    document.body.classList.remove("with-detail");
  }

  // What has been told of the plate that is shown: its clip goes on playing.
  told() { if (this.id) this.show(this.id, { focus: false }); }

  head(title) {
    const close = Object.assign(button("Close", () => this.onClose()), { className: "close", title: "Close (Esc)" });
    return element("header", { className: "row" }, typeof title === "string" ? element("h2", { textContent: title }) : title, element("span", { className: "grow" }), close);
  }

  trouble(error) {
    const again = button("Try again", () => { const { id } = this; this.id = null; this.show(id); });
    const text = error.message + (error.requestId ? ` (request ${error.requestId})` : "");
    return element("div", { className: "empty" }, element("p", { textContent: text }), again);
  }

  // What a person has typed and not sent, or has been told is wrong with it, if anything.
  unfinished() {
    const actions = this.section.querySelector(".actions");
    const text = actions?.querySelector(".correct input");
    return text && (text.value !== text.dataset.shown || !actions.querySelector(".problem").hidden) ? actions : null;
  }

  fill(plate, tag, other, actions = null) {
    this.tag = tag;
    const title = element("h2", {}, plateText(plate, "span"));
    const kept = other ? null : this.section.querySelector(".clip");
    const source = filmOf(plate);
    const clip = kept && kept.dataset.source === source.kind + source.url ? kept : this.film(plate, source);
    this.section.replaceChildren(
      this.head(title), element("p", { className: "meta" }, ...badges(plate)), clip,
      this.facts(plate), this.pictures(plate), actions ?? this.actions(plate), this.reads(plate), this.history(plate));
  }

  film(plate, source) {
    const video = element("video", { controls: true, muted: true, autoplay: true, playsInline: true, className: "film" });
    video.setAttribute("aria-label", `Clip of ${plate.text}`);
    const note = element("p", { className: "quiet", textContent: source.note });
    video.addEventListener("error", () => {
      if (video.dataset.fallen || source.kind === "footage") {
        note.textContent = "There is nothing to play of this moment: it is not recorded any more, or this browser does not know its codec.";
        video.hidden = true;
        return;
      }
      video.dataset.fallen = "yes";
      note.textContent = "The clip cannot be played: this is the footage of the moment.";
      video.src = plate.links.footage;
    });
    video.src = source.url;
    const holder = element("div", { className: "clip" }, video, note);
    holder.dataset.source = source.kind + source.url;
    return holder;
  }

  facts(plate) {
    const rows = [
      ["Camera", this.nameOf(plate.camera)],
      ["First read", this.zone.text(Date.parse(plate.from), 2)],
      ["Stayed", plate.duration_seconds < 0.05 ? "a moment" : duration(plate.duration_seconds * 1000)],
      ["Direction", direction(plate) || "not known"],
      ["Sure", `${percent(plate.confidence)} by ${plate.reads} ${plate.reads === 1 ? "read" : "reads"}`],
      ["Form", [plate.region.toUpperCase(), plate.pattern].filter(Boolean).join(" ") || "none that is known"],
      ["Seen", `${plate.seen.count}× since ${this.zone.text(Date.parse(plate.seen.first))}`],
    ];
    if (plate.text !== plate.voted_text) rows.splice(1, 0, ["As read", plate.voted_text]);
    const alternatives = plate.alternatives.filter(([, share]) => share >= 0.01).slice(0, 4).map(([text, share]) => `${text} ${percent(share)}`).join(", ");
    if (alternatives) rows.push(["Or", alternatives]);
    for (const one of plate.lists) rows.push(["On a list", element("a", { href: `/lists/${one.list}?q=${encodeURIComponent(one.plate)}`, textContent: listed(one) })]);
    const list = element("dl", { className: "facts" });
    for (const [name, value] of rows) list.append(element("dt", { textContent: name }), element("dd", {}, value));
    return list;
  }

  pictures(plate) {
    const found = element("div", { className: "evidence" });
    if (plate.links.crop) found.append(element("img", { className: "crop", alt: `The plate ${plate.text} as it was read`, src: plate.links.crop }));
    if (plate.links.frame) {
      const link = element("a", { href: plate.links.frame, title: "The frame in full size" }, framed(plate, 960, `The frame of ${this.zone.text(Date.parse(plate.best_at), 2)}`));
      found.append(link);
    } else found.append(element("p", { className: "quiet", textContent: "No picture of it was kept." }));
    return found;
  }

  actions(plate) {
    const text = element("input", { value: plate.text, maxLength: 32, autocomplete: "off", spellcheck: false, required: true });
    text.setAttribute("aria-label", "What the plate says");
    text.dataset.shown = plate.text;
    const correct = element("form", { className: "row correct" }, text, element("button", { type: "submit", textContent: "Correct" }));
    if (plate.text !== plate.voted_text) {
      correct.append(button(`Back to ${plate.voted_text}`, () => this.change({ text: null }, `It is ${plate.voted_text} again.`)));
    }
    correct.addEventListener("submit", (event) => {
      event.preventDefault();
      this.change({ text: text.value }, "Corrected. What was read is kept.");
    });
    const reject = button(plate.rejected ? "It is a plate" : "Not a plate", () => this.change({ rejected: !plate.rejected }, plate.rejected ? "It is a plate again." : "Marked as no plate."));
    const ready = plate.clips.find((clip) => clip.state === "stored" || clip.state === "archived");
    const around = new URLSearchParams({ camera: plate.camera, t: new Date(Date.parse(plate.from) - PRE_MS).toISOString() });
    return element("div", { className: "actions" }, correct, element("p", { className: "row" },
      reject,
      element("a", { className: "button", href: `/?${around}`, textContent: "In the timeline" }),
      ready ? element("a", { className: "button", href: ready.links.media, textContent: "Download clip" }) : null),
      element("p", { className: "problem", role: "alert", hidden: true }));
  }

  async change(body, done) {
    const problem = this.section.querySelector(".problem");
    problem.hidden = true;
    const answer = await fetch(`/api/v1/plates/${this.id}`, {
      method: "PATCH", headers: { "Content-Type": "application/json", "If-Match": this.tag }, body: JSON.stringify(body),
    }).catch(() => null);
    if (!answer?.ok) {
      problem.textContent = answer ? (await problemOf(answer)).message : "The server does not answer.";
      problem.hidden = false;
      return;
    }
    const plate = await answer.json();
    this.fill(plate, answer.headers.get("ETag"), false);
    this.onChange(plate);
    this.say(done);
  }

  reads(plate) {
    const begin = Date.parse(plate.from);
    const rows = plate.read_list.map((read) => {
      const row = element("tr", {},
        element("td", { textContent: `${((Date.parse(read.at) - begin) / 1000).toFixed(2)} s` }),
        element("td", { className: "mono", textContent: read.text }),
        element("td", {}, meter(read.confidence)),
        element("td", { textContent: read.qualifies ? "" : `not above ${read.threshold}` }));
      row.classList.toggle("doubted", !read.qualifies);
      return row;
    });
    const votes = plate.votes.map((vote) => element("li", {}, element("span", { className: "mono", textContent: vote.text }), ` ${vote.reads} ${vote.reads === 1 ? "read" : "reads"}, at best ${percent(vote.confidence)}`));
    const places = plate.character_votes.map((shares, place) => element("li", {}, element("span", { className: "mono", textContent: plate.voted_text[place] }),
      " " + Object.entries(shares).slice(0, 3).map(([c, share]) => `${c} ${percent(share)}`).join(" · ")));
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...["After", "Read", "Sure", ""].map((t) => element("th", { scope: "col", textContent: t })))), element("tbody", {}, ...rows));
    return element("details", { className: "reads" }, element("summary", { textContent: `${rows.length} ${rows.length === 1 ? "read" : "reads"} and their votes` }),
      element("h3", { textContent: "Texts" }), element("ul", {}, ...votes),
      element("h3", { textContent: "Characters" }), element("ol", { className: "places" }, ...places),
      element("h3", { textContent: "Reads" }), element("div", { className: "scroll" }, table));
  }

  history(plate) {
    const items = plate.history.map((other) => {
      const link = element("a", { href: this.addressOf(other.id), textContent: this.zone.text(Date.parse(other.from)) });
      link.addEventListener("click", (event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); this.onOpen(other.id); } });
      return element("li", {}, link, ` ${this.nameOf(other.camera)}`);
    });
    const more = plate.seen.count > items.length + 1 ? element("a", { href: `/plates?${new URLSearchParams({ q: plate.text, match: "exact" })}`, textContent: `All ${plate.seen.count} visits` }) : null;
    return element("section", { className: "history" }, element("h3", { textContent: "Other visits" }),
      items.length ? element("ul", {}, ...items) : element("p", { className: "quiet", textContent: "None: it was seen this once." }), more);
  }
}

// What to play: the clip, from five seconds before this plate, for a clip may begin with another; else the footage.
function filmOf(plate) {
  const begin = Date.parse(plate.from) - PRE_MS;
  const holds = plate.clips.filter((clip) => Date.parse(clip.from) <= begin + PRE_MS && Date.parse(clip.to) > begin + PRE_MS);
  const clip = holds.find((one) => ["stored", "archived"].includes(one.state));
  if (clip) {
    const skip = Math.max(0, (begin - Date.parse(clip.from)) / 1000);
    return { kind: "clip", url: clip.links.media + (skip > 0.05 ? `#t=${skip.toFixed(3)}` : ""), note: clip.detail };
  }
  const planned = holds.some((one) => one.state === "planned");
  return { kind: "footage", url: plate.links.footage, note: planned ? "The clip is not finished: this is what is recorded so far." : "" };
}

function meter(value) {
  const bar = element("span", { className: "meter" }, element("span", { className: "fill" }));
  bar.firstChild.style.width = percent(value).replace(" ", "");
  return element("span", { className: "row tight" }, bar, element("span", { textContent: percent(value) }));
}
