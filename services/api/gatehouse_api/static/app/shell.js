// What is around every page: how the site is, its clock, the banner of what is not recorded, colours, and the keys.

import { element } from "./elements.js";
import { beginTray } from "./jobs_tray.js";
import { beginNotices } from "./notices.js";
import { keepLooking, onSite, serverNow, site } from "./site.js";
import { ofSite, troubleText, unrecorded } from "./site_words.js";
import { Zone } from "./times.js";

const SKEW_MS = 2000;
const $ = (id) => document.getElementById(id);
const zone = new Zone(document.body.dataset.zone || "UTC");

function tell({ cameras, checks, error, ahead }) {
  const missing = unrecorded(cameras, zone);
  const serious = error ? [error] : [...ofSite(checks).filter((one) => !one.ok).map(troubleText), ...missing];
  const starting = cameras.filter((c) => c.enabled && c.state === "starting").map((c) => `${c.name} is being connected to.`);
  const slow = cameras.filter((c) => c.advice).map((c) => `${c.name}: ${c.advice}`);
  const off = Math.abs(ahead) > SKEW_MS ? [skewText(ahead)] : [];
  showBanner(serious.join(" · "));
  showHealth(serious, error ? [] : [...starting, ...slow, ...off], cameras);
  $("skew").hidden = !off.length;
  set($("skew"), off.length ? "This device’s clock is wrong" : "");
  $("skew").title = off[0] ?? "";
}

const skewText = (ahead) => `The clock of this device is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? "behind" : "ahead of"} the server’s.`;

function showBanner(text) {
  set($("banner"), text);
  $("banner").hidden = !text;
}

function showHealth(serious, slight, cameras) {
  const health = $("health");
  const recorded = cameras.filter((c) => c.state === "recording").length;
  health.dataset.state = serious.length ? "bad" : slight.length ? "warned" : "well";
  set(health.lastElementChild, serious.length ? plural(serious.length, "problem") : slight.length ? plural(slight.length, "note") : "All is well");
  const told = [...serious, ...slight];
  if (!serious.length) told.push(cameras.length ? `${recorded} of ${plural(cameras.length, "camera")} recorded.` : "There is no camera yet.");
  const list = $("health-told").querySelector("ul");
  if ([...list.children].map((one) => one.textContent).join("\n") !== told.join("\n")) {
    list.replaceChildren(...told.map((text) => element("li", { textContent: text })));
  }
}

function tick() {
  if (site.known) set($("now"), zone.time(serverNow()));
}

const plural = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showThemes() {
  const themes = $("themes");
  const chosen = document.documentElement.dataset.theme ?? "";
  for (const input of themes.querySelectorAll("input")) input.checked = input.value === chosen;
  themes.hidden = false;
  themes.addEventListener("change", ({ target }) => {
    if (target.value) document.documentElement.dataset.theme = target.value;
    else delete document.documentElement.dataset.theme;
    try { localStorage.setItem("theme", target.value); } catch { /* it holds for this page, and no longer */ }
    dispatchEvent(new Event("themechange"));
  });
}

function onKey(event) {
  if (event.key !== "?" || event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  if ($("keys").open) $("keys").close(); else askKeys();
}

function askKeys() {
  $("menu").hidePopover();
  $("keys").showModal();
}

if ($("health")) {
  onSite(tell);
  onSite(tick);
  keepLooking();
  beginTray();
  beginNotices();
  setInterval(tick, 250);
  showThemes();
  $("ask-keys").hidden = false;
  $("ask-keys").addEventListener("click", askKeys);
  document.addEventListener("keydown", onKey);
}
