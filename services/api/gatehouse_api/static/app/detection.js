// Trying a picture: it is sent, and what a detector finds in it is drawn over it.

import { element } from "./elements.js";
import { percent } from "./plate_text.js";

const $ = (id) => document.getElementById(id);

async function look(address, body, source) {
  $("told").textContent = "Looking…";
  $("shown").replaceChildren();
  const answer = await fetch(address, { method: "POST", body }).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (!answer || !found) { $("told").textContent = "The server does not answer."; return; }
  const detections = answer.ok ? found.detections : [];
  if (!answer.ok) $("told").textContent = typeof found.detail === "string" ? found.detail : found.detail.map((one) => one.msg).join(", ");
  else $("told").textContent = detections.map((one) => `${one.plate_text} (${percent(one.confidence)} sure)`).join(", ");
  await show(source, detections);
}

async function show(source, detections) {
  const picture = element("img", { alt: "The picture, with the plates that were found", src: source });
  await picture.decode().catch(() => {});
  if (!picture.naturalWidth) return;
  const holder = element("span", { className: "framed" }, picture);
  for (const { box: [left, upper, right, lower], plate_text } of detections) {
    const box = element("span", { className: "box", title: plate_text });
    box.style.left = `${(left / picture.naturalWidth) * 100}%`;
    box.style.top = `${(upper / picture.naturalHeight) * 100}%`;
    box.style.width = `${((right - left) / picture.naturalWidth) * 100}%`;
    box.style.height = `${((lower - upper) / picture.naturalHeight) * 100}%`;
    holder.append(box);
  }
  $("shown").replaceChildren(holder);
}

$("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = $("file").files;
  if (file) look("/v2/detection/detect-from-image", new FormData(event.target), URL.createObjectURL(file));
});
$("camera-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const camera = encodeURIComponent($("camera").value);
  look(`/v2/detection/detect-from-camera?camera=${camera}`, null, `/v2/stream/snapshot?camera=${camera}&t=${Date.now()}`);
});
