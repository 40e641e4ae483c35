// The page of plates: what is looked for stands in the address, what is found in cards, what happens comes by itself.

import { getJson } from "./api.js";
import { button, element } from "./elements.js";
import { onEvents } from "./event_feed.js";
import { Cards } from "./plate_cards.js";
import { Detail } from "./plate_detail.js";
import { Sureness } from "./sureness.js";
import { Zone } from "./times.js";

const $ = (id) => document.getElementById(id);
const zone = new Zone(document.body.dataset.zone);
const PAGE = 48;
const TYPING_MS = 180;

const page = { cameras: [], chosen: new Set(), span: "", serial: 0, cursor: null, abort: null };

const nameOf = (id) => page.cameras.find((camera) => camera.id === id)?.name || id;

function say(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { $("toast").hidden = true; }, 5000);
}

const cards = new Cards($("cards"), zone, { nameOf, addressOf, onOpen: (id) => open(id) });
const detail = new Detail($("detail"), zone, {
  nameOf, addressOf, say,
  onOpen: (id) => open(id),
  onClose: () => close(),
  onChange: (plate) => { if (cards.plates.has(plate.id)) cards.tell(plate); },
});
const sureness = new Sureness($("sureness"), { nameOf, say, query: () => filters() });

// What the server is asked, without the text.
function filters() {
  const query = new URLSearchParams();
  if (page.chosen.size) query.set("cameras", [...page.chosen].join());
  if (page.span) query.set("from", new Date(Date.now() - Number(page.span) * 1000).toISOString());
  else if ($("from").value) query.set("from", $("from").value);
  if ($("to").value) query.set("to", $("to").value);
  if ($("from").value || $("to").value) query.set("tz", zone.name);
  return query;
}

function asked() {
  const query = filters();
  const q = $("q").value.trim();
  if (q) { query.set("q", q); query.set("match", $("match").value); }
  if (Number($("least").value)) query.set("min_confidence", $("least").value);
  if ($("rejected").checked) query.set("include_rejected", "true");
  query.set("limit", PAGE);
  return query;
}

async function find({ quiet = false } = {}) {
  const serial = ++page.serial;
  page.abort?.abort();
  page.abort = new AbortController();
  const results = $("results");
  results.setAttribute("aria-busy", "true");
  showFilters();
  const waiting = setTimeout(() => { if (!quiet && serial === page.serial) skeletons(); }, 250);
  try {
    const found = await getJson(`/api/v1/plates?${asked()}`, page.abort.signal);
    if (serial !== page.serial) return;
    clearTimeout(waiting);
    cards.clear();
    cards.append(found.items);
    page.cursor = found.next_cursor;
    $("empty").hidden = true;
    if (!cards.size) nothing(found.nothing);
    tellCount();
  } catch (error) {
    if (error.name === "AbortError" || serial !== page.serial) return;
    clearTimeout(waiting);
    cards.clear();
    page.cursor = null;
    failed(error);
  } finally {
    if (serial === page.serial) {
      results.setAttribute("aria-busy", "false");
      $("more").hidden = !page.cursor;
    }
  }
  if (sureness.open) sureness.show();
}

async function more() {
  const { cursor, serial } = page;
  if (!cursor) return;
  $("more").disabled = true;
  try {
    const query = asked();
    query.set("cursor", cursor);
    const found = await getJson(`/api/v1/plates?${query}`);
    if (serial !== page.serial) return;
    cards.append(found.items);
    page.cursor = found.next_cursor;
    tellCount();
  } catch (error) {
    say(error.message);
  } finally {
    $("more").disabled = false;
    $("more").hidden = !page.cursor;
  }
}

function tellCount() {
  const count = cards.size;
  $("count").textContent = count ? `${count}${page.cursor ? " and more" : ""} ${count === 1 ? "visit" : "visits"}` : "Nothing found";
}

