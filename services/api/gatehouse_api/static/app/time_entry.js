// The box that takes a typed time, and says beside it what is wrong with one.

import { typedTime } from "./typed_time.js";

export function takeTypedTimes(part, zone, now, onTime) {
  const [field, told] = [part("when"), part("when-told")];
  const tell = (text, wrong) => {
    told.textContent = text;
    told.hidden = !text;
    told.className = wrong ? "problem" : "quiet";
    field.setAttribute("aria-invalid", wrong);
  };
  field.addEventListener("input", () => tell("", false));
  part("jump").addEventListener("submit", (event) => {
    event.preventDefault();
    try {
      const { ms, note } = typedTime(field.value, zone, now());
      if (ms > now()) throw new RangeError(`${zone.text(ms)} has not come yet.`);
      tell(note, false);
      part("player").focus(); // the keys that come next are those of the player, and no text
      onTime(ms);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      tell(error.message, true);
      field.focus();
    }
  });
}
