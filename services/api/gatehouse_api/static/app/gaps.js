// Gaps in words.

import { duration } from "./times.js";

export const causeOf = (gap) => gap.cause.replaceAll("_", " ");

export function describeGap(gap) {
  const why = `${causeOf(gap)}${gap.detail ? ` (${gap.detail})` : ""}`;
  if (gap.count > 1) return `${gap.count} gaps, ${duration(gap.missing)} in all within ${duration(gap.to - gap.from)}: ${why}`;
  return `gap of ${duration(gap.to - gap.from)}: ${why}`;
}

// Of gaps that lie over each other the shortest says most.
export function gapAt(gaps, ms) {
  let found = null;
  for (const gap of gaps) if (ms >= gap.from && ms < gap.to && (!found || gap.to - gap.from < found.to - found.from)) found = gap;
  return found;
}
