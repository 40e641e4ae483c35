// A page as the server shows it now, for a part of it to be put into the one that is open; null: it cannot be had.
export async function freshPage(address = location.href) {
  const answer = await fetch(address).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => null) : null;
  return text === null ? null : new DOMParser().parseFromString(text, "text/html");
}
