// The name of one viewing of a live picture: with it the server tells apart two pages of one person (?viewing=).

// `crypto.randomUUID` is there for pages of https alone; a recorder on a home's network is mostly none.
export function newViewing() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20, 32].map((end, n, ends) => hex.slice(n ? ends[n - 1] : 0, end)).join("-");
}
