// The bell: what happened lately, a word of it at once for whoever looks, and of what one wants to be told.

import { button, element } from "./elements.js";
import { onEvents } from "./event_feed.js";
import { noticeOf, troubleOf } from "./notice_words.js";
import { onSite, serverNow, site } from "./site.js";
import { ofSite } from "./site_words.js";
import { Zone } from "./times.js";
import { visitor } from "./visitor.js";

const MOST = 50;
const SHOWN_MS = 8000;
const FRESH_MS = 30000;
const DEFAULTS = { cameras: true, recordings: true, site: true, plates: false };
const $ = (id) => document.getElementById(id);
const zone = new Zone(document.body.dataset.zone || "UTC");

// What a browser keeps for a user; a private window keeps nothing, and all goes on without.
const kept = (name, otherwise) => { try { return JSON.parse(localStorage.getItem(`${name}:${visitor}`)) ?? otherwise; } catch { return otherwise; } };
const keep = (name, value) => { try { localStorage.setItem(`${name}:${visitor}`, JSON.stringify(value)); } catch { /* for this page alone */ } };

const wants = { ...DEFAULTS, ...kept("notices.wants", {}) };
let list = kept("notices.list", []);

const cameraName = (id) => site.cameras.find((one) => one.id === id)?.name ?? id;

function told(message) {
  if (!message.name || message.name === "reset") return;
  const notice = noticeOf(message, cameraName);
  keep("notices.last", message.id);
  if (notice) add({ id: message.id, ...notice });
}

function add(notice) {
  list = kept("notices.list", list);  // another page may have told of it, and of more
  const known = list.some((one) => one.id === notice.id);
  if (!known) {
    // By their times: what was missed comes after what is newer, and again until something else has happened.
    list = [{ seen: false, ...notice }, ...list].sort((a, b) => b.at - a.at).slice(0, MOST);
    keep("notices.list", list);
  }
  show();
  const fresh = Math.abs(serverNow() - notice.at) < FRESH_MS;
  if (wants[notice.kind] && fresh && !document.hidden) toast(notice);
}

function toast({ text, grave, link }) {
  const one = element("p", { className: grave ? "notice grave" : "notice" }, element("a", { href: link, textContent: text }));
  one.append(button("×", () => one.remove(), "Close"));
  $("notes").append(one);
  while ($("notes").children.length > 3) $("notes").firstChild.remove();
  const leave = () => setTimeout(() => { if (one.matches(":hover, :focus-within")) leave(); else one.remove(); }, SHOWN_MS);
  leave();
}

function show() {
  const shown = list.filter((one) => wants[one.kind]);
  const unseen = shown.filter((one) => !one.seen).length;
  $("bell").dataset.unseen = unseen || "";
  $("bell-count").textContent = unseen > 9 ? "9+" : unseen || "";
  $("bell").setAttribute("aria-label", unseen ? `Notices, ${unseen} new` : "Notices");
  $("notice-list").replaceChildren(...shown.map((one) => {
    const time = element("time", { textContent: zone.text(one.at), dateTime: new Date(one.at).toISOString() });
    return element("li", { className: one.grave ? "grave" : "" }, element("a", { href: one.link, textContent: one.text }), time);
  }));
  $("no-notices").hidden = shown.length > 0;
}

// What is wrong with the site is asked for by every page anyway.
function look({ checks, error }) {
  if (error) return;
  const before = kept("notices.troubles", null);
  const now = {};
  for (const one of ofSite(checks)) now[one.name] = one.ok;
  if (JSON.stringify(now) === JSON.stringify(before)) return;
  keep("notices.troubles", now);
  for (const one of ofSite(checks)) {
    const was = before?.[one.name] ?? true;
    if (was !== one.ok) add({ id: `${one.name} ${serverNow()}`, ...troubleOf(one, serverNow()) });
  }
}

function listen() {
  const topics = ["cameras", "recordings", ...(wants.plates ? ["plates"] : [])];
  onEvents(topics, told, kept("notices.last", ""));
}

export function beginNotices() {
  for (const box of $("notice-kinds").querySelectorAll("input")) {
    box.checked = wants[box.name];
    box.addEventListener("change", () => {
      wants[box.name] = box.checked;
      keep("notices.wants", wants);
      listen();
      show();
    });
  }
  $("notices").addEventListener("toggle", ({ newState }) => {
    if (newState === "open") return;
    list = kept("notices.list", list).map((one) => ({ ...one, seen: true }));
    keep("notices.list", list);
    show();
  });
  addEventListener("storage", ({ key }) => { if (key === `notices.list:${visitor}`) { list = kept("notices.list", list); show(); } });
  $("bell").hidden = false;
  show();
  onSite(look);
  listen();
}
