// Talking to the server. Times are numbers of milliseconds UTC in here, RFC 3339 on the wire.

export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.requestId = body.request_id;
    this.nearest = body.nearest;
  }
}

export async function getJson(path, signal) {
  const answer = await fetch(path, { signal });
  if (!answer.ok) throw await problemOf(answer);
  return answer.json();
}

export async function problemOf(answer) {
  if (answer.status === 401) location.assign("/login?" + new URLSearchParams({ next: location.pathname + location.search }));
  const body = await answer.json().catch(() => ({}));
  return new Problem(body, answer.status);
}

export const iso = (ms) => new Date(ms).toISOString();

export function footageUrl(camera, from, to, more = {}) {
  return "/api/v1/footage?" + new URLSearchParams({ camera, from: iso(from), to: iso(to), ...more });
}
