// Adding a camera on the page.

import { problemOf } from "./api.js";

export function takeNewCameras(part, onAdded) {
  const problem = part("add-problem");
  part("add-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [id, url] = [part("new-id").value.trim(), part("new-url").value.trim()];
    problem.hidden = true;
    const answer = await fetch("/api/v1/cameras", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ id, url }),
    }).catch(() => null);
    if (!answer?.ok) {
      problem.textContent = answer ? (await problemOf(answer)).message : "The server does not answer.";
      problem.hidden = false;
      return;
    }
    part("add-form").reset();
    part("add").open = false;
    onAdded(id);
  });
}
