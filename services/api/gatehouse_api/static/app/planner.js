// What clips would take: asked of the server at each change.

import { getJson } from "./api.js";

const form = document.getElementById("planner");
const told = document.getElementById("plan");

async function plan() {
  if (!form.checkValidity()) { told.textContent = "Give four numbers."; return; }
  try {
    told.textContent = (await getJson(`/api/v1/storage/plan?${new URLSearchParams(new FormData(form))}`)).sentence;
  } catch (error) {
    told.textContent = error.message;
  }
}

form.addEventListener("input", plan);
form.addEventListener("submit", (event) => { event.preventDefault(); plan(); });