function skeletons() {
  $("empty").hidden = true;
  cards.clear();
  $("count").textContent = "Looking…";
  for (let k = 0; k < 6; k++) $("cards").append(element("li", { className: "card skeleton", ariaHidden: "true" }));
}

// Nothing was found: say why, and what can be done about it.
function nothing(why) {
  const empty = $("empty");
  const ways = [];
  const titles = { below_threshold: "Nothing sure enough", detector_off: "Plates are not read", no_match: filtered() ? "No plates match" : "No plates in this time" };
  if (why?.below_threshold) ways.push(button("Show", () => sureness.show()));
  if (filtered()) ways.push(button("Clear filters", clear));
  empty.replaceChildren(element("h2", { textContent: titles[why?.reason] || "No plates" }), element("p", { textContent: why?.sentence || "" }), element("p", { className: "row center" }, ...ways));
  empty.hidden = false;
}

function failed(error) {
  $("count").textContent = "";
  const id = error.requestId ? ` (request ${error.requestId})` : "";
  const text = error instanceof TypeError ? "The server does not answer." : error.message + id;
  $("empty").replaceChildren(element("h2", { textContent: "That did not work" }), element("p", { textContent: text }), button("Try again", () => find()));
  $("empty").hidden = false;
}

const filtered = () => Boolean($("q").value.trim() || page.chosen.size || page.span || $("from").value || $("to").value || Number($("least").value));

function clear() {
  for (const id of ["q", "from", "to"]) $(id).value = "";
  $("match").value = "auto";
  $("least").value = 0;
  $("rejected").checked = false;
  page.chosen.clear();
  page.span = "";
  changed();
}

function showFilters() {
  for (const chip of $("cameras").children) chip.setAttribute("aria-pressed", String(chip.dataset.camera ? page.chosen.has(chip.dataset.camera) : !page.chosen.size));
  const own = $("from").value || $("to").value;
  for (const chip of $("spans").querySelectorAll("[data-span]")) chip.setAttribute("aria-pressed", String(!own && chip.dataset.span === page.span));
  const least = Number($("least").value);
  $("least-shown").textContent = least ? `${Math.round(least * 100)} %` : "any";
  $("clear").hidden = !filtered();
}

// The address holds the state, so that Back, reload and sharing work.
function address(plate = detail.id) {
  const query = new URLSearchParams();
  const put = (name, value) => { if (value) query.set(name, value); };
  put("q", $("q").value.trim());
  if ($("match").value !== "auto") put("match", $("match").value);
  put("cameras", [...page.chosen].join());
  put("last", page.span);
  put("from", $("from").value);
  put("to", $("to").value);
  put("min", Number($("least").value) || "");
  put("rejected", $("rejected").checked ? "1" : "");
  put("plate", plate);
  const text = query.toString();
  return text ? `/plates?${text}` : "/plates";
}

function addressOf(id) { return address(id); }

function recall() {
  const query = new URLSearchParams(location.search);
  $("q").value = query.get("q") || "";
  $("match").value = query.get("match") || "auto";
  if ($("match").selectedIndex < 0) $("match").value = "auto";
  page.chosen = new Set((query.get("cameras") || "").split(",").filter(Boolean));
  page.span = query.get("last") || "";
  $("from").value = query.get("from") || "";
  $("to").value = query.get("to") || "";
  $("least").value = query.get("min") || 0;
  $("rejected").checked = query.has("rejected");
  const plate = query.get("plate");
  if (plate) detail.show(plate);
  else if (detail.open) detail.close();
  showFilters();
}

function changed() {
  history.replaceState(null, "", address());
  find();
}

function open(id) {
  if (id === detail.id) return;
  history.pushState(null, "", address(id));
  detail.show(id);
}

function close() {
  const { id } = detail;
  history.pushState(null, "", address(null));
  detail.close();
  cards.focus(id);
}

