// Elements as scripts make them. What people wrote goes in as text and as attributes, never as markup.

// properties: as the element has them, and `role`, which not every browser has as one. Children that are null are left out.
export function element(tag, { role, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  if (role) made.setAttribute("role", role);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// label: what is read out where the text alone does not say enough.
export function button(text, act, label = "") {
  const made = element("button", { type: "button", textContent: text });
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}
