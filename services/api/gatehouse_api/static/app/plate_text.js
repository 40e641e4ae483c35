// A plate's text as people read it: each character shaded by how sure it is.

import { element } from "./elements.js";

const LEVELS = [[0.9, "sure"], [0.6, "fair"], [0, "poor"]];

const level = (share) => LEVELS.find(([least]) => share >= least)[1];

export const percent = (share) => `${Math.round(share * 100)} %`;

// The shares are those of the voted text: of one that a person wrote nothing is unsure.
export function plateText(plate, tag = "strong") {
  const told = plate.text === plate.voted_text;
  const text = element(tag, { className: "plate-text", role: "img" });
  text.setAttribute("aria-label", `${plate.text}, ${told ? `${percent(plate.confidence)} sure` : "corrected"}`);
  [...plate.text].forEach((character, place) => {
    const share = told ? plate.characters[place] ?? plate.confidence : 1;
    const title = told ? `${character}: ${percent(share)} of the votes` : "corrected";
    text.append(element("span", { textContent: character, className: level(share), title }));
  });
  return text;
}

// A frame with the plate's box on it. Styles are set one by one: the page allows none in its markup.
export function framed(plate, width, alt) {
  const holder = element("span", { className: "framed" });
  const picture = element("img", { alt, loading: "lazy", decoding: "async", src: `${plate.links.frame}&width=${width}` });
  picture.addEventListener("error", () => { holder.classList.add("gone"); holder.title = "The picture has been deleted."; });
  const [left, upper, right, lower] = plate.box;
  const [x, y, across, down] = plate.area; // of the picture, in whose pixels the box is
  const box = element("span", { className: "box" });
  box.style.left = `${((left - x) / across) * 100}%`;
  box.style.top = `${((upper - y) / down) * 100}%`;
  box.style.width = `${((right - left) / across) * 100}%`;
  box.style.height = `${((lower - upper) / down) * 100}%`;
  holder.style.aspectRatio = `${across} / ${down}`;
  holder.append(picture, box);
  return holder;
}

const ARROWS = { left: "←", right: "→", approaching: "↓", leaving: "↑", standing: "■" };
const WORDS = { left: "to the left", right: "to the right", approaching: "coming", leaving: "leaving", standing: "standing" };

export function direction(plate) {
  if (!WORDS[plate.direction]) return null;
  const arrow = element("span", { textContent: ARROWS[plate.direction] });
  arrow.setAttribute("aria-hidden", "true");
  return element("span", { className: "direction" }, arrow, ` ${WORDS[plate.direction]}`);
}
