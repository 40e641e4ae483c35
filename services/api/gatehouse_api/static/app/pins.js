// Plates on a timeline: those that would lie on each other are one pin with their number.

const APART = 30;

/** Return pins for what lies in a window: `{x, from, to, count, text, confidence, corrected}`, from left to right. */
export function gather(times, xOf, width) {
  const pins = [];
  for (const one of times) {
    const x = xOf(one.from);
    if (x < -APART || x > width + APART) continue;
    const last = pins.at(-1);
    if (last && x - last.left < APART) {
      last.count += one.count;
      last.to = Math.max(last.to, one.to);
      last.confidence = Math.max(last.confidence, one.confidence);
      last.corrected ||= one.corrected;
      last.x = (last.left + x) / 2;
    } else pins.push({ ...one, x, left: x });
  }
  return pins;
}

export const isSure = (pin) => pin.confidence >= 0.7 || pin.corrected;

export function describePin(pin, zone) {
  if (pin.count > 1) return `${pin.count} plates, ${zone.text(pin.from)} – ${zone.time(pin.to)}`;
  const how = pin.corrected ? "as a person said" : `${Math.round(pin.confidence * 100)} % sure`;
  return `Plate ${pin.text}, ${zone.text(pin.from)}, ${how}`;
}
