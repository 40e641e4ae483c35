// Times as people type them: by the clock of the site, or with a zone of their own.

const CLOCK = String.raw`(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?`;
const OF_DAY = new RegExp(`^(?:(today|yesterday)\\s*)?(?:${CLOCK})?$`);
const DATED = new RegExp(`^(\\d{4})-(\\d{1,2})-(\\d{1,2})(?:[t\\s]+${CLOCK}\\s*(z|[+-]\\d\\d:?\\d\\d)?)?$`);
const COMPACT = /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/;
const EPOCH = /^-?\d{9,11}(?:\.\d{1,12})?$/;
const EXAMPLES = "write it like 14:30, yesterday 14:30, 2026-05-17 10:23:00 or 20260517_102300";

/**
 * Return what a text means: `ms`, milliseconds UTC, and a `note` where the clock was changed then.
 * Throws a RangeError whose message says what is wrong.
 */
export function typedTime(text, zone, now, { later = false } = {}) {
  const plain = text.trim().toLowerCase();
  const shown = text.trim().slice(0, 40);
  if (!plain) throw new RangeError(`Type a time: ${EXAMPLES}.`);
  if (plain === "now") return { ms: now, note: "" };
  if (EPOCH.test(plain)) return { ms: Math.floor(Number(plain) * 1000), note: "" };
  let found = plain.match(COMPACT);
  if (found) return onClock(zone, found.slice(1), shown, later);
  found = plain.match(DATED);
  if (found) {
    const [, y, mo, d, h = 0, mi = 0, s = 0, fraction, offset] = found;
    return offset ? elsewhere([y, mo, d, h, mi, s, fraction], offset, shown) : onClock(zone, [y, mo, d, h, mi, s, fraction], shown, later);
  }
  found = plain.match(OF_DAY);
  if (!found) throw new RangeError(`“${shown}” is not a time: ${EXAMPLES}.`);
  return ofDay(zone, found, shown, now, later);
}

// An hour and a minute: of the day that is named; else the last time that the clock showed them.
function ofDay(zone, [, day, h = 0, mi = 0, s = 0, fraction], shown, now, later) {
  const on = (days) => {
    const f = zone.fields(zone.midnight(now, days));
    return onClock(zone, [f.year, f.month, f.day, h, mi, s, fraction], shown, later);
  };
  if (day) return on(day === "today" ? 0 : -1);
  const today = on(0);
  return today.ms <= now ? today : on(-1);
}

function wallOf([y, mo, d, h, mi, s, fraction = ""], shown) {
  const [year, month, date, hour, minute, second] = [y, mo, d, h, mi, s].map(Number);
  if (month < 1 || month > 12) throw new RangeError(`“${shown}”: there is no month ${month}.`);
  if (date < 1 || date > new Date(Date.UTC(year, month, 0)).getUTCDate()) throw new RangeError(`“${shown}”: that month has no day ${date}.`);
  if (hour > 23) throw new RangeError(`“${shown}”: an hour is 0 to 23.`);
  if (minute > 59 || second > 59) throw new RangeError(`“${shown}”: minutes and seconds are 0 to 59.`);
  return Date.UTC(year, month - 1, date, hour, minute, second, Number((fraction || "").slice(0, 3).padEnd(3, "0")));
}

function onClock(zone, fields, shown, later) {
  const wall = wallOf(fields, shown);
  const whole = Math.floor(wall / 1000) * 1000;
  const { shown: readings } = zone.readings(whole);
  const ms = zone.instant(whole, later) + (wall - whole);
  const note = readings.length === 2 ? `The clock showed that time twice: this is the ${later ? "second" : "first"}.`
    : readings.length === 0 ? `The clock skipped that time: this is ${zone.text(ms)}.` : "";
  return { ms, note };
}

function elsewhere(fields, offset, shown) {
  const [, sign, h, mi] = offset.match(/^([+-])(\d\d):?(\d\d)$/) || ["", "+", 0, 0];
  if (Number(h) > 23 || Number(mi) > 59) throw new RangeError(`“${shown}”: ${offset} is no distance from UTC.`);
  return { ms: wallOf(fields, shown) - Number(sign + "1") * (h * 3600e3 + mi * 60e3), note: "" };
}
