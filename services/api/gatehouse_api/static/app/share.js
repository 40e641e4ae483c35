// Giving out a link to a range: made on the server, shown once, with what it takes to pass it on.

import { iso, problemOf } from "./api.js";
import { button, element } from "./elements.js";

export async function share(camera, from, to, shown) {
  const answer = await fetch("/api/v1/links", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ camera, from: iso(from), to: iso(to) }),
  });
  if (!answer.ok) throw await problemOf(answer);
  const { url, expires } = await answer.json();
  const link = element("input", { value: url, readOnly: true });
  link.setAttribute("aria-label", "Link to this footage");
  const copy = button("Copy", async () => {
    link.select();
    await navigator.clipboard?.writeText(url);
    copy.textContent = "Copied";
  });
  const until = element("p", {
    className: "quiet",
    textContent: `Whoever has it can see this range until ${new Date(expires).toLocaleString()}. Revoke it under your name.`,
  });
  shown.replaceChildren(link, copy, until);
  shown.hidden = false;
  link.select();
}
