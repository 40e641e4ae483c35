// Times as people read them, in the site's zone.

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

  // How far the zone is ahead of UTC at an instant, in milliseconds.
  offset(ms) {
    const f = this.fields(ms);
    return Date.UTC(f.year, f.month - 1, f.day, f.hour, f.minute, f.second) - Math.floor(ms / 1000) * 1000;
  }

  // The instant at which a local day begins.
  midnight(ms) {
    const f = this.fields(ms);
    const guess = Date.UTC(f.year, f.month - 1, f.day);
    return guess - this.offset(guess - this.offset(guess));
  }
}

export function duration(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 1 : 0)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}
