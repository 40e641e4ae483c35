// Times as people read them, in the site's zone.

const DAY = 86400e3;

export class Zone {
  constructor(name) {
    this.name = name;
    this.parts = new Intl.DateTimeFormat("en-CA", {
      timeZone: name, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
  }

  fields(ms) {
    const found = {};
    for (const { type, value } of this.parts.formatToParts(ms)) found[type] = value;
    return found;
  }

  date(ms) { const f = this.fields(ms); return `${f.year}-${f.month}-${f.day}`; }

  time(ms, fraction = 0) {
    const f = this.fields(ms);
    const rest = fraction ? "." + String(((ms % 1000) + 1000) % 1000 | 0).padStart(3, "0").slice(0, fraction) : "";
    return `${f.hour}:${f.minute}:${f.second}${rest}`;
  }

  text(ms, fraction = 0) { return `${this.date(ms)} ${this.time(ms, fraction)}`; }

  // As `text`, with the offset where the clock shows that time twice: read again, it is the same instant.
  exact(ms, fraction = 0) {
    const ahead = this.offset(ms), whole = Math.floor(ms / 1000) * 1000;
    if (this.readings(whole + ahead).shown.length < 2) return this.text(ms, fraction);
    const minutes = Math.round(Math.abs(ahead) / 60e3), two = (n) => String(n).padStart(2, "0");
    return `${this.text(ms, fraction)}${ahead < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }

  // How far the zone is ahead of UTC at an instant, in milliseconds.
  offset(ms) {
    const f = this.fields(ms);
    return Date.UTC(f.year, f.month - 1, f.day, f.hour, f.minute, f.second) - Math.floor(ms / 1000) * 1000;
  }

  // The instants that a wall clock shows a time at: one, none in the hour that is skipped, two in the one that comes
  // twice. `wall` is the time as if it were UTC; `before` and `after` say what it means with the clock of either side.
  readings(wall) {
    const before = wall - this.offset(wall - DAY), after = wall - this.offset(wall + DAY);
    const shown = [...new Set([before, after])].filter((ms) => ms + this.offset(ms) === wall);
    return { before, after, shown };
  }

  // The instant of a time of a wall clock: of two the earlier, or with `later` the other; one that is skipped moves on
  // (or back) by what is skipped. So does the server.
  instant(wall, later = false) {
    const { before, after, shown } = this.readings(wall);
    if (!shown.length) return later ? after : before;
    return later ? Math.max(...shown) : Math.min(...shown);
  }

  // The instant at which the local day begins that is so many days after that of an instant.
  midnight(ms, days = 0) {
    const f = this.fields(ms);
    return this.instant(Date.UTC(f.year, f.month - 1, Number(f.day) + days));
  }
}

export function duration(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

// A length as one says it in passing, with one unit.
export function roughly(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 59.5) return `${Math.round(s)} s`;
  if (s < 3570) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}