async function loadCameras() {
  try {
    page.cameras = (await getJson("/api/v1/cameras")).items;
  } catch { return; }
  const chip = (id, name) => {
    const made = button(name, () => {
      if (!id) page.chosen.clear();
      else if (!page.chosen.delete(id)) page.chosen.add(id);
      changed();
    });
    made.className = "chip";
    if (id) made.dataset.camera = id;
    return made;
  };
  $("cameras").replaceChildren(chip("", "All cameras"), ...page.cameras.map((camera) => chip(camera.id, camera.name)));
  $("cameras").hidden = page.cameras.length < 2;
}

// What happens now: into the list if it belongs there. What was typed only the server can compare.
function told(event) {
  const data = JSON.parse(event.data);
  const plate = event.name === "plate.listed" ? data.visit : data;
  if (plate.id === detail.id) detail.told();
  const belongs = (!page.chosen.size || page.chosen.has(plate.camera)) && plate.confidence >= Number($("least").value)
    && (!plate.rejected || $("rejected").checked) && !$("to").value && !$("from").value;
  if ($("q").value.trim()) {
    if (cards.plates.has(plate.id)) cards.tell(plate);
    else if (belongs) findSoon();
    return;
  }
  if (!belongs) { if (plate.rejected) cards.remove(plate.id); return; }
  if (!cards.plates.has(plate.id) && cards.size && Date.parse(plate.from) < Date.parse([...cards.plates.values()].at(-1).from)) return;
  $("empty").hidden = true;
  cards.tell(plate);
  tellCount();
}

function findSoon() {
  clearTimeout(findSoon.timer);
  findSoon.timer = setTimeout(() => find({ quiet: true }), 1000);
}

function listen() {
  const show = (state, text) => {
    $("told").dataset.state = state;
    $("told").lastElementChild.textContent = text;
  };
  onEvents(["plates", "clips"], (event) => {
    if (event.state === "open") show("told", "Live");
    else if (event.state) show("reconnecting", "Not live: new plates do not show by themselves");
    else if (event.name === "reset") {  // more has happened than is told
      findSoon();
      if (detail.open) detail.told();
    } else if (event.name.startsWith("plate.")) told(event);
    else if (event.name === "clip.ready" && JSON.parse(event.data).events.includes(detail.id)) detail.told();
  });
}

function onKey(event) {
  if (event.key === "Escape") {
    if (event.target === $("q")) $("results").focus();
    else if (detail.open) close();
    else if (sureness.open) sureness.close();
    return;
  }
  if (event.target.closest("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") $("q").select();
  else if (event.key === "j" || event.key === "k") {
    if (detail.open && !document.activeElement.closest(".card")) cards.focus(detail.id);
    const id = cards.step(event.key === "j" ? 1 : -1);
    if (!id && event.key === "j") more();
    if (id && detail.open && matchMedia("(min-width: 1000px)").matches) { history.replaceState(null, "", address(id)); detail.show(id, { focus: false }); }
  } else return;
  event.preventDefault();
}

function typing() {
  clearTimeout(typing.timer);
  typing.timer = setTimeout(changed, TYPING_MS);
}

async function start() {
  await loadCameras();
  recall();
  await find();
  listen();
}

addEventListener("popstate", () => { recall(); find(); });
$("search").addEventListener("submit", (event) => { event.preventDefault(); changed(); });
$("q").addEventListener("input", typing);
$("least").addEventListener("input", () => { showFilters(); typing(); });
for (const id of ["match", "rejected"]) $(id).addEventListener("change", changed);
for (const id of ["from", "to"]) $(id).addEventListener("change", () => { page.span = ""; changed(); });
for (const chip of $("spans").querySelectorAll("[data-span]")) chip.addEventListener("click", () => { page.span = chip.dataset.span; $("from").value = $("to").value = ""; changed(); });
$("clear").addEventListener("click", clear);
$("more").addEventListener("click", more);
$("ask-sureness").addEventListener("click", () => { sureness.show(); $("sureness").scrollIntoView({ block: "nearest" }); });
document.addEventListener("keydown", onKey);
start();
